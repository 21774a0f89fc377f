// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Decay masks times scores in a chunk program.

#pragma once

#include "dialect/IR/SsdOps.h"

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

} // namespace mamba
