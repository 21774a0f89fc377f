// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The reference semantics of whole functions: a slow, obvious float64
// interpreter that every decomposition and kernel is compared with.
//
// Values are real numbers: conversions between float types are the identity
// and nothing is rounded. It evaluates
//   - level L0 (matrices and `ssd.apply`), by what StructuredMatrixOpInterface
//     answers, and level L1 (`ssd.chunk_scan` and the tile operations);
//   - linalg operations on tensors, through their region and indexing maps;
//   - arith and math, on scalars and element-wise on tensors;
//   - tensor: cast, collapse_shape, concat, dim, empty, expand_shape, extract,
//     extract_slice, splat.

#pragma once

#include "dialect/Reference/ReferenceTensor.h"

namespace mlir::func {
class FuncOp;
} // namespace mlir::func

namespace mamba::ssd {

struct InterpreterOptions {
  /// How `ssd.apply` is evaluated.
  enum class Apply {
    /// The token recurrence of THEORY §1 (the adjoint one for anti-causal
    /// matrices). A full matrix is an error.
    Recurrence,
    /// Every entry of M by referenceValue, any support, without states. Its
    /// cost grows with T³ or worse: for tests.
    Dense
  };
  Apply apply = Apply::Recurrence;
};

/// Evaluates `function`, which must have one block, on `arguments`, one tensor
/// for each argument (rank 0 for scalars), and returns its results.
///
/// Fails with a diagnostic at the operation concerned when arguments do not
/// fit the signature, run-time sizes contradict each other, a log decay is
/// positive, NaN or −∞ (with its name, value and index), a full matrix is
/// applied by recurrence, or an operation is not known.
llvm::FailureOr<llvm::SmallVector<ReferenceTensor>>
interpret(mlir::func::FuncOp function,
          llvm::ArrayRef<ReferenceTensor> arguments,
          const InterpreterOptions &options = {});

} // namespace mamba::ssd
