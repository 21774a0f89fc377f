// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/runner/Executable.h"

#include "dialect/Reference/Interpreter.h"
#include "passes/Passes.h"
#include "tools/runner/Backends.h"

#include <chrono>

using namespace mlir;

namespace mamba::tools {

llvm::Expected<std::vector<HostTensor>> makeOutputs(ArrayRef<TensorSpec> specs,
                                                    const CallSizes &sizes) {
  std::vector<HostTensor> outputs;
  for (const TensorSpec &spec : specs) {
    auto shape = sizes.getShape(spec);
    if (!shape)
      return shape.takeError();
    outputs.emplace_back(*spec.type, *shape).poison();
  }
  return outputs;
}

llvm::Expected<SmallVector<ssd::ReferenceTensor>>
evaluateReference(func::FuncOp function, ArrayRef<HostTensor> inputs) {
  SmallVector<ssd::ReferenceTensor> arguments;
  for (const HostTensor &input : inputs)
    arguments.push_back(input.toReference());
  auto results = ssd::interpret(function, arguments);
  if (failed(results))
    return llvm::createStringError("the reference interpreter rejects the "
                                   "function or its inputs");
  return std::move(*results);
}

llvm::Expected<std::vector<double>>
Executable::time(ArrayRef<HostTensor> inputs,
                 MutableArrayRef<HostTensor> outputs, unsigned count) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> seconds;
  for (unsigned i = 0; i <= count; ++i) {
    auto start = Clock::now();
    if (llvm::Error error = run(inputs, outputs))
      return error;
    std::chrono::duration<double> elapsed = Clock::now() - start;
    if (i > 0)
      seconds.push_back(elapsed.count());
  }
  return seconds;
}

llvm::Error Executable::runOracle(func::FuncOp, ArrayRef<HostTensor>,
                                  MutableArrayRef<HostTensor>) {
  return llvm::createStringError("there is no oracle but on a GPU");
}

namespace {

/// The reference interpreter.
class ReferenceExecutable : public Executable {
public:
  explicit ReferenceExecutable(func::FuncOp function) : function(function) {}

  llvm::Error run(ArrayRef<HostTensor> inputs,
                  MutableArrayRef<HostTensor> outputs) override {
    auto results = evaluateReference(function, inputs);
    if (!results)
      return results.takeError();
    for (auto [output, result] : llvm::zip_equal(outputs, *results)) {
      if (output.getShape() != result.getShape())
        return llvm::createStringError(
            "a result has shape " + formatShape(result.getShape()) + " where " +
            formatShape(output.getShape()) + " was expected");
      output = HostTensor::round(output.getType(), result);
    }
    return llvm::Error::success();
  }

  std::string describe() const override {
    return "the float64 reference interpreter";
  }

private:
  func::FuncOp function;
};

} // namespace

std::string listExecutionTargets() {
  return "reference, cuda, " + listTargets();
}

CreatedExecutable createExecutable(func::FuncOp function, StringRef name) {
  if (name == "reference")
    return std::make_unique<ReferenceExecutable>(function);
  if (name == "cuda")
    return createGpuExecutable(function, /*target=*/nullptr);
  const Target *target = lookupTarget(name);
  if (!target)
    return llvm::createStringError("there is no target '" + name +
                                   "'; there is " + listExecutionTargets());
  return target->isGpu() ? createGpuExecutable(function, target)
                         : createCpuExecutable(function, *target);
}

//===----------------------------------------------------------------------===//
// Shared by the back ends
//===----------------------------------------------------------------------===//

llvm::Expected<const Target *>
chooseGpuTarget(const mamba_device_info &device) {
  const Target *best = nullptr;
  int64_t bestRow = 0;
  for (const Target &row : getTargets()) {
    if (!row.isGpu())
      continue;
    StringRef number = StringRef(row.name).drop_front(StringRef("sm_").size());
    bool isExact = number.consume_back("a");
    int64_t value = 0;
    if (number.getAsInteger(10, value) || value > device.capability ||
        (isExact && value != device.capability) || value < bestRow)
      continue;
    best = &row;
    bestRow = value;
  }
  if (!best)
    return llvm::createStringError(
        llvm::Twine(device.name) + " has compute capability " +
        llvm::Twine(device.capability) +
        ", which no target row serves; there is " + listTargets());
  return best;
}

OwningOpRef<ModuleOp> isolate(func::FuncOp function) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(function.getLoc());
  module->push_back(function.clone());
  return module;
}

llvm::Error lowerToChunks(ModuleOp module, const Target &target) {
  PassManager manager(module.getContext());
  addToChunksPipeline(manager, target.name);
  if (failed(manager.run(module)))
    return llvm::createStringError(
        "the function was not lowered to chunk programs for " + target.name);
  return llvm::Error::success();
}

llvm::Error toError(const rt::Status &status) {
  if (status.isOk())
    return llvm::Error::success();
  return llvm::createStringError(std::string(status.message()));
}

} // namespace mamba::tools
