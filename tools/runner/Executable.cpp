// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/runner/Executable.h"

#include "dialect/Reference/Interpreter.h"

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

llvm::Expected<std::unique_ptr<Executable>>
createReference(func::FuncOp function, const Target *) {
  return std::make_unique<ReferenceExecutable>(function);
}

/// One row a way to execute.
struct ExecutionKind {
  const char *name;
  llvm::Expected<std::unique_ptr<Executable>> (*create)(func::FuncOp,
                                                        const Target *);
};

const ExecutionKind executionKinds[] = {{"reference", createReference}};

} // namespace

std::string listExecutionTargets() {
  std::string text;
  for (const ExecutionKind &kind : executionKinds)
    text += (text.empty() ? "" : ", ") + std::string(kind.name);
  return text;
}

llvm::Expected<std::unique_ptr<Executable>>
createExecutable(func::FuncOp function, StringRef target) {
  for (const ExecutionKind &kind : executionKinds)
    if (target == kind.name)
      return kind.create(function, lookupTarget(target));
  return llvm::createStringError("there is no target '" + target +
                                 "'; there is " + listExecutionTargets());
}

} // namespace mamba::tools
