// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/RoleEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "passes/Transforms/RoleShape.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

/// The warp grid of a product of a warpgroup.
static constexpr int64_t kWarpgroup[] = {4, 1};

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

int64_t RoleEmitter::getExtent(Value value, unsigned axis) {
  int64_t size = tensorType(value).getDimSize(axis);
  std::optional<DimRole> role = axes.getRole(value, axis);
  if (role == DimRole::Channel)
    return kRoleChannels;
  if (role == DimRole::State)
    return llvm::alignTo(size, 16);
  return size;
}

Attribute RoleEmitter::getNaturalLayout(Value value) {
  MLIRContext *context = builder.getContext();
  if (tensorType(value).getRank() == 1)
    return tile::LaneAttr::get(context);
  return tile::AccumulatorAttr::get(context, kWarpgroup, /*copies=*/1);
}

Attribute RoleEmitter::getLeftLayout() {
  return tile::OperandAAttr::get(builder.getContext(), kWarpgroup, 1);
}

bool RoleEmitter::isNaturallyTransposed(Value value) {
  return tensorType(value).getRank() == 2 &&
         axes.getRole(value, 0) == DimRole::Time &&
         axes.getRole(value, 1) == DimRole::Channel;
}

Value RoleEmitter::getBuffer(Value value) {
  return inputs.holdsTile(value) ? inputs.getTile(value) : Value();
}

//===----------------------------------------------------------------------===//
// Vectors and scalars of other roles
//===----------------------------------------------------------------------===//

FailureOr<Value> RoleEmitter::emitVector(Value value, Attribute layout) {
  bool overTokens = axes.getRole(value, 0) == DimRole::Time;
  bool uniform = matchPattern(value, m_Constant()) ||
                 value.getDefiningOp<BroadcastOp>() != nullptr;
  if (!overTokens || uniform)
    return TileEmitter::emitVector(value, layout);
  Value buffer = inputs.getVector(value, RoleInputs::Form::Value);
  return tile::LoadSharedOp::create(builder, value.getLoc(),
                                    getType(value, layout), buffer,
                                    /*transposed=*/false)
      .getResult();
}

/// Whether a scalar is made of a vector of tokens.
static bool dependsOnTokens(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isa<ReduceSumOp>(op))
    return true;
  return op->hasTrait<OpTrait::Elementwise>() &&
         llvm::any_of(op->getOperands(), dependsOnTokens);
}

FailureOr<Value> RoleEmitter::emitScalar(Value value) {
  if (!scalars.lookup(value) && dependsOnTokens(value))
    scalars[value] = tile::LoadElementOp::create(
        builder, value.getLoc(),
        inputs.getVector(value, RoleInputs::Form::Value), /*index=*/0);
  return TileEmitter::emitScalar(value);
}

FailureOr<Value> RoleEmitter::emitSegmentDecay(SegmentDecayOp op) {
  return emitMask(op, /*scale=*/Value(), /*scores=*/Value());
}

FailureOr<Value> RoleEmitter::emitMask(SegmentDecayOp op, Value scale,
                                       Value scores) {
  Value prefix;
  if (Value alpha = op.getLogDecay())
    prefix = inputs.getVector(alpha, RoleInputs::Form::Prefix);
  Value value = op.getResult();
  SmallVector<Value> factors;
  int64_t blocks = tensorType(value).getDimSize(0) / 16;
  if (prefix && scores)
    for (int64_t i = 0; i + 1 < blocks; ++i)
      if (Value vector =
              inputs.getFactors(op, scale, op.getTransposed() ? i : i + 1))
        factors.push_back(vector);
  Value columns;
  if (scale)
    columns = inputs.getVector(scale, RoleInputs::Form::Value);
  return tile::SegmentDecayOp::create(builder, op.getLoc(),
                                      getType(value, getNaturalLayout(value)),
                                      prefix, columns, factors, scores,
                                      op.getStrict(), op.getTransposed())
      .getResult();
}

namespace {
/// bf16(f32(tile) · weights), the tile an input in bf16 and a weight a token.
struct Weighted {
  Value tile;
  BroadcastOp weights;
};
} // namespace

