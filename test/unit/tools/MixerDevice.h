// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// mamba-bench's mixer on a GPU: kernels of chosen schedules, and their launches
// on arguments that stay in the GPU's memory.

#ifndef MAMBA_TEST_UNIT_TOOLS_MIXERDEVICE_H
#define MAMBA_TEST_UNIT_TOOLS_MIXERDEVICE_H

#include "runtime/cuda/GpuFunction.h"
#include "runtime/cuda/Memory.h"
#include "test/unit/tools/MixerCall.h"
#include "tools/mamba-bench/Mixer.h"

namespace mamba::test {

using Device = std::shared_ptr<rt::cu::GpuDevice>;

/// The first GPU if it runs code for sm_90a; else null.
Device openHopper();

/// Compiles a scheduled mixer for sm_90a and loads it.
llvm::Expected<rt::cu::GpuFunction> load(const Device &device,
                                         const tools::ScheduledMixer &mixer);

/// Arguments in device memory, inputs first.
class DeviceArguments {
public:
  /// Allocates tensors of these types and shapes.
  static llvm::Expected<DeviceArguments>
  allocate(const Device &device, llvm::ArrayRef<tools::TensorSpec> specs,
           llvm::ArrayRef<llvm::SmallVector<int64_t, 4>> shapes);
  /// Copies the inputs of a call; its outputs are NaN.
  static llvm::Expected<DeviceArguments> upload(const Device &device,
                                                const MixerCall &call);

  size_t size() const { return buffers.size(); }
  rt::cu::DeviceBuffer &operator[](size_t i) { return buffers[i]; }
  rt::ArgumentList get() const { return {list.data(), list.size()}; }
  /// The last of them, which are the outputs.
  llvm::Error download(llvm::MutableArrayRef<tools::HostTensor> outputs) const;

private:
  llvm::Error add(const Device &device, const tools::ElementType &type,
                  llvm::ArrayRef<int64_t> shape);
  void finish();

  std::vector<rt::cu::DeviceBuffer> buffers;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<DLTensor> tensors;
  std::vector<const DLTensor *> list;
};

/// Launches a function; its workspace is allocated when it is needed and kept.
class DeviceLauncher {
public:
  DeviceLauncher(Device device, rt::cu::GpuFunction function)
      : device(std::move(device)), function(std::move(function)) {}

  llvm::Error launch(const DeviceArguments &arguments);
  /// With a workspace of the caller's.
  rt::Status launch(const DeviceArguments &arguments,
                    const rt::cu::DeviceBuffer &given, rt::cu::Stream stream) {
    return function.launch(arguments.get(), given.data(), given.size(), stream);
  }
  llvm::Expected<rt::cu::DeviceBuffer>
  allocateWorkspace(const DeviceArguments &arguments);

private:
  Device device;
  rt::cu::GpuFunction function;
  std::optional<rt::cu::DeviceBuffer> workspace;
};

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_TOOLS_MIXERDEVICE_H
