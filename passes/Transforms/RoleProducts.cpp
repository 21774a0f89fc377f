// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RoleEmitter: products, when they start and what they begin with.

#include "passes/Transforms/RoleEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

RoleEmitter::Operands RoleEmitter::getOperands(DotOp op) {
  ArrayRef<int64_t> contract = op.getContract();
  if (isNaturallyTransposed(op.getResult()))
    return {op.getRhs(), op.getLhs(), contract[1] == 0, contract[0] == 1};
  return {op.getLhs(), op.getRhs(), contract[0] == 0, contract[1] == 1};
}

/// What is added to an output's product and needs neither products nor states,
/// such as the skip D x: the product begins with it, in f32.
Value RoleEmitter::getAddend(DotOp op) {
  if (!op->hasOneUse() || !isNaturallyTransposed(op.getResult()))
    return Value();
  auto sum = dyn_cast<arith::AddFOp>(*op->getUsers().begin());
  if (!sum)
    return Value();
  Value other = sum.getLhs() == op.getResult() ? sum.getRhs() : sum.getLhs();
  return isPointwiseOfBuffers(other) ? other : Value();
}

/// The product that begins with the rest of a sum; null if there is none.
DotOp RoleEmitter::getProductWithAddend(Operation *sum) {
  if (isa_and_present<arith::AddFOp>(sum))
    for (Value operand : sum->getOperands())
      if (auto dot = operand.getDefiningOp<DotOp>(); dot && getAddend(dot))
        return dot;
  return DotOp();
}

/// Inputs that stand in registers as left operands: those are in the order of
/// accumulators.
void RoleEmitter::reuseOperands(Value value) {
  if (Operation *op = value.getDefiningOp()) {
    for (Value operand : op->getOperands())
      reuseOperands(operand);
    return;
  }
  if (tensorType(value).getRank() != 2)
    return;
  bool transposed = isNaturallyTransposed(value);
  Value known = emitted.lookup({{value, getLeftLayout()}, transposed});
  if (!known || isEmitted(value))
    return;
  Attribute layout = getNaturalLayout(value);
  emitted[{{value, layout}, transposed}] = tile::ConvertLayoutOp::create(
      builder, value.getLoc(), getType(value, layout, transposed), known);
}

/// What the product begins with; null for zero.
FailureOr<Value> RoleEmitter::emitAccumulator(DotOp op) {
  Value &known = accumulators[op];
  if (known)
    return known;
  Value addend = getAddend(op);
  if (!op.getInit() && !addend)
    return Value();
  Value sum;
  if (op.getInit()) {
    FailureOr<Value> init = emit(op.getInit());
    if (failed(init))
      return failure();
    sum = *init;
  }
  if (addend) {
    reuseOperands(addend);
    FailureOr<Value> value = emit(addend);
    if (failed(value))
      return failure();
    sum = sum ? arith::AddFOp::create(builder, op.getLoc(), sum, *value)
                    .getResult()
              : *value;
  }
  return accumulators[op] = sum;
}

FailureOr<Value> RoleEmitter::emitLeft(const Operands &operands) {
  if (left == LeftOperands::Buffers)
    if (Value buffer = getBuffer(operands.left))
      return buffer;
  return emitTile(operands.left, getLeftLayout(), operands.transposeLeft);
}

LogicalResult RoleEmitter::start(DotOp op) {
  Value value = op.getResult();
  if (started.count(value))
    return success();
  Operands operands = getOperands(op);
  FailureOr<Value> a = emitLeft(operands);
  if (failed(a))
    return failure();
  FailureOr<Value> accumulator = emitAccumulator(op);
  if (failed(accumulator))
    return failure();
  Value b = getBuffer(operands.right);
  assert(b && "the kernel's checks admit right operands in buffers only");
  auto type = tile::PendingType::get(
      builder.getContext(),
      getType(value, getNaturalLayout(value), isNaturallyTransposed(value)));
  bool fromBuffer = isa<tile::BufferType>(a->getType());
  Value pending = tile::WgmmaOp::create(
      builder, op.getLoc(), type, *a, b, *accumulator,
      fromBuffer && operands.transposeLeft, operands.transposeRight);
  int64_t before = started.size();
  started[value] = {pending, before};
  return success();
}

