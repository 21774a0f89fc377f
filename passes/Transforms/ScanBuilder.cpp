// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/ScanBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

//===----------------------------------------------------------------------===//
// What can be inlined
//===----------------------------------------------------------------------===//

/// Projected permutation whose results are in loop order: a transposing
/// operand could not be cut into token-major tiles.
static bool isOrderedProjection(AffineMap map) {
  if (!map.isProjectedPermutation())
    return false;
  for (unsigned i = 1; i < map.getNumResults(); ++i)
    if (map.getDimPosition(i - 1) >= map.getDimPosition(i))
      return false;
  return true;
}

/// Types that have a tile form: floats, and what comparisons yield.
static bool isTileElement(Type type) {
  return isa<FloatType>(type) || type.isInteger(1);
}

static bool isScalarPointwise(Operation &op) {
  if (isa<linalg::YieldOp>(op) || matchPattern(&op, m_Constant()))
    return true;
  return op.hasTrait<OpTrait::Elementwise>() && isMemoryEffectFree(&op) &&
         llvm::all_of(op.getOperandTypes(), isTileElement) &&
         llvm::all_of(op.getResultTypes(), isTileElement);
}

/// Values from outside the body: constants can be repeated inside.
static bool capturesOnlyConstants(linalg::GenericOp op) {
  bool constant = true;
  op.getRegion().walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (operand.getParentRegion() != &op.getRegion() &&
          !matchPattern(operand, m_Constant()))
        constant = false;
  });
  return constant;
}

bool isFusiblePointwise(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() ||
      op.getNumLoops() != op.getNumParallelLoops())
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    Type type = operand.get().getType();
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor && !matchPattern(operand.get(), m_Constant()))
      return false;
    Type element = tensor ? tensor.getElementType() : type;
    if (!isa<Float32Type, BFloat16Type, Float16Type, Float64Type>(element) ||
        !isOrderedProjection(op.getMatchingIndexingMap(&operand)))
      return false;
  }
  for (OpOperand &init : op.getDpsInitsMutable())
    if (!op.getMatchingIndexingMap(&init).isIdentity() ||
        op.payloadUsesValueFromOperand(&init))
      return false;
  return llvm::all_of(*op.getBody(), isScalarPointwise) &&
         capturesOnlyConstants(op);
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

ScanBuilder::ScanBuilder(OpBuilder &builder, Location loc,
                         ScheduleAttr schedule, Block &body)
    : ChunkContext(builder, loc, schedule.getChunk(), schedule.getSubBlock(),
                   schedule.getOperand()),
      body(body) {}

Value ScanBuilder::addOperand(Value tensor, RolesAttr roles) {
  RankedTensorType type = ChunkScanOp::getTileType(
      cast<RankedTensorType>(tensor.getType()), roles, chunk);
  Value tile = body.insertArgument(operands.size(), type, loc);
  operands.push_back(tensor);
  operandRoles.push_back(roles);
  return tile;
}

void ScanBuilder::setTile(Value tensor, ArrayRef<DimRole> roles, Value tile) {
  tiles[{tensor, RolesAttr::get(builder.getContext(), roles)}] = tile;
}

Value ScanBuilder::getTile(Value tensor, ArrayRef<DimRole> roles) {
  auto rolesAttr = RolesAttr::get(builder.getContext(), roles);
  Value known = tiles.lookup({tensor, rolesAttr});
  if (known)
    return known;
  auto generic = tensor.getDefiningOp<linalg::GenericOp>();
  Value tile;
  if (generic && isFusiblePointwise(generic)) {
    unsigned index = cast<OpResult>(tensor).getResultNumber();
    tile = inlineGeneric(generic, index, roles);
    // Behind the prologue: what it makes of rows past the end is arbitrary.
    if (llvm::is_contained(roles, DimRole::Time) && chunk > 1)
      tile = PadOp::create(builder, loc, tile.getType(), tile,
                           builder.getF64FloatAttr(0.0));
  } else {
    if (tensor.getDefiningOp<linalg::LinalgOp>())
      unfused.insert(tensor.getDefiningOp());
    tile = addOperand(tensor, rolesAttr);
  }
  tiles[{tensor, rolesAttr}] = tile;
  return tile;
}

static SmallVector<DimRole> projectRoles(AffineMap map,
                                         ArrayRef<DimRole> loopRoles) {
  SmallVector<DimRole> roles;
  for (AffineExpr expr : map.getResults())
    roles.push_back(loopRoles[cast<AffineDimExpr>(expr).getPosition()]);
  return roles;
}

