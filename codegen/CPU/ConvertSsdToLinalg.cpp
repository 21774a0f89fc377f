// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/Passes.h"
#include "codegen/CPU/TileScans.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mamba::codegen {
#define GEN_PASS_DEF_CONVERTSSDTOLINALG
#include "codegen/CPU/Passes.h.inc"

namespace {

//===----------------------------------------------------------------------===//
// Triangles
//===----------------------------------------------------------------------===//

enum class Triangle { None, Lower, Upper };

Triangle flip(Triangle triangle, bool doFlip) {
  if (!doFlip || triangle == Triangle::None)
    return triangle;
  return triangle == Triangle::Lower ? Triangle::Upper : Triangle::Lower;
}

/// Where a square tile may be non-zero.
Triangle getTriangle(Value tile) {
  Operation *op = tile.getDefiningOp();
  if (auto mask = dyn_cast_or_null<ssd::SegmentDecayOp>(op))
    return mask.getTransposed() ? Triangle::Upper : Triangle::Lower;
  if (isa_and_nonnull<arith::ExtFOp, arith::TruncFOp, arith::NegFOp>(op))
    return getTriangle(op->getOperand(0));
  if (isa_and_nonnull<arith::MulFOp>(op)) {
    Triangle left = getTriangle(op->getOperand(0));
    return left == Triangle::None ? getTriangle(op->getOperand(1)) : left;
  }
  return Triangle::None;
}

/// The triangle outside of which nobody reads a tile's values: every use is a
/// product with a tile that is zero there.
Triangle getReadTriangle(Value tile) {
  Triangle triangle = Triangle::None;
  for (Operation *user : tile.getUsers()) {
    if (!isa<arith::MulFOp>(user))
      return Triangle::None;
    Triangle result = getTriangle(user->getResult(0));
    if (result == Triangle::None ||
        (triangle != Triangle::None && triangle != result))
      return Triangle::None;
    triangle = result;
  }
  return triangle;
}

void setTriangle(Operation *op, StringRef name, Triangle triangle) {
  if (triangle != Triangle::None)
    op->setAttr(
        name, StringAttr::get(op->getContext(),
                              triangle == Triangle::Lower ? "lower" : "upper"));
}

/// Marks the products that need half of their multiplications.
void markTriangles(Operation *root) {
  root->walk([](ssd::DotOp dot) {
    auto lhs = cast<RankedTensorType>(dot.getLhs().getType());
    auto result = cast<RankedTensorType>(dot.getType());
    if (lhs.getDimSize(0) == lhs.getDimSize(1))
      setTriangle(dot, kLhsTriangleAttr,
                  flip(getTriangle(dot.getLhs()), dot.getContract()[0] == 0));
    if (result.getDimSize(0) == result.getDimSize(1) && !dot.getInit())
      setTriangle(dot, kResultTriangleAttr, getReadTriangle(dot.getResult()));
  });
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

/// dot + z → dot with init z.
struct FoldAddIntoDot : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::AddFOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i : {0, 1}) {
      auto dot = op->getOperand(i).getDefiningOp<ssd::DotOp>();
      if (!dot || dot.getInit() || !dot->hasOneUse())
        continue;
      auto folded = ssd::DotOp::create(
          rewriter, op.getLoc(), op.getType(), dot.getLhs(), dot.getRhs(),
          op->getOperand(1 - i), dot.getContract());
      rewriter.replaceOp(op, folded);
      rewriter.eraseOp(dot);
      return success();
    }
    return failure();
  }
};

struct ConvertDot : OpRewritePattern<ssd::DotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ssd::DotOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    Type element = type.getElementType();
    Value init = op.getInit();
    if (!init) {
      Value empty = tensor::EmptyOp::create(b, type.getShape(), element);
      Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
      init = linalg::FillOp::create(b, zero, empty).getResult(0);
    }
    AffineExpr m, n, k;
    bindDims(b.getContext(), m, n, k);
    auto map = [&](AffineExpr kept, bool contractFirst) {
      return contractFirst ? AffineMap::get(3, 0, {k, kept}, b.getContext())
                           : AffineMap::get(3, 0, {kept, k}, b.getContext());
    };
    SmallVector<AffineMap> maps{map(m, op.getContract()[0] == 0),
                                map(n, op.getContract()[1] == 0),
                                AffineMap::get(3, 0, {m, n}, b.getContext())};
    using utils::IteratorType;
    auto generic = linalg::GenericOp::create(
        b, type,
        {extend(b, op.getLhs(), element), extend(b, op.getRhs(), element)},
        init, maps,
        {IteratorType::parallel, IteratorType::parallel,
         IteratorType::reduction},
        [](OpBuilder &nested, Location loc, ValueRange args) {
          Value product = arith::MulFOp::create(nested, loc, args[0], args[1]);
          Value sum = arith::AddFOp::create(nested, loc, args[2], product);
          linalg::YieldOp::create(nested, loc, sum);
        });
    for (StringRef name : {kLhsTriangleAttr, kResultTriangleAttr})
      if (Attribute attribute = op->getAttr(name))
        generic->setAttr(name, attribute);
    rewriter.replaceOp(op, generic);
    return success();
  }

  /// Products are computed in the result's type.
  static Value extend(ImplicitLocOpBuilder &b, Value tile, Type element) {
    auto type = cast<RankedTensorType>(tile.getType());
    if (type.getElementType() == element)
      return tile;
    return arith::ExtFOp::create(b, type.clone(element), tile);
  }
};

struct ConvertBroadcast : OpRewritePattern<ssd::BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ssd::BroadcastOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    int64_t rank = type.getRank();
    SmallVector<AffineExpr> kept;
    for (int64_t d = 0; d < rank; ++d)
      if (!llvm::is_contained(op.getDims(), d))
        kept.push_back(b.getAffineDimExpr(d));
    SmallVector<AffineMap> maps{AffineMap::get(rank, 0, kept, b.getContext()),
                                b.getMultiDimIdentityMap(rank)};
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    Value empty =
        tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(
        op, type, op.getInput(), empty, maps, iterators,
        [](OpBuilder &nested, Location loc, ValueRange args) {
          linalg::YieldOp::create(nested, loc, args[0]);
        });
    return success();
  }
};

/// An operation whose loops `Emit` builds.
template <typename OpTy, Value (*Emit)(ImplicitLocOpBuilder &, OpTy)>
struct ConvertScan : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, Emit(b, op));
    return success();
  }
};

struct ConvertSsdToLinalg : impl::ConvertSsdToLinalgBase<ConvertSsdToLinalg> {
  using Base::Base;
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet folds(context);
    folds.add<FoldAddIntoDot>(context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(folds))))
      return signalPassFailure();
    markTriangles(getOperation());
    RewritePatternSet patterns(context);
    patterns.add<ConvertDot, ConvertBroadcast,
                 ConvertScan<ssd::CumsumOp, emitCumsum>,
                 ConvertScan<ssd::ReduceSumOp, emitReduceSum>,
                 ConvertScan<ssd::SegmentDecayOp, emitSegmentDecay>>(context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
  }
};

} // namespace
} // namespace mamba::codegen
