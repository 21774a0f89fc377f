// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// TileEmitter: vectors of tokens, scalars, masks and products.

#include "passes/Transforms/TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Vectors and scalars
//===----------------------------------------------------------------------===//

FailureOr<Value> TileEmitter::emitVector(Value value, Attribute layout) {
  Location loc = value.getLoc();
  RankedTensorType type = getType(value, layout);
  if (auto load = channelLoads.find(value); load != channelLoads.end())
    return load->second(type);
  bool overTokens = axes.getRole(value, 0) == DimRole::Time;
  if (overTokens && !isa<tile::LaneAttr>(layout)) {
    FailureOr<Value> lanes = emit(value);
    if (failed(lanes))
      return failure();
    return tile::ConvertLayoutOp::create(builder, loc, type, *lanes)
        .getResult();
  }
  Operation *op = value.getDefiningOp();
  assert(op && "vectors of tokens are bound");
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    FailureOr<Value> scalar = emitScalar(broadcast.getInput());
    if (failed(scalar))
      return failure();
    return splat(*scalar, type);
  }
  if (auto cumsum = dyn_cast<CumsumOp>(op)) {
    FailureOr<Value> input = emit(cumsum.getInput());
    if (failed(input))
      return failure();
    return tile::CumsumOp::create(builder, loc, type, *input,
                                  cumsum.getExclusive(), cumsum.getReverse())
        .getResult();
  }
  if (auto pad = dyn_cast<PadOp>(op))
    return emitPad(pad, layout, /*transposed=*/false);
  return emitPointwise(*op, layout, /*transposed=*/false);
}

FailureOr<Value> TileEmitter::emitScalar(Value value) {
  if (Value known = scalars.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  assert(op && "scalar operands are bound");
  FailureOr<Value> result = failure();
  DenseElementsAttr constant;
  if (auto sum = dyn_cast<ReduceSumOp>(op)) {
    FailureOr<Value> input = emit(sum.getInput());
    if (failed(input))
      return failure();
    result = tile::ReduceSumOp::create(builder, op->getLoc(),
                                       builder.getF32Type(), *input)
                 .getResult();
  } else if (auto scale = dyn_cast<RangeScaleOp>(op)) {
    FailureOr<Value> input = emit(scale.getInput());
    if (failed(input))
      return failure();
    result = tile::RangeScaleOp::create(builder, op->getLoc(),
                                        builder.getF32Type(), *input)
                 .getResult();
  } else if (matchPattern(value, m_Constant(&constant))) {
    result = arith::ConstantOp::create(
                 builder, op->getLoc(),
                 cast<TypedAttr>(constant.getSplatValue<Attribute>()))
                 .getResult();
  } else if (op->hasTrait<OpTrait::Elementwise>()) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> scalar = emitScalar(operand);
      if (failed(scalar))
        return failure();
      operands.push_back(*scalar);
    }
    OperationState state(op->getLoc(), op->getName(), operands,
                         tensorType(value).getElementType(), op->getAttrs());
    result = builder.create(state)->getResult(0);
  } else {
    return op->emitError("'") << op->getName() << "' has no GPU form";
  }
  scalars[value] = *result;
  return result;
}

//===----------------------------------------------------------------------===//
// Products and masks
//===----------------------------------------------------------------------===//

FailureOr<Value> TileEmitter::emitSegmentDecay(SegmentDecayOp op) {
  Value prefix;
  if (op.getLogDecay()) {
    FailureOr<Value> alpha = emit(op.getLogDecay());
    if (failed(alpha))
      return failure();
    prefix = tile::CumsumOp::create(builder, op.getLoc(), alpha->getType(),
                                    *alpha, /*exclusive=*/false,
                                    /*reverse=*/false);
  }
  Value value = op.getResult();
  return tile::SegmentDecayOp::create(
             builder, op.getLoc(), getType(value, getNaturalLayout(value)),
             prefix, /*scale=*/Value(), /*factors=*/ValueRange(),
             /*scores=*/Value(), op.getStrict(), op.getTransposed())
      .getResult();
}

FailureOr<Value> TileEmitter::emitOperand(Value value, Attribute layout,
                                          bool transposed) {
  if (Value buffer = getBuffer(value))
    return buffer;
  if (isRenamed(value, layout, transposed) || isPointwiseOfBuffers(value))
    return emitTile(value, layout, transposed);
  return getStaged(value);
}

FailureOr<Value> TileEmitter::emitDot(DotOp op) {
  Location loc = op.getLoc();
  MLIRContext *context = builder.getContext();
  Value value = op.getResult();
  auto layout = cast<tile::AccumulatorAttr>(getNaturalLayout(value));
  RankedTensorType type = getType(value, layout);
  auto layoutA = tile::OperandAAttr::get(context, layout.getWarps(), 1);
  auto layoutB = tile::OperandBAttr::get(context, layout.getWarps(), 1);
  bool transposeA = op.getContract()[0] == 0;
  bool transposeB = op.getContract()[1] == 1;

  FailureOr<Value> a = emitOperand(op.getLhs(), layoutA, transposeA);
  if (failed(a))
    return failure();
  FailureOr<Value> accumulator = failure();
  if (op.getInit()) {
    accumulator = emit(op.getInit());
    if (failed(accumulator))
      return failure();
  } else {
    Value zero =
        arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
    accumulator = splat(zero, type);
  }
  FailureOr<Value> b = emitOperand(op.getRhs(), layoutB, transposeB);
  if (failed(b))
    return failure();

  tile::Support supportA =
      transposeA ? tile::Support::Full : getSupport(op.getLhs());
  tile::Support supportResult = tile::Support::Full;
  for (tile::Support support : {tile::Support::Lower, tile::Support::Upper})
    if (!value.use_empty() && isOnlyReadBelowDiagonal(value, support))
      supportResult = support;
  return tile::MmaOp::create(builder, loc, type, *a, *b, *accumulator,
                             transposeA && isa<tile::BufferType>(a->getType()),
                             transposeB && isa<tile::BufferType>(b->getType()),
                             supportResult, supportA)
      .getResult();
}

} // namespace mamba
