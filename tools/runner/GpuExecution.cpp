// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Execution on a GPU through the runtime, and the oracle beside it.

#include "codegen/GPU/GpuCompiler.h"
#include "codegen/Oracle/Oracle.h"
#include "runtime/cuda/GpuFunction.h"
#include "runtime/cuda/Memory.h"
#include "runtime/cuda/Nvrtc.h"
#include "runtime/cuda/Timer.h"
#include "tools/runner/Backends.h"

using namespace mlir;

namespace mamba::tools {
namespace {

/// Inputs and outputs of a call in device memory.
struct DeviceArguments {
  std::vector<rt::cu::DeviceBuffer> buffers;
  std::vector<DLTensor> tensors;
  std::vector<const DLTensor *> list;

  rt::ArgumentList get() const { return {list.data(), list.size()}; }
};

using Device = std::shared_ptr<rt::cu::GpuDevice>;

class GpuExecution : public Executable {
public:
  GpuExecution(Device device, rt::cu::GpuFunction function,
               const Target &target)
      : device(std::move(device)), function(std::move(function)),
        target(target) {}

  llvm::Error run(ArrayRef<HostTensor> inputs,
                  MutableArrayRef<HostTensor> outputs) override;
  llvm::Expected<std::vector<double>> time(ArrayRef<HostTensor> inputs,
                                           MutableArrayRef<HostTensor> outputs,
                                           unsigned count) override;
  llvm::Error runOracle(func::FuncOp l0, ArrayRef<HostTensor> inputs,
                        MutableArrayRef<HostTensor> outputs) override;
  std::string describe() const override;
  const Target *getTarget() const override { return &target; }
  MachineLimits getLimits() const override;

private:
  llvm::Expected<DeviceArguments> upload(ArrayRef<HostTensor> inputs,
                                         ArrayRef<HostTensor> outputs);
  llvm::Error prepareWorkspace(const DeviceArguments &arguments);

