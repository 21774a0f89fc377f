// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Decay masks times scores in a chunk program, and what can be folded into
// them.

#pragma once

#include "dialect/IR/SsdOps.h"

#include <optional>

namespace mamba {

/// A product of time×time tiles: a decay mask, scores, and maybe a scale of the
/// columns.
struct MaskProduct {
  ssd::SegmentDecayOp mask;
  mlir::Value scale;
  llvm::SmallVector<mlir::Value> scores;

  /// Splits `value` into these factors; `isGiven` says what is not looked into.
  /// False if there are two masks, none, or no scores.
  bool match(mlir::Value value, llvm::function_ref<bool(mlir::Value)> isGiven);
};

/// sum = M x + d x, with a mask M and a number d: (M + d I) x is one product.
struct Skip {
  mlir::Value sum;
  /// M x in the program.
  mlir::Value product;
  /// The product of factors (MaskProduct) that M is rounded from.
  mlir::Value factors;
  /// d, of rank 0.
  mlir::Value scalar;
};

/// The skip connection that is added to the product with `mask`, a left operand
/// that is rounded from a MaskProduct; none unless the product is only read by
/// that sum.
std::optional<Skip> matchSkip(mlir::Value mask);

} // namespace mamba
