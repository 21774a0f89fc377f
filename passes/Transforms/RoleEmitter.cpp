// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/RoleEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "passes/Transforms/RoleShape.h"
#include "llvm/ADT/MapVector.h"
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
  return emitMask(op, /*scale=*/Value(), /*scores=*/Value(),
                  /*diagonal=*/Value());
}

FailureOr<Value> RoleEmitter::emitMask(SegmentDecayOp op, Value scale,
                                       Value scores, Value diagonal) {
  Value prefix;
  if (Value alpha = op.getLogDecay())
    prefix = inputs.getVector(alpha, RoleInputs::Form::Prefix);
  Value value = op.getResult();
  return tile::SegmentDecayOp::create(builder, op.getLoc(),
                                      getType(value, getNaturalLayout(value)),
                                      prefix, scale, scores, diagonal,
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
  if (Value product = skips.lookup(value))
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
  Value scale;
  if (product.scale)
    scale = inputs.getVector(product.scale, RoleInputs::Form::Value);
  Value diagonal;
  if (Value scalar = diagonals.lookup(value)) {
    FailureOr<Value> number = emitScalar(scalar);
    if (failed(number))
      return failure();
    diagonal = *number;
  }
  return emitMask(product.mask, scale, scores, diagonal);
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
  Value accumulator;
  if (op.getInit()) {
    FailureOr<Value> init = emit(op.getInit());
    if (failed(init))
      return failure();
    accumulator = *init;
  }
  Value b = getBuffer(operands.right);
  assert(b && "the kernel's checks admit right operands in buffers only");
  auto type = tile::PendingType::get(
      builder.getContext(),
      getType(value, getNaturalLayout(value), isNaturallyTransposed(value)));
  bool fromBuffer = isa<tile::BufferType>(a->getType());
  Value pending = tile::WgmmaOp::create(
      builder, op.getLoc(), type, *a, b, accumulator,
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
  if (Value product = skips.lookup(value))
    return prefetchTile(product, layout, transposed);
  if (isIndependent(value))
    return emitTile(value, layout, transposed);
  Operation *op = value.getDefiningOp();
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
  if (!init)
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
      if (op.getInit() && failed(emit(op.getInit())))
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