static bool isTileRole(DimRole role) {
  return role != DimRole::Batch && role != DimRole::Head;
}

Value ScanBuilder::expandTile(Value tile, ArrayRef<DimRole> roles,
                              ArrayRef<DimRole> wantedRoles,
                              ArrayRef<int64_t> shape) {
  SmallVector<int64_t> newAxes;
  int64_t axis = 0;
  for (DimRole role : wantedRoles)
    if (isTileRole(role)) {
      if (!llvm::is_contained(roles, role))
        newAxes.push_back(axis);
      ++axis;
    }
  if (newAxes.empty())
    return tile;
  return BroadcastOp::create(builder, loc,
                             RankedTensorType::get(shape, builder.getF32Type()),
                             tile, newAxes);
}

/// A float, as f32, or boolean constant as a tile of the given shape.
static Value buildSplat(OpBuilder &builder, Location loc, TypedAttr scalar,
                        ArrayRef<int64_t> shape) {
  Attribute value = scalar;
  Type element = scalar.getType();
  if (auto number = dyn_cast<FloatAttr>(scalar)) {
    element = builder.getF32Type();
    value = builder.getFloatAttr(element, number.getValueAsDouble());
  }
  auto type = RankedTensorType::get(shape, element);
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, value));
}

/// The float or boolean that `value` is, or is everywhere; null: neither.
static TypedAttr getConstantScalar(Value value) {
  Attribute attribute;
  if (!matchPattern(value, m_Constant(&attribute)))
    return {};
  if (auto splat = dyn_cast<SplatElementsAttr>(attribute))
    attribute = splat.getSplatValue<Attribute>();
  auto scalar = dyn_cast<TypedAttr>(attribute);
  return scalar && isTileElement(scalar.getType()) ? scalar : TypedAttr();
}

Value ScanBuilder::getTileOrSplat(Value input, ArrayRef<DimRole> roles,
                                  ArrayRef<int64_t> shape) {
  if (TypedAttr constant = getConstantScalar(input))
    return buildSplat(builder, loc, constant, shape);
  return toF32(getTile(input, roles));
}

//===----------------------------------------------------------------------===//
// Inlining
//===----------------------------------------------------------------------===//

/// Repeats a scalar operation on tiles of one shape. Float types only round
/// a function's inputs and outputs, so that everything is computed in f32 and
/// conversions between float types vanish.
Value ScanBuilder::inlineScalar(Operation &op, IRMapping &mapping,
                                ArrayRef<int64_t> shape) {
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return mapping.lookup(op.getOperand(0));
  SmallVector<Value> arguments;
  for (Value operand : op.getOperands()) {
    if (Value known = mapping.lookupOrNull(operand)) {
      arguments.push_back(known);
      continue;
    }
    TypedAttr constant = getConstantScalar(operand);
    assert(constant && "isScalarPointwise admits floats and booleans only");
    arguments.push_back(buildSplat(builder, loc, constant, shape));
  }
  Type element = op.getResult(0).getType();
  if (isa<FloatType>(element))
    element = builder.getF32Type();
  OperationState state(loc, op.getName(), arguments,
                       RankedTensorType::get(shape, element), op.getAttrs());
  return builder.create(state)->getResult(0);
}

Value ScanBuilder::inlineGeneric(linalg::GenericOp op, unsigned index,
                                 ArrayRef<DimRole> roles) {
  auto rolesAttr = RolesAttr::get(builder.getContext(), roles);
  RankedTensorType tileType = ChunkScanOp::getTileType(
      cast<RankedTensorType>(op.getResult(index).getType()), rolesAttr, chunk);
  ArrayRef<int64_t> shape = tileType.getShape();
  IRMapping mapping;
  for (OpOperand *input : op.getDpsInputOperands()) {
    SmallVector<DimRole> inputRoles =
        projectRoles(op.getMatchingIndexingMap(input), roles);
    Value tile = getTileOrSplat(input->get(), inputRoles, shape);
    if (!getConstantScalar(input->get()))
      tile = expandTile(tile, inputRoles, roles, shape);
    mapping.map(op.getMatchingBlockArgument(input), tile);
  }
  for (Operation &inner : op.getBody()->without_terminator())
    if (!matchPattern(&inner, m_Constant()))
      mapping.map(inner.getResult(0), inlineScalar(inner, mapping, shape));
  Value yielded = op.getBody()->getTerminator()->getOperand(index);
  if (Value tile = mapping.lookupOrNull(yielded))
    return tile;
  return buildSplat(builder, loc, getConstantScalar(yielded), shape);
}

} // namespace mamba
