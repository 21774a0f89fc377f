// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Memory.h"

using namespace mamba::rt;
using namespace mamba::rt::cu;

Result<DeviceBuffer>
DeviceBuffer::allocate(std::shared_ptr<const GpuDevice> device, size_t bytes) {
  DevicePointer pointer = 0;
  if (bytes > 0) {
    ContextScope scope(*device);
    Status status = scope.takeStatus();
    if (status.isOk())
      status = device->driver().check(
          device->driver().memAlloc(&pointer, bytes), "cuMemAlloc");
    if (!status.isOk())
      return std::move(status).withContext(
          text("allocating ", bytes, " bytes on '", device->info().name, "'"));
  }
  return DeviceBuffer(std::move(device), pointer, bytes);
}

DeviceBuffer::DeviceBuffer(DeviceBuffer &&other) noexcept
    : device(std::move(other.device)), pointer(std::exchange(other.pointer, 0)),
      bytes(std::exchange(other.bytes, 0)) {}

DeviceBuffer &DeviceBuffer::operator=(DeviceBuffer &&other) noexcept {
  std::swap(device, other.device);
  std::swap(pointer, other.pointer);
  std::swap(bytes, other.bytes);
  return *this;
}

DeviceBuffer::~DeviceBuffer() {
  if (!pointer)
    return;
  ContextScope scope(*device);
  if (scope.takeStatus().isOk())
    device->driver().memFree(pointer);
}

template <typename Call>
Status DeviceBuffer::inContext(size_t count, const char *name,
                               Call call) const {
  if (count > bytes)
    return error(MAMBA_INVALID_ARGUMENT, name, " of ", count,
                 " bytes, the buffer has ", bytes);
  if (count == 0)
    return {};
  ContextScope scope(*device);
  Status status = scope.takeStatus();
  if (!status.isOk())
    return status;
  return device->driver().check(call(device->driver()), name);
}

Status DeviceBuffer::upload(const void *source, size_t count) {
  return inContext(count, "cuMemcpyHtoD", [&](const Driver &driver) {
    return driver.memcpyToDevice(pointer, source, count);
  });
}

Status DeviceBuffer::download(void *target, size_t count) const {
  return inContext(count, "cuMemcpyDtoH", [&](const Driver &driver) {
    return driver.memcpyToHost(target, pointer, count);
  });
}

Status DeviceBuffer::fill(unsigned char value) {
  return inContext(bytes, "cuMemsetD8", [&](const Driver &driver) {
    return driver.memset(pointer, value, bytes);
  });
}

Result<std::unique_ptr<OwnedStream>>
OwnedStream::create(std::shared_ptr<const GpuDevice> device) {
  ContextScope scope(*device);
  Status status = scope.takeStatus();
  Stream stream = nullptr;
  if (status.isOk())
    status = device->driver().check(
        device->driver().streamCreate(&stream, /*flags=*/0), "cuStreamCreate");
  if (!status.isOk())
    return status;
  return std::unique_ptr<OwnedStream>(
      new OwnedStream(std::move(device), stream));
}

OwnedStream::~OwnedStream() {
  ContextScope scope(*device);
  if (scope.takeStatus().isOk())
    device->driver().streamDestroy(stream);
}

Status OwnedStream::synchronize() const {
  ContextScope scope(*device);
  Status status = scope.takeStatus();
  if (!status.isOk())
    return status;
  return device->driver().check(device->driver().streamSynchronize(stream),
                                "cuStreamSynchronize");
}
