// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/RecurrentEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

constexpr int64_t kFragmentRows = 4, kFragmentColumns = 32;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static LogicalResult reject(Operation &op, StringRef reason) {
  return op.emitError("'") << op.getName()
                           << "' has no recurrent GPU form: " << reason;
}

SmallVector<DimRole> RecurrentEmitter::getRoles(Value value) {
  SmallVector<DimRole> roles;
  for (unsigned axis = 0; axis < tensorType(value).getRank(); ++axis) {
    std::optional<DimRole> role = axes.getRole(value, axis);
    assert((role || tensorType(value).getDimSize(axis) == 1) &&
           "uses of a tile determine its axes");
    if (role && *role != DimRole::Time)
      roles.push_back(*role);
  }
  return roles;
}

Type RecurrentEmitter::getType(Value value) {
  RankedTensorType tensor = tensorType(value);
  int64_t grid[] = {warps, 1};
  Attribute layout = tile::CoalescedAttr::get(builder.getContext(), grid, 1);
  SmallVector<int64_t> extents;
  for (unsigned axis = 0; axis < tensor.getRank(); ++axis) {
    std::optional<DimRole> role = axes.getRole(value, axis);
    if (role == DimRole::Channel)
      extents.push_back(llvm::alignTo(channels, kFragmentRows * warps));
    else if (role == DimRole::State)
      extents.push_back(
          llvm::alignTo(tensor.getDimSize(axis), kFragmentColumns));
  }
  if (extents.empty())
    return tensor.getElementType();
  if (extents.size() == 1) {
    int64_t axis = getRoles(value).front() == DimRole::Channel ? 0 : 1;
    layout = tile::SliceAttr::get(builder.getContext(), axis, layout);
  }
  return RankedTensorType::get(extents, tensor.getElementType(), layout);
}

FailureOr<Value> RecurrentEmitter::emit(Value value) {
  if (Value known = values.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  assert(op && "arguments of the body are bound");
  SmallVector<DimRole> roles = getRoles(value);
  if (roles.size() == 2 &&
      (roles[0] != DimRole::Channel || roles[1] != DimRole::State))
    return reject(*op, "its axes are not channels by states");
  FailureOr<Value> result = emitOperation(*op);
  if (succeeded(result))
    values[value] = *result;
  return result;
}

FailureOr<Value> RecurrentEmitter::emitOperation(Operation &op) {
  Type type = getType(op.getResult(0));
  return llvm::TypeSwitch<Operation *, FailureOr<Value>>(&op)
      .Case([&](DotOp dot) { return emitDot(dot); })
      .Case([&](CumsumOp sum) -> FailureOr<Value> {
        if (sum.getExclusive())
          return emitConstant(builder.getFloatAttr(type, 0.0), type);
        return emit(sum.getInput());
      })
      .Case<ReduceSumOp, PadOp>([&](auto one) { return emit(one.getInput()); })
      .Case([&](SegmentDecayOp decay) -> FailureOr<Value> {
        double diagonal = decay.getStrict() ? 0 : 1;
        return emitConstant(builder.getFloatAttr(type, diagonal), type);
      })
      .Case([&](BroadcastOp broadcast) -> FailureOr<Value> {
        FailureOr<Value> input = emit(broadcast.getInput());
        return failed(input) ? input : FailureOr<Value>(spread(*input, type));
      })
      .Default([&](Operation *other) { return emitElementwise(*other); });
}

FailureOr<Value> RecurrentEmitter::emitElementwise(Operation &op) {
  Type type = getType(op.getResult(0));
  DenseElementsAttr constant;
  if (matchPattern(op.getResult(0), m_Constant(&constant))) {
    if (!constant.isSplat())
      return reject(op, "it is no splat");
    return emitConstant(cast<TypedAttr>(constant.getSplatValue<Attribute>()),
                        type);
  }
  if (!op.hasTrait<OpTrait::Elementwise>())
    return reject(op, "it is not element-wise");
  SmallVector<Value> operands;
  for (Value operand : op.getOperands()) {
    FailureOr<Value> emitted = emit(operand);
    if (failed(emitted))
      return failure();
    operands.push_back(*emitted);
  }
  OperationState state(op.getLoc(), op.getName(), operands, type,
                       op.getAttrs());
  return builder.create(state)->getResult(0);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// An operand of a product, in f32.
FailureOr<Value> RecurrentEmitter::emitOperand(Value value) {
  FailureOr<Value> operand = emit(value);
  if (failed(operand) || getElementTypeOrSelf(*operand).isF32())
    return operand;
  Type wide = builder.getF32Type();
  if (auto type = dyn_cast<RankedTensorType>(operand->getType()))
    wide = type.clone(wide);
  return arith::ExtFOp::create(builder, value.getLoc(), wide, *operand)
      .getResult();
}

FailureOr<Value> RecurrentEmitter::emitDot(DotOp op) {
  Location loc = op.getLoc();
  std::optional<DimRole> contracted =
      axes.getRole(op.getLhs(), op.getContract()[0]);
  if (contracted == DimRole::Channel)
    return reject(*op, "it sums over channels, which thread blocks divide");
  FailureOr<Value> lhs = emitOperand(op.getLhs());
  FailureOr<Value> rhs = emitOperand(op.getRhs());
  if (failed(lhs) || failed(rhs))
    return failure();
  // Over states the operand with more axes has the shape of the products; over
  // the one token the result has.
  Type type = getType(op.getResult());
  bool sums = contracted == DimRole::State;
  bool wide = getRoles(op.getLhs()).size() >= getRoles(op.getRhs()).size();
  Type products = !sums ? type : wide ? lhs->getType() : rhs->getType();
  Value value = arith::MulFOp::create(builder, loc, spread(*lhs, products),
                                      spread(*rhs, products));
  if (sums) {
    value = clearPadding(
        value, tensorType(op.getLhs()).getDimSize(op.getContract()[0]));
    if (isa<RankedTensorType>(type))
      value = tile::ReduceOp::create(builder, loc, type, value, /*axis=*/1);
    else
      value = tile::ReduceSumOp::create(builder, loc, type, value);
  }
  if (!op.getInit())
    return value;
  FailureOr<Value> init = emit(op.getInit());
  if (failed(init))
    return failure();
  return arith::AddFOp::create(builder, loc, *init, value).getResult();
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Value RecurrentEmitter::emitConstant(TypedAttr scalar, Type type) {
  Value value =
      arith::ConstantOp::create(builder, builder.getUnknownLoc(), scalar);
  return spread(value, type);
}

/// The value repeated along the axes of `type` that it lacks.
Value RecurrentEmitter::spread(Value value, Type type) {
  if (value.getType() == type)
    return value;
  if (!isa<RankedTensorType>(value.getType()))
    return tile::SplatOp::create(builder, value.getLoc(), type, value);
  return tile::BroadcastOp::create(builder, value.getLoc(), type, value);
}

/// `tile` with zeros past `states` along its last axis.
Value RecurrentEmitter::clearPadding(Value tile, int64_t states) {
  RankedTensorType type = tensorType(tile);
  int64_t axis = type.getRank() - 1;
  if (states == type.getDimSize(axis))
    return tile;
  Location loc = tile.getLoc();
  RankedTensorType indices = type.clone(builder.getI32Type());
  Value column = tile::IotaOp::create(builder, loc, indices, axis);
  Value limit =
      emitConstant(builder.getI32IntegerAttr(int32_t(states)), indices);
  Value inside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                       column, limit);
  Value zero = emitConstant(builder.getF32FloatAttr(0), type);
  return arith::SelectOp::create(builder, loc, inside, tile, zero);
}

} // namespace mamba