  Device device;
  rt::cu::GpuFunction function;
  const Target &target;
  std::optional<rt::cu::DeviceBuffer> workspace;
};

/// Memory that is certainly larger than a GPU's L2 cache.
constexpr int64_t cacheBytes = int64_t(256) << 20;

llvm::Expected<rt::cu::GpuFunction>
loadFunction(const Device &device, StringRef image, const mamba_plan &plan) {
  auto module = device->load(image.data(), image.size(), /*cacheDirectory=*/"");
  if (!module.isOk())
    return toError(module.status());
  rt::Result<rt::Plan> copy = rt::Plan::copy(&plan);
  if (!copy.isOk())
    return toError(copy.status());
  auto function = rt::cu::GpuFunction::create(*module, std::move(*copy));
  if (!function.isOk())
    return toError(function.status());
  return std::move(*function);
}

} // namespace

llvm::Expected<DeviceArguments>
GpuExecution::upload(ArrayRef<HostTensor> inputs,
                     ArrayRef<HostTensor> outputs) {
  DeviceArguments arguments;
  auto add = [&](const HostTensor &tensor, bool isInput) -> llvm::Error {
    auto buffer = rt::cu::DeviceBuffer::allocate(device, tensor.getNumBytes());
    if (!buffer.isOk())
      return toError(buffer.status());
    // Outputs start as NaN, so that an element nobody writes is seen.
    rt::Status status =
        isInput ? buffer->upload(tensor.data(), tensor.getNumBytes())
                : buffer->fill(0xff);
    arguments.tensors.push_back(
        tensor.describe(buffer->data(), {kDLCUDA, device->info().ordinal}));
    arguments.buffers.push_back(std::move(*buffer));
    return toError(status);
  };
  for (const HostTensor &input : inputs)
    if (llvm::Error error = add(input, /*isInput=*/true))
      return error;
  for (const HostTensor &output : outputs)
    if (llvm::Error error = add(output, /*isInput=*/false))
      return error;
  for (const DLTensor &tensor : arguments.tensors)
    arguments.list.push_back(&tensor);
  return arguments;
}

llvm::Error GpuExecution::prepareWorkspace(const DeviceArguments &arguments) {
  rt::Result<int64_t> bytes = function.workspaceBytes(arguments.get());
  if (!bytes.isOk())
    return toError(bytes.status());
  if (workspace && workspace->size() == static_cast<size_t>(*bytes))
    return llvm::Error::success();
  auto buffer = rt::cu::DeviceBuffer::allocate(device, *bytes);
  if (!buffer.isOk())
    return toError(buffer.status());
  workspace.emplace(std::move(*buffer));
  return llvm::Error::success();
}

llvm::Error GpuExecution::run(ArrayRef<HostTensor> inputs,
                              MutableArrayRef<HostTensor> outputs) {
  auto arguments = upload(inputs, outputs);
  if (!arguments)
    return arguments.takeError();
  if (llvm::Error error = prepareWorkspace(*arguments))
    return error;
  // On the legacy stream, in order with the copies.
  rt::Status status =
      function.launch(arguments->get(), workspace->data(), workspace->size(),
                      /*stream=*/nullptr);
  if (!status.isOk())
    return toError(status);
  for (auto [i, output] : llvm::enumerate(outputs)) {
    status = arguments->buffers[inputs.size() + i].download(
        output.data(), output.getNumBytes());
    if (!status.isOk())
      return toError(status);
  }
  return llvm::Error::success();
}

/// Launches rotate over copies of the arguments, so that none finds its inputs
/// in the cache.
llvm::Expected<std::vector<double>>
GpuExecution::time(ArrayRef<HostTensor> inputs,
                   MutableArrayRef<HostTensor> outputs, unsigned count) {
  int64_t bytes = 1;
  for (const HostTensor &input : inputs)
    bytes += input.getNumBytes();
  for (const HostTensor &output : outputs)
    bytes += output.getNumBytes();
  int64_t numCopies =
      std::min<int64_t>(llvm::divideCeil(cacheBytes, bytes), 16);
  std::vector<DeviceArguments> copies;
  for (int64_t i = 0; i < numCopies; ++i) {
    auto arguments = upload(inputs, outputs);
    if (!arguments)
      return arguments.takeError();
    copies.push_back(std::move(*arguments));
  }
  if (llvm::Error error = prepareWorkspace(copies.front()))
    return error;
  auto timer = rt::cu::Timer::create(device);
  if (!timer.isOk())
    return toError(timer.status());
  std::vector<double> seconds;
  for (unsigned i = 0; i <= count; ++i) {
    rt::Status status = (*timer)->start(nullptr);
    if (status.isOk())
      status = function.launch(copies[i % numCopies].get(), workspace->data(),
                               workspace->size(), /*stream=*/nullptr);
    if (status.isOk())
      status = (*timer)->stop(nullptr);
    if (!status.isOk())
      return toError(status);
    rt::Result<double> milliseconds = (*timer)->elapsedMilliseconds();
    if (!milliseconds.isOk())
      return toError(milliseconds.status());
    if (i > 0)
      seconds.push_back(*milliseconds * 1e-3);
  }
  return seconds;
}

llvm::Error GpuExecution::runOracle(func::FuncOp l0,
                                    ArrayRef<HostTensor> inputs,
                                    MutableArrayRef<HostTensor> outputs) {
  FailureOr<codegen::OracleProgram> program = codegen::printOracle(l0);
  if (failed(program))
    return llvm::createStringError("the oracle cannot print the function");
  auto compiler = rt::cu::Nvrtc::open();
  if (!compiler.isOk())
    return toError(compiler.status());
  std::string architecture =
      "compute_" + std::to_string(device->info().capability);
  auto ptx = compiler->compile(program->source, "oracle.cu", architecture, {});
  if (!ptx.isOk())
    return toError(ptx.status());
  auto oracle = loadFunction(device, *ptx, program->plan->get());
  if (!oracle)
    return oracle.takeError();
  return GpuExecution(device, std::move(*oracle), target).run(inputs, outputs);
}

std::string GpuExecution::describe() const {
  return std::string(device->info().name) + " (code for " + target.name.str() +
         ")";
}

MachineLimits GpuExecution::getLimits() const {
  auto row = chooseGpuTarget(device->info());
  if (!row) {
    llvm::consumeError(row.takeError());
    return {};
  }
  return {(*row)->bytesPerSecond, (*row)->flopsPerSecond,
          (*row)->machine.str()};
}

CreatedExecutable createGpuExecutable(func::FuncOp function,
                                      const Target *target) {
  auto device = rt::cu::GpuDevice::open(/*ordinal=*/0);
  if (!device.isOk())
    return toError(device.status());
  if (!target) {
    auto chosen = chooseGpuTarget((*device)->info());
    if (!chosen)
      return chosen.takeError();
    target = *chosen;
  }
  OwningOpRef<ModuleOp> module = isolate(function);
  FailureOr<codegen::GpuProgram> program =
      codegen::compileForGpu(*module, function.getName(), target->name);
  if (failed(program))
    return llvm::createStringError("the function was not compiled for " +
                                   target->name);
  auto bound = loadFunction(*device, program->ptx, program->plan->get());
  if (!bound)
    return bound.takeError();
  return std::make_unique<GpuExecution>(*device, std::move(*bound), *target);
}

} // namespace mamba::tools
