// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Structured matrices as sums of terms of the token recurrence
//
//   S_t = a_t S_{t-1} + B_t x_tᵀ,   y_t = C_tᵀ S_t,
//
// with a_t, B_t and C_t kept as products of tensors of the function.

#pragma once

#include "mlir/IR/Value.h"
#include "llvm/Support/LogicalResult.h"

#include <string>
#include <vector>

namespace mamba::codegen {

/// Factor of a read or write key: keys[b, t, head, n / divisor % size].
struct KeyFactor {
  mlir::Value keys;
  std::string head;
  int64_t divisor = 1;
  int64_t size = 1;
};

/// Factor that does not depend on n: tensor[b, t, head], or tensor[head].
struct TokenFactor {
  mlir::Value tensor;
  std::string head;
};

struct MatrixTerm {
  int64_t stateSize = 1;
  bool strict = false;                ///< A token does not read what it writes.
  std::vector<TokenFactor> logDecays; ///< log a_t is their sum.
  std::vector<KeyFactor> read, write;
  std::vector<TokenFactor> readScales, writeScales;
};

using MatrixTerms = std::vector<MatrixTerm>;

/// The expression for the head of `operandHeads` that head `head` of `heads`
/// reads.
std::string shareHead(const std::string &head, int64_t heads,
                      int64_t operandHeads);

/// The terms of `matrix` for the head of it that the expression `head` gives.
/// The state is their concatenation. Fails with a diagnostic at an operation
/// that has no terms here.
llvm::FailureOr<MatrixTerms> buildMatrixTerms(mlir::Value matrix,
                                              const std::string &head);

} // namespace mamba::codegen
