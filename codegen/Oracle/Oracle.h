// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The oracle: a function at level L0 as plain sequential CUDA C++, to check
// large results on the GPU itself. It shares nothing with passes and back ends
// but the IR it starts from: every ssd.apply is the token recurrence of its
// terms, one thread a (batch, head, channel), in float64 without any rounding
// in between.

#pragma once

#include "codegen/Plan/PlanBuilder.h"

#include <memory>
#include <string>

namespace mamba::codegen {

struct OracleProgram {
  /// CUDA C++ without includes, for NVRTC.
  std::string source;
  /// How to launch it: the function's arguments as inputs in their own types,
  /// its results as outputs in f64 whatever their types, temporaries in f64.
  std::unique_ptr<OwnedPlan> plan;
};

/// Prints `function`, which has one block of ssd matrix operations and
/// ssd.apply, linalg operations on tensors, arith and math (on scalars and
/// element-wise on tensors) and tensor.cast, collapse_shape, dim, empty,
/// expand_shape, extract and splat.
///
/// Fails with a diagnostic at an operation it does not know, at a full matrix,
/// at a state beyond 4096 numbers a channel, and at dynamic sizes that are
/// neither the batch (dimension 0) nor the length (dimension 1).
llvm::FailureOr<OracleProgram> printOracle(mlir::func::FuncOp function);

} // namespace mamba::codegen
