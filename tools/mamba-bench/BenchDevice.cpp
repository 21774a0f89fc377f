// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/BenchDevice.h"

#include "tools/mamba-bench/ArgumentSets.h"

using namespace mlir;

namespace mamba::tools {

llvm::Expected<BenchFunction> BenchDevice::load(StringRef text) {
  BenchFunction function;
  auto code = codegen::compileSource(text, /*entry=*/"", getTarget().name,
                                     getThreads());
  if (!code)
    return code.takeError();
  function.code = std::move(*code);
  if (llvm::Error error = bind(function))
    return error;
  return function;
}

llvm::Expected<std::pair<DeviceMemory, size_t>>
BenchDevice::allocateWorkspace(const BenchFunction &function,
                               const ArgumentSets &sets) {
  ArrayRef<const DLTensor *> arguments = sets.get(0);
  size_t bytes = 0;
  if (llvm::Error error = takeError(mamba_function_workspace_bytes(
          function.handle.get(), arguments.data(), arguments.size(), &bytes)))
    return error;
  auto memory = allocate(bytes);
  if (!memory)
    return memory.takeError();
  return std::make_pair(std::move(*memory), bytes);
}

llvm::Expected<std::unique_ptr<BenchDevice>>
createBenchDevice(StringRef name, unsigned threads) {
  if (name == "cuda")
    return createGpuBenchDevice(/*target=*/nullptr);
  const Target *target = lookupTarget(name);
  if (!target)
    return llvm::createStringError("there is no target '" + name +
                                   "'; there is cuda, " + listTargets());
  if (target->isGpu())
    return createGpuBenchDevice(target);
  return createCpuBenchDevice(threads);
}

llvm::Expected<std::string> getKernelName(const BenchFunction &function,
                                          const ArgumentSets &sets) {
  ArrayRef<const DLTensor *> arguments = sets.get(0);
  const char *name = nullptr;
  if (llvm::Error error = takeError(mamba_function_kernel_name(
          function.handle.get(), arguments.data(), arguments.size(),
          /*step=*/0, &name)))
    return error;
  return name;
}

llvm::Error takeError(mamba_status *status) {
  if (!status)
    return llvm::Error::success();
  llvm::Error error =
      llvm::createStringError(std::string(mamba_status_message(status)));
  mamba_status_free(status);
  return error;
}

double getMedian(std::vector<double> values) {
  llvm::sort(values);
  return values[values.size() / 2];
}

double Measurement::getMedian() const { return tools::getMedian(seconds); }

} // namespace mamba::tools
