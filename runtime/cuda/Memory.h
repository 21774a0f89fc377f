// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Device memory and streams for the tools and tests, and memory of the
// runtime's own; host applications bring theirs.

#ifndef MAMBA_RUNTIME_CUDA_MEMORY_H
#define MAMBA_RUNTIME_CUDA_MEMORY_H

#include "runtime/cuda/Device.h"

namespace mamba::rt::cu {

/// Memory on a device, freed with the object.
class DeviceBuffer {
public:
  /// MAMBA_OUT_OF_MEMORY names the size. `bytes` may be 0.
  static Result<DeviceBuffer> allocate(std::shared_ptr<const GpuDevice> device,
                                       size_t bytes);

  DeviceBuffer(DeviceBuffer &&other) noexcept;
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept;
  ~DeviceBuffer();

  void *data() const { return reinterpret_cast<void *>(pointer); }
  size_t size() const { return bytes; }

  /// Copies `count` bytes to or from the start of the buffer and waits.
  Status upload(const void *source, size_t count);
  Status download(void *target, size_t count) const;

  /// Sets every byte, to poison outputs; in order with the legacy stream.
  Status fill(unsigned char value);

private:
  DeviceBuffer(std::shared_ptr<const GpuDevice> device, DevicePointer pointer,
               size_t bytes)
      : device(std::move(device)), pointer(pointer), bytes(bytes) {}

  /// Runs `call` in the context if `count` bytes are inside the buffer.
  template <typename Call>
  Status inContext(size_t count, const char *name, Call call) const;

  std::shared_ptr<const GpuDevice> device;
  DevicePointer pointer = 0;
  size_t bytes = 0;
};

/// A stream of its own, destroyed with the object.
class OwnedStream {
public:
  static Result<std::unique_ptr<OwnedStream>>
  create(std::shared_ptr<const GpuDevice> device);
  ~OwnedStream();

  OwnedStream(const OwnedStream &) = delete;
  OwnedStream &operator=(const OwnedStream &) = delete;

  Stream get() const { return stream; }
  Status synchronize() const;

private:
  OwnedStream(std::shared_ptr<const GpuDevice> device, Stream stream)
      : device(std::move(device)), stream(stream) {}

  std::shared_ptr<const GpuDevice> device;
  Stream stream;
};

} // namespace mamba::rt::cu

#endif // MAMBA_RUNTIME_CUDA_MEMORY_H