static std::optional<Weighted> matchWeighted(Operation &op,
                                             const TileAxes &axes) {
  auto rounding = dyn_cast<arith::TruncFOp>(op);
  if (!rounding || !tensorType(rounding.getOut()).getElementType().isBF16())
    return std::nullopt;
  auto product = rounding.getIn().getDefiningOp<arith::MulFOp>();
  if (!product)
    return std::nullopt;
  for (unsigned i : {0, 1}) {
    auto wide = product->getOperand(i).getDefiningOp<arith::ExtFOp>();
    auto weights = product->getOperand(1 - i).getDefiningOp<BroadcastOp>();
    if (wide && weights && isa<BlockArgument>(wide.getIn()) &&
        tensorType(wide.getIn()).getElementType().isBF16() &&
        tensorType(weights.getInput()).getRank() == 1 &&
        axes.getRole(weights.getInput(), 0) == DimRole::Time)
      return Weighted{wide.getIn(), weights};
  }
  return std::nullopt;
}

/// Multiplies pairs in bf16. With the weight in two parts, and one rounding
/// behind both, the result is within 2⁻¹⁶ of that of a product in f32.
FailureOr<Value> RoleEmitter::emitWeighted(Location loc, Value tile,
                                           BroadcastOp weights,
                                           Attribute layout, bool transposed) {
  FailureOr<Value> x = emitTile(tile, layout, transposed);
  if (failed(x))
    return failure();
  int64_t axis = 1 - weights.getDims().front();
  auto slice = tile::SliceAttr::get(builder.getContext(),
                                    transposed ? 1 - axis : axis, layout);
  Value vector = weights.getInput();
  auto part = [&](RoleInputs::Form form) -> Value {
    Type type = RankedTensorType::get({getExtent(vector, 0)},
                                      builder.getBF16Type(), slice);
    Value loaded = tile::LoadSharedOp::create(builder, loc, type,
                                              inputs.getVector(vector, form),
                                              /*transposed=*/false);
    return tile::BroadcastOp::create(builder, loc, x->getType(), loaded);
  };
  Value low =
      arith::MulFOp::create(builder, loc, *x, part(RoleInputs::Form::Low));
  return math::FmaOp::create(builder, loc, *x, part(RoleInputs::Form::High),
                             low)
      .getResult();
}

/// Scores times a decay mask are one op, in which zeros cost nothing.
FailureOr<Value> RoleEmitter::emitPointwise(Operation &op, Attribute layout,
                                            bool transposed) {
  Value value = op.getResult(0);
  if (DotOp product = getProductWithAddend(&op))
    return emitTile(product, layout, transposed);
  if (auto weighted = matchWeighted(op, axes))
    return emitWeighted(op.getLoc(), weighted->tile, weighted->weights, layout,
                        transposed);
  MaskProduct product;
  bool natural = layout == getNaturalLayout(value) && !transposed;
  if (!natural || !isa<arith::MulFOp>(op) ||
      !product.match(value, [&](Value part) { return isEmitted(part); }))
    return TileEmitter::emitPointwise(op, layout, transposed);
  Value scores;
  for (Value factor : product.scores) {
    FailureOr<Value> tile = emit(factor);
    if (failed(tile))
      return failure();
    scores = scores ? arith::MulFOp::create(builder, op.getLoc(), scores, *tile)
                          .getResult()
                    : *tile;
  }
  return emitMask(product.mask, product.scale, scores);
}

Value emitForm(ImplicitLocOpBuilder &b, Value vector, RoleInputs::Form form) {
  if (form == RoleInputs::Form::Value)
    return vector;
  if (form == RoleInputs::Form::Prefix)
    return tile::CumsumOp::create(b, vector.getType(), vector,
                                  /*exclusive=*/false, /*reverse=*/false);
  auto type = cast<RankedTensorType>(vector.getType());
  RankedTensorType half = type.clone(b.getBF16Type());
  Value high = arith::TruncFOp::create(b, half, vector);
  if (form == RoleInputs::Form::High)
    return high;
  Value rounded = arith::ExtFOp::create(b, type, high);
  Value rest = arith::SubFOp::create(b, vector, rounded);
  return arith::TruncFOp::create(b, half, rest);
}

} // namespace mamba
