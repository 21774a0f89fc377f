// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/MaskProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

static int64_t getRank(Value tile) {
  return cast<RankedTensorType>(tile.getType()).getRank();
}

/// Adds the factors of `value`; false at a second mask.
static bool collectFactors(Value value, MaskProduct &product,
                           llvm::function_ref<bool(Value)> isGiven) {
  Operation *op = value.getDefiningOp();
  if (isa_and_present<arith::MulFOp>(op) && !isGiven(value))
    return collectFactors(op->getOperand(0), product, isGiven) &&
           collectFactors(op->getOperand(1), product, isGiven);
  auto broadcast = dyn_cast_or_null<BroadcastOp>(op);
  if (auto mask = dyn_cast_or_null<SegmentDecayOp>(op)) {
    if (product.mask)
      return false;
    product.mask = mask;
  } else if (broadcast && !product.scale && broadcast.getDims()[0] == 0 &&
             getRank(broadcast.getInput()) == 1 &&
             broadcast.getInput().getDefiningOp<BroadcastOp>() == nullptr) {
    product.scale = broadcast.getInput();
  } else {
    product.scores.push_back(value);
  }
  return true;
}

bool MaskProduct::match(Value value, llvm::function_ref<bool(Value)> isGiven) {
  return collectFactors(value, *this, isGiven) && mask && !scores.empty();
}

} // namespace mamba
