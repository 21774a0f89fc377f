// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/ProductPrologue.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

bool touches(Operation *op, Value buffer) {
  return op
      ->walk([&](Operation *inner) {
        return llvm::is_contained(inner->getOperands(), buffer)
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether `op` only reads the buffer where it touches it at all.
bool leavesUnchanged(Operation *op, Value buffer) {
  return !op->walk([&](Operation *inner) {
              if (!llvm::is_contained(inner->getOperands(), buffer))
                return WalkResult::advance();
              auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
              // A view without effects may be written through.
              return effects && !isMemoryEffectFree(inner) &&
                             !effects.getEffectOnValue<MemoryEffects::Write>(
                                 buffer)
                         ? WalkResult::advance()
                         : WalkResult::interrupt();
            }).wasInterrupted();
}

bool isElementwiseOnTiles(linalg::GenericOp op, Value result) {
  if (op.getNumLoops() != 2 || op.getNumParallelLoops() != 2 ||
      op.getNumDpsInits() != 1 || op.getOutputs()[0] != result ||
      !op.hasPureBufferSemantics() ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return false;
  for (AffineMap map : op.getIndexingMapsArray())
    if (!map.isProjectedPermutation() ||
        (map.getNumResults() == 2 && !map.isIdentity()))
      return false;
  if (!op.getIndexingMapsArray().back().isIdentity())
    return false;
  return llvm::all_of(op.getBody()->without_terminator(), [](Operation &inner) {
    return inner.hasTrait<OpTrait::ConstantLike>() ||
           OpTrait::hasElementwiseMappableTraits(&inner);
  });
}

} // namespace

Operation *findPrologue(linalg::GenericOp product) {
  Value result = product.getOutputs()[0];
  SmallVector<Operation *> between;
  Operation *op = product->getPrevNode();
  for (; op && !touches(op, result); op = op->getPrevNode()) {
    if (op == result.getDefiningOp())
      return nullptr;
    between.push_back(op);
  }
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(op))
    return fill.output() == result ? op : nullptr;
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!generic || !isElementwiseOnTiles(generic, result))
    return nullptr;
  // The product must not read what the prologue has yet to write.
  for (Value input : product.getInputs())
    if (input == result)
      return nullptr;
  for (Value input : generic.getInputs())
    if (isa<MemRefType>(input.getType()) && input != result &&
        !llvm::all_of(between, [&](Operation *other) {
          return leavesUnchanged(other, input);
        }))
      return nullptr;
  return op;
}

namespace {

/// An operand of a prologue on one tile.
Value readOperand(ImplicitLocOpBuilder &b, Value operand, AffineMap map,
                  Value i, Value j, VectorType tile) {
  auto type = dyn_cast<MemRefType>(operand.getType());
  auto wide =
      VectorType::get(tile.getShape(), getElementTypeOrSelf(operand.getType()));
  if (!type)
    return vector::BroadcastOp::create(b, wide, operand);
  if (map.getNumResults() == 0)
    return vector::BroadcastOp::create(
        b, wide, memref::LoadOp::create(b, operand, ValueRange()));
  SmallVector<Value> indices;
  SmallVector<int64_t> shape;
  for (AffineExpr expr : map.getResults()) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    indices.push_back(dim == 0 ? i : j);
    shape.push_back(tile.getDimSize(dim));
  }
  Type element = type.getElementType();
  Value padding = arith::ConstantOp::create(b, b.getZeroAttr(element));
  Value part = vector::TransferReadOp::create(
      b, VectorType::get(shape, element), operand, indices, padding,
      SmallVector<bool>(shape.size(), true));
  if (shape.size() == 2)
    return part;
  if (map.isFunctionOfDim(0)) // a value a row
    part = vector::ShapeCastOp::create(
        b, VectorType::get({tile.getDimSize(0), 1}, element), part);
  return vector::BroadcastOp::create(b, wide, part);
}

} // namespace

Value emitPrologue(ImplicitLocOpBuilder &b, Operation *prologue, Value i,
                   Value j, int64_t rows, int64_t columns) {
  auto asTile = [&](Value scalar) -> Value {
    auto type = VectorType::get({rows, columns}, scalar.getType());
    return vector::BroadcastOp::create(b, type, scalar);
  };
  if (auto fill = dyn_cast<linalg::FillOp>(prologue))
    return asTile(fill.value());
  auto generic = cast<linalg::GenericOp>(prologue);
  IRMapping mapping;
  for (OpOperand *input : generic.getDpsInputOperands()) {
    Type element = getElementTypeOrSelf(input->get().getType());
    Value value =
        readOperand(b, input->get(), generic.getMatchingIndexingMap(input), i,
                    j, VectorType::get({rows, columns}, element));
    mapping.map(generic.getMatchingBlockArgument(input), value);
  }
  for (Operation &op : generic.getBody()->without_terminator()) {
    if (op.hasTrait<OpTrait::ConstantLike>()) {
      mapping.map(op.getResult(0), asTile(b.clone(op)->getResult(0)));
      continue;
    }
    for (Value operand : op.getOperands())
      if (!mapping.contains(operand)) // from outside of the region
        mapping.map(operand, asTile(operand));
    Operation *clone = b.clone(op, mapping);
    for (OpResult result : clone->getResults())
      result.setType(VectorType::get({rows, columns}, result.getType()));
  }
  auto yield = cast<linalg::YieldOp>(generic.getBody()->getTerminator());
  Value yielded = yield.getOperand(0);
  return mapping.contains(yielded) ? mapping.lookup(yielded) : asTile(yielded);
}

} // namespace mamba::codegen
