// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Chunk generators of the level-L0 matrices (the table of DESIGN §1): every
// constructor states its own, the algebra combines them.

#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace mamba::ssd {

//===----------------------------------------------------------------------===//
// ChunkContext
//===----------------------------------------------------------------------===//

static RankedTensorType withElementType(Value tile, Type elementType) {
  return cast<RankedTensorType>(tile.getType()).clone(elementType);
}

static Value castElements(OpBuilder &builder, Location loc, Value tile,
                          Type elementType) {
  Type from = cast<RankedTensorType>(tile.getType()).getElementType();
  if (from == elementType)
    return tile;
  RankedTensorType type = withElementType(tile, elementType);
  unsigned fromWidth = from.getIntOrFloatBitWidth();
  unsigned toWidth = elementType.getIntOrFloatBitWidth();
  if (fromWidth < toWidth)
    return arith::ExtFOp::create(builder, loc, type, tile);
  if (fromWidth > toWidth)
    return arith::TruncFOp::create(builder, loc, type, tile);
  // bf16 and f16 convert through f32.
  Value wide = arith::ExtFOp::create(
      builder, loc, withElementType(tile, builder.getF32Type()), tile);
  return arith::TruncFOp::create(builder, loc, type, wide);
}

Value ChunkContext::toF32(Value tile) {
  return castElements(builder, loc, tile, builder.getF32Type());
}

Value ChunkContext::toOperand(Value tile) {
  return castElements(builder, loc, tile, operandType);
}

Value ChunkContext::getTokenVector(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  auto vectorType = RankedTensorType::get({chunk}, builder.getF32Type());
  if (type.getRank() == 3) {
    DimRole roles[] = {DimRole::Batch, DimRole::Time, DimRole::Head};
    return toF32(getTile(tensor, roles));
  }
  assert(type.getRank() == 1 && "per-token values are B×T×H or H");
  Value scalar = toF32(getTile(tensor, DimRole::Head));
  Value vector = BroadcastOp::create(builder, loc, vectorType, scalar,
                                     ArrayRef<int64_t>{0});
  return PadOp::create(builder, loc, vectorType, vector,
                       builder.getF64FloatAttr(0.0));
}

Value ChunkContext::getKeys(Value tensor) {
  DimRole roles[] = {DimRole::Batch, DimRole::Time, DimRole::Head,
                     DimRole::State};
  return getTile(tensor, roles);
}

Value ChunkContext::multiply(Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  return arith::MulFOp::create(builder, loc, toF32(a), toF32(b));
}

Value ChunkContext::multiplyKeys(Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  int64_t aSize = cast<RankedTensorType>(a.getType()).getDimSize(1);
  int64_t bSize = cast<RankedTensorType>(b.getType()).getDimSize(1);
  Type f32 = builder.getF32Type();
  auto cube = RankedTensorType::get({chunk, aSize, bSize}, f32);
  Value wideA =
      BroadcastOp::create(builder, loc, cube, toF32(a), ArrayRef<int64_t>{2});
  Value wideB =
      BroadcastOp::create(builder, loc, cube, toF32(b), ArrayRef<int64_t>{1});
  Value product = arith::MulFOp::create(builder, loc, wideA, wideB);
  auto flat = RankedTensorType::get({chunk, aSize * bSize}, f32);
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  return tensor::CollapseShapeOp::create(builder, loc, flat, product, groups);
}

Value ChunkContext::scores(Value lhs, Value rhs) {
  auto type = RankedTensorType::get({chunk, chunk}, builder.getF32Type());
  return DotOp::create(builder, loc, type, toOperand(lhs), toOperand(rhs),
                       /*init=*/Value(), ArrayRef<int64_t>{1, 1});
}

//===----------------------------------------------------------------------===//
// Constructors
//===----------------------------------------------------------------------===//

static StructuredMatrixOpInterface getMatrixOp(Value matrix) {
  return cast<StructuredMatrixOpInterface>(matrix.getDefiningOp());
}

/// Generators of the 1-semiseparable mask of the log decays `alpha` of the
/// chunk's tokens (null: identity decay). In the transpose the state arrives
/// from the right, so that the factors of reads and writes change places.
static ChunkGenerators buildMask(ChunkContext &context, Value alpha,
                                 bool strict, bool transposed) {
  OpBuilder &builder = context.builder;
  Location loc = context.loc;
  Type f32 = builder.getF32Type();
  auto square = RankedTensorType::get({context.chunk, context.chunk}, f32);
  ChunkGenerators generators;
  ChunkTerm term;
  if (alpha) {
    Value prefix = CumsumOp::create(builder, loc, alpha.getType(), alpha,
                                    /*exclusive=*/false, /*reverse=*/false);
    Value suffix = CumsumOp::create(builder, loc, alpha.getType(), alpha,
                                    /*exclusive=*/true, /*reverse=*/true);
    Value total = ReduceSumOp::create(builder, loc,
                                      RankedTensorType::get({}, f32), alpha);
    term.readScale = math::ExpOp::create(builder, loc, prefix);
    term.writeScale = math::ExpOp::create(builder, loc, suffix);
    term.transition = math::ExpOp::create(builder, loc, total);
    if (transposed)
      std::swap(term.readScale, term.writeScale);
  }
  generators.diagonal = SegmentDecayOp::create(
      builder, loc, square, alpha, context.subBlock, strict, transposed);
  generators.terms.push_back(term);
  return generators;
}

