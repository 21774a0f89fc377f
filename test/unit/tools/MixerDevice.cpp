// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/tools/MixerDevice.h"

#include "codegen/Compiler/Compiler.h"
#include "tools/runner/Backends.h"

using namespace mamba::tools;

namespace mamba::test {

static constexpr const char *target = "sm_90a";

Device openHopper() {
  static auto device = rt::cu::GpuDevice::open(0);
  return device.isOk() && (*device)->info().capability == 90 ? *device
                                                             : nullptr;
}

llvm::Expected<rt::cu::GpuFunction> load(const Device &device,
                                         const ScheduledMixer &mixer) {
  auto code = codegen::compileSource(mixer.text, /*entry=*/"", target);
  if (!code)
    return code.takeError();
  llvm::StringRef ptx = (*code)->getPtx();
  auto module = device->load(ptx.data(), ptx.size(), /*cacheDirectory=*/"");
  if (!module.isOk())
    return toError(module.status());
  auto plan = rt::Plan::copy(&(*code)->getPlan());
  if (!plan.isOk())
    return toError(plan.status());
  auto function = rt::cu::GpuFunction::create(*module, std::move(*plan));
  if (!function.isOk())
    return toError(function.status());
  return std::move(*function);
}

llvm::Error DeviceArguments::add(const Device &device, const ElementType &type,
                                 llvm::ArrayRef<int64_t> shape) {
  int64_t bytes = ssd::countElements(shape) * type.bytes;
  auto buffer = rt::cu::DeviceBuffer::allocate(device, bytes);
  if (!buffer.isOk())
    return toError(buffer.status());
  buffers.push_back(std::move(*buffer));
  shapes.emplace_back(shape);
  DLTensor tensor = {};
  tensor.data = buffers.back().data();
  tensor.device = {kDLCUDA, 0};
  tensor.ndim = static_cast<int32_t>(shape.size());
  tensor.dtype = type.dlpack;
  tensors.push_back(tensor);
  return llvm::Error::success();
}

/// Points to what no longer moves.
void DeviceArguments::finish() {
  for (auto [tensor, shape] : llvm::zip_equal(tensors, shapes)) {
    tensor.shape = shape.data();
    list.push_back(&tensor);
  }
}

llvm::Expected<DeviceArguments> DeviceArguments::allocate(
    const Device &device, llvm::ArrayRef<TensorSpec> specs,
    llvm::ArrayRef<llvm::SmallVector<int64_t, 4>> shapes) {
  DeviceArguments arguments;
  for (auto [spec, shape] : llvm::zip_equal(specs, shapes))
    if (llvm::Error error = arguments.add(device, *spec.type, shape))
      return error;
  arguments.finish();
  return arguments;
}

llvm::Expected<DeviceArguments> DeviceArguments::upload(const Device &device,
                                                        const MixerCall &call) {
  DeviceArguments arguments;
  for (const auto *tensors : {&call.inputs, &call.outputs})
    for (const HostTensor &tensor : *tensors) {
      if (llvm::Error error =
              arguments.add(device, tensor.getType(), tensor.getShape()))
        return error;
      rt::Status status =
          arguments.buffers.back().upload(tensor.data(), tensor.getNumBytes());
      if (!status.isOk())
        return toError(status);
    }
  arguments.finish();
  return arguments;
}

llvm::Error
DeviceArguments::download(llvm::MutableArrayRef<HostTensor> outputs) const {
  auto first = buffers.end() - static_cast<ptrdiff_t>(outputs.size());
  for (auto [buffer, output] :
       llvm::zip_equal(llvm::make_range(first, buffers.end()), outputs)) {
    rt::Status status = buffer.download(output.data(), output.getNumBytes());
    if (!status.isOk())
      return toError(status);
  }
  return llvm::Error::success();
}

llvm::Expected<rt::cu::DeviceBuffer>
DeviceLauncher::allocateWorkspace(const DeviceArguments &arguments) {
  auto bytes = function.workspaceBytes(arguments.get());
  if (!bytes.isOk())
    return toError(bytes.status());
  auto buffer = rt::cu::DeviceBuffer::allocate(device, *bytes);
  if (!buffer.isOk())
    return toError(buffer.status());
  return std::move(*buffer);
}

llvm::Error DeviceLauncher::launch(const DeviceArguments &arguments) {
  auto bytes = function.workspaceBytes(arguments.get());
  if (!bytes.isOk())
    return toError(bytes.status());
  if (!workspace || workspace->size() < static_cast<size_t>(*bytes)) {
    auto buffer = allocateWorkspace(arguments);
    if (!buffer)
      return buffer.takeError();
    workspace.emplace(std::move(*buffer));
  }
  return toError(function.launch(arguments.get(), workspace->data(),
                                 workspace->size(), /*stream=*/nullptr));
}

} // namespace mamba::test
