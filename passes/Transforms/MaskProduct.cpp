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

/// d of d x, where x is `input` or that in f32; null for anything else.
static Value matchScaled(Value value, Value input) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  if (!product)
    return Value();
  for (unsigned i : {0, 1}) {
    auto broadcast = product->getOperand(i).getDefiningOp<BroadcastOp>();
    Value other = product->getOperand(1 - i);
    if (auto wide = other.getDefiningOp<arith::ExtFOp>())
      other = wide.getIn();
    if (broadcast && getRank(broadcast.getInput()) == 0 && other == input)
      return broadcast.getInput();
  }
  return Value();
}

std::optional<Skip> matchSkip(Value mask) {
  auto rounded = mask.getDefiningOp<arith::TruncFOp>();
  if (!rounded || !mask.hasOneUse())
    return std::nullopt;
  auto dot = dyn_cast<DotOp>(*mask.getUsers().begin());
  if (!dot || dot.getLhs() != mask ||
      dot.getContract() != ArrayRef<int64_t>({1, 0}) || !dot->hasOneUse())
    return std::nullopt;
  MaskProduct product;
  if (!product.match(rounded.getIn(), [](Value) { return false; }))
    return std::nullopt;
  auto sum = dyn_cast<arith::AddFOp>(*dot->getUsers().begin());
  if (!sum)
    return std::nullopt;
  Value other = sum.getLhs() == dot.getResult() ? sum.getRhs() : sum.getLhs();
  Value scalar = matchScaled(other, dot.getRhs());
  if (!scalar)
    return std::nullopt;
  return Skip{sum, dot, rounded.getIn(), scalar};
}

} // namespace mamba