/// Multiplies the generators of C Bᵀ into a mask's.
static void applyKeys(ChunkContext &context, ChunkGenerators &generators,
                      Value read, Value write, bool transposed) {
  Value readKeys = context.getKeys(read);
  Value writeKeys = context.getKeys(write);
  if (transposed)
    std::swap(readKeys, writeKeys);
  Value scores = context.scores(readKeys, writeKeys);
  generators.diagonal = context.multiply(generators.diagonal, scores);
  for (ChunkTerm &term : generators.terms) {
    term.read = readKeys;
    term.write = writeKeys;
    term.stateSize = cast<RankedTensorType>(readKeys.getType()).getDimSize(1);
  }
}

FailureOr<ChunkGenerators> DecayOp::buildGenerators(ChunkContext &context,
                                                    bool transposed) {
  return buildMask(context, context.getTokenVector(getLogDecay()),
                   /*strict=*/false, transposed);
}

FailureOr<ChunkGenerators> CausalOp::buildGenerators(ChunkContext &context,
                                                     bool transposed) {
  return buildMask(context, Value(), getType().getStrict(), transposed);
}

FailureOr<ChunkGenerators> LowRankOp::buildGenerators(ChunkContext &context,
                                                      bool transposed) {
  ChunkGenerators generators;
  generators.terms.emplace_back();
  applyKeys(context, generators, getRead(), getWrite(), transposed);
  return generators;
}

FailureOr<ChunkGenerators> StateSpaceOp::buildGenerators(ChunkContext &context,
                                                         bool transposed) {
  Value alpha = getLogDecay() ? context.getTokenVector(getLogDecay()) : Value();
  ChunkGenerators generators =
      buildMask(context, alpha, getStrict(), transposed);
  applyKeys(context, generators, getRead(), getWrite(), transposed);
  return generators;
}

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

FailureOr<ChunkGenerators> HadamardOp::buildGenerators(ChunkContext &context,
                                                       bool transposed) {
  FailureOr<ChunkGenerators> lhs =
      getMatrixOp(getLhs()).buildGenerators(context, transposed);
  FailureOr<ChunkGenerators> rhs =
      getMatrixOp(getRhs()).buildGenerators(context, transposed);
  if (failed(lhs) || failed(rhs))
    return failure();
  // The ⊗ of a sum on the right interleaves its summands' states.
  if (rhs->terms.size() > 1 && lhs->terms.front().stateSize > 1)
    return emitOpError("cannot decompose a product whose right operand is a "
                       "sum and whose left operand has state size ")
           << lhs->terms.front().stateSize
           << " (limit 1); exchange the operands or distribute the product";
  ChunkGenerators result;
  result.diagonal = context.multiply(lhs->diagonal, rhs->diagonal);
  for (const ChunkTerm &a : lhs->terms)
    for (const ChunkTerm &b : rhs->terms)
      result.terms.push_back({context.multiplyKeys(a.read, b.read),
                              context.multiply(a.readScale, b.readScale),
                              context.multiplyKeys(a.write, b.write),
                              context.multiply(a.writeScale, b.writeScale),
                              context.multiply(a.transition, b.transition),
                              a.stateSize * b.stateSize});
  return result;
}

FailureOr<ChunkGenerators> AddOp::buildGenerators(ChunkContext &context,
                                                  bool transposed) {
  FailureOr<ChunkGenerators> lhs =
      getMatrixOp(getLhs()).buildGenerators(context, transposed);
  FailureOr<ChunkGenerators> rhs =
      getMatrixOp(getRhs()).buildGenerators(context, transposed);
  if (failed(lhs) || failed(rhs))
    return failure();
  ChunkGenerators result;
  result.diagonal = arith::AddFOp::create(context.builder, context.loc,
                                          lhs->diagonal, rhs->diagonal);
  result.terms = std::move(lhs->terms);
  result.terms.append(rhs->terms);
  return result;
}

FailureOr<ChunkGenerators> TransposeOp::buildGenerators(ChunkContext &context,
                                                        bool transposed) {
  return getMatrixOp(getMatrix()).buildGenerators(context, !transposed);
}

/// diag(d) M (rows) or M diag(d) (columns), as generators.
static FailureOr<ChunkGenerators> buildScaled(ChunkContext &context,
                                              Value matrix, Value scale,
                                              bool rows, bool transposed) {
  FailureOr<ChunkGenerators> generators =
      getMatrixOp(matrix).buildGenerators(context, transposed);
  if (failed(generators))
    return failure();
  Value factor = context.getTokenVector(scale);
  for (ChunkTerm &term : generators->terms) {
    Value &slot = rows ? term.readScale : term.writeScale;
    slot = context.multiply(slot, factor);
  }
  auto square = cast<RankedTensorType>(generators->diagonal.getType());
  Value wide = BroadcastOp::create(context.builder, context.loc, square, factor,
                                   ArrayRef<int64_t>{rows ? 1 : 0});
  generators->diagonal = context.multiply(generators->diagonal, wide);
  return generators;
}

FailureOr<ChunkGenerators> ScaleRowsOp::buildGenerators(ChunkContext &context,
                                                        bool transposed) {
  return buildScaled(context, getMatrix(), getScale(), !transposed, transposed);
}

FailureOr<ChunkGenerators>
ScaleColumnsOp::buildGenerators(ChunkContext &context, bool transposed) {
  return buildScaled(context, getMatrix(), getScale(), transposed, transposed);
}

} // namespace mamba::ssd
