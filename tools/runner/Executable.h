// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where a function runs: the reference interpreter, or compiled for a target.

#pragma once

#include "passes/Targets/Targets.h"
#include "tools/runner/Machine.h"
#include "tools/runner/Signature.h"

#include <memory>

namespace mamba::tools {

/// A function that can be called.
class Executable {
public:
  virtual ~Executable() = default;

  /// Calls the function once. `outputs` have the shapes of the results.
  virtual llvm::Error run(llvm::ArrayRef<HostTensor> inputs,
                          llvm::MutableArrayRef<HostTensor> outputs) = 0;

  /// Calls the function `count` times, after one call that is not counted, and
  /// returns the seconds of each call: on a GPU the device's, elsewhere wall
  /// time. Inputs and outputs are in place and not copied.
  virtual llvm::Expected<std::vector<double>>
  time(llvm::ArrayRef<HostTensor> inputs,
       llvm::MutableArrayRef<HostTensor> outputs, unsigned count);

  /// Calls the function as the oracle states it: a sequential recurrence in
  /// float64 on the same machine, for results too large for the interpreter.
  /// `outputs` are f64. Fails where there is no oracle: off the GPU.
  virtual llvm::Error runOracle(mlir::func::FuncOp function,
                                llvm::ArrayRef<HostTensor> inputs,
                                llvm::MutableArrayRef<HostTensor> outputs);

  /// What it runs on, in words.
  virtual std::string describe() const = 0;

  /// The row it is compiled for; null if there is none.
  virtual const Target *getTarget() const { return nullptr; }

  /// What the machine can do; zeros where nothing is known.
  virtual MachineLimits getLimits() const { return {}; }
};

/// Makes `function`, which must outlive the result, executable on `target`:
/// "reference", "cpu", "cuda" (the first GPU), or a GPU architecture of the
/// target table such as "sm_90a".
llvm::Expected<std::unique_ptr<Executable>>
createExecutable(mlir::func::FuncOp function, llvm::StringRef target);

/// "reference, cpu, cuda, sm_80, …", for help texts.
std::string listExecutionTargets();

/// Outputs for a call of these sizes, full of NaN.
llvm::Expected<std::vector<HostTensor>>
makeOutputs(llvm::ArrayRef<TensorSpec> specs, const CallSizes &sizes);

/// Results of `function` by the float64 interpreter, which takes the inputs as
/// they are stored. Its diagnostics go to the context.
llvm::Expected<llvm::SmallVector<ssd::ReferenceTensor>>
evaluateReference(mlir::func::FuncOp function,
                  llvm::ArrayRef<HostTensor> inputs);

} // namespace mamba::tools
