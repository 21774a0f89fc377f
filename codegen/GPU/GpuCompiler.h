// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From a function of mixers to PTX and the plan that launches it.

#pragma once

#include "codegen/Plan/PlanBuilder.h"
#include "mlir/IR/BuiltinOps.h"

namespace mamba::codegen {

struct GpuProgram {
  std::string ptx;
  /// The optimised LLVM module that became the PTX, if it was asked for.
  std::string llvmIR;
  std::unique_ptr<OwnedPlan> plan;
};

/// Compiles the function `entry` of `module` (level L0 or L1) for a GPU target
/// (sm_80 …). `module` is changed: afterwards it holds the chunk programs of
/// the function and its tile kernels. Only `entry` is compiled; other
/// functions are removed. Fails with diagnostics that name what the target
/// cannot do. The kernels are compiled side by side if the context has threads;
/// `withLlvmIR` compiles them as one module. The PTX is the same but for the
/// numbers of labels.
llvm::FailureOr<GpuProgram> compileForGpu(mlir::ModuleOp module,
                                          llvm::StringRef entry,
                                          llvm::StringRef target,
                                          bool withLlvmIR = false);

/// The function `entry` of `module`, or its only function when `entry` is
/// empty; everything else is removed. Fails with a diagnostic that lists the
/// functions there are.
llvm::FailureOr<mlir::func::FuncOp> isolateEntry(mlir::ModuleOp module,
                                                 llvm::StringRef entry);

} // namespace mamba::codegen