FailureOr<Value> RoleEmitter::emitDot(DotOp op) {
  if (failed(start(op)))
    return failure();
  auto [pending, before] = started.lookup(op.getResult());
  int64_t after = static_cast<int64_t>(started.size()) - before - 1;
  return tile::WgmmaWaitOp::create(builder, op.getLoc(), pending, after)
      .getResult();
}

bool RoleEmitter::isEmitted(Value value) {
  return emitted.count({{value, getNaturalLayout(value)},
                        isNaturallyTransposed(value)}) != 0;
}

/// Whether a value needs no product that has not been waited for.
bool RoleEmitter::isIndependent(Value value) {
  if (isa<BlockArgument>(value) || inputs.holdsTile(value))
    return true;
  if (tensorType(value).getRank() == 2 && isEmitted(value))
    return true;
  Operation *op = value.getDefiningOp();
  return !isa<DotOp>(op) && llvm::all_of(op->getOperands(), [&](Value operand) {
    return isIndependent(operand);
  });
}

/// Emits what of a value does not wait for a product.
LogicalResult RoleEmitter::prefetchTile(Value value, Attribute layout,
                                        bool transposed) {
  if (isIndependent(value))
    return emitTile(value, layout, transposed);
  Operation *op = value.getDefiningOp();
  if (getProductWithAddend(op))
    return success();
  if (!op->hasTrait<OpTrait::Elementwise>())
    return success();
  for (Value operand : op->getOperands())
    if (failed(prefetchTile(operand, layout, transposed)))
      return failure();
  return success();
}

LogicalResult RoleEmitter::prefetch(DotOp op) {
  Operands operands = getOperands(op);
  bool fromBuffer =
      left == LeftOperands::Buffers && inputs.holdsTile(operands.left);
  if (!fromBuffer && failed(prefetchTile(operands.left, getLeftLayout(),
                                         operands.transposeLeft)))
    return failure();
  Value init = op.getInit();
  if (!init || accumulators.lookup(op))
    return success();
  return prefetchTile(init, getNaturalLayout(init),
                      isNaturallyTransposed(init));
}

LogicalResult RoleEmitter::startProducts(ArrayRef<Value> sinks) {
  auto levels = levelProducts(sinks, [&](Value value) {
    return inputs.holdsTile(value) ||
           (tensorType(value).getRank() == 2 && isEmitted(value));
  });
  for (auto [i, level] : llvm::enumerate(levels)) {
    // The operands of all come first, so that nothing stands between products.
    for (DotOp op : level)
      if (failed(prefetch(op)))
        return failure();
    for (DotOp op : level)
      if (failed(emitAccumulator(op)))
        return failure();
    for (DotOp op : level)
      if (failed(start(op)))
        return failure();
    if (i + 1 < levels.size())
      for (DotOp op : levels[i + 1])
        if (failed(prefetch(op)))
          return failure();
  }
  for (Value sink : sinks)
    if (failed(prefetchTile(sink, getNaturalLayout(sink),
                            isNaturallyTransposed(sink))))
      return failure();
  return success();
}

namespace {
/// Collects products with the longest way to a sink, counted in products.
struct ProductSearch {
  llvm::function_ref<bool(Value)> isGiven;
  llvm::MapVector<Operation *, unsigned> heights;
  llvm::DenseSet<std::pair<Value, unsigned>> visited;

  void visit(Value value, unsigned height) {
    if (isa<BlockArgument>(value) || isGiven(value) ||
        !visited.insert({value, height}).second)
      return;
    Operation *op = value.getDefiningOp();
    if (isa<DotOp>(op)) {
      unsigned &known = heights[op];
      known = std::max(known, height);
      ++height;
    }
    for (Value operand : op->getOperands())
      visit(operand, height);
  }
};
} // namespace

SmallVector<SmallVector<DotOp>>
levelProducts(ArrayRef<Value> sinks, llvm::function_ref<bool(Value)> isGiven) {
  ProductSearch search{isGiven, {}, {}};
  for (Value sink : sinks)
    search.visit(sink, 0);
  unsigned depth = 0;
  for (auto [op, height] : search.heights)
    depth = std::max(depth, height + 1);
  SmallVector<SmallVector<DotOp>> levels(depth);
  for (auto [op, height] : search.heights)
    levels[depth - 1 - height].push_back(cast<DotOp>(op));
  return levels;
}

} // namespace mamba
