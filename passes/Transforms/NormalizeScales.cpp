// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rules of ssd-normalize on row and column scalings. A scaling leaves the
// state as it is.

#include "passes/Transforms/MatrixRewrite.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {
namespace {

/// R3: diag(d) A ∘ B → diag(d) (A ∘ B), and the same for columns and for the
/// right factor.
template <typename ScaleOp>
struct R3HoistOverHadamard : OpRewritePattern<HadamardOp> {
  using OpRewritePattern<HadamardOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(HadamardOp op,
                                PatternRewriter &rewriter) const override {
    MatrixRewrite rewrite(rewriter, op);
    auto lhs = op.getLhs().getDefiningOp<ScaleOp>();
    auto rhs = op.getRhs().getDefiningOp<ScaleOp>();
    if (!lhs && !rhs)
      return failure();
    Value product = rewrite.create<HadamardOp>(
        {lhs ? lhs.getMatrix() : op.getLhs(),
         lhs || !rhs ? op.getRhs() : rhs.getMatrix()});
    return rewrite.replace(rewrite.create<ScaleOp>(
        {product, lhs ? lhs.getScale() : rhs.getScale()}));
  }
};

/// R3: diag(d) A + diag(d) B → diag(d) (A + B). Sums of full support stay
/// apart, so that they can be applied one by one.
template <typename ScaleOp>
struct R3HoistOverAdd : OpRewritePattern<AddOp> {
  using OpRewritePattern<AddOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    auto lhs = op.getLhs().getDefiningOp<ScaleOp>();
    auto rhs = op.getRhs().getDefiningOp<ScaleOp>();
    if (!lhs || !rhs || lhs.getScale() != rhs.getScale() ||
        op.getType().getSupport() == Support::Full)
      return failure();
    MatrixRewrite rewrite(rewriter, op);
    Value sum = rewrite.create<AddOp>({lhs.getMatrix(), rhs.getMatrix()});
    return rewrite.replace(rewrite.create<ScaleOp>({sum, lhs.getScale()}));
  }
};

/// R3: rows outside columns, diag(d) (M diag(e)).
struct R3RowsOutermost : OpRewritePattern<ScaleColumnsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScaleColumnsOp op,
                                PatternRewriter &rewriter) const override {
    auto rows = op.getMatrix().getDefiningOp<ScaleRowsOp>();
    if (!rows)
      return failure();
    MatrixRewrite rewrite(rewriter, op);
    Value columns =
        rewrite.create<ScaleColumnsOp>({rows.getMatrix(), op.getScale()});
    return rewrite.replace(
        rewrite.create<ScaleRowsOp>({columns, rows.getScale()}));
  }
};

/// R3: diag(d) diag(e) M → diag(d e) M.
template <typename ScaleOp>
struct R3MergeScales : OpRewritePattern<ScaleOp> {
  using OpRewritePattern<ScaleOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(ScaleOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getMatrix().template getDefiningOp<ScaleOp>();
    if (!inner)
      return failure();
    MatrixRewrite rewrite(rewriter, op);
    Value product = rewrite.combine(inner.getScale(), op.getScale(),
                                    MatrixRewrite::Combination::Product);
    return rewrite.replace(
        rewrite.create<ScaleOp>({inner.getMatrix(), product}));
  }
};

/// R3: diag(d) (A + B) → diag(d) A + diag(d) B for a sum of full support.
template <typename ScaleOp>
struct R3DistributeOverFullSum : OpRewritePattern<ScaleOp> {
  using OpRewritePattern<ScaleOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(ScaleOp op,
                                PatternRewriter &rewriter) const override {
    auto sum = op.getMatrix().template getDefiningOp<AddOp>();
    if (!sum || sum.getType().getSupport() != Support::Full)
      return failure();
    MatrixRewrite rewrite(rewriter, op);
    Value lhs = rewrite.create<ScaleOp>({sum.getLhs(), op.getScale()});
    Value rhs = rewrite.create<ScaleOp>({sum.getRhs(), op.getScale()});
    return rewrite.replace(rewrite.create<AddOp>({lhs, rhs}));
  }
};

} // namespace

void populateScaleRules(RewritePatternSet &rules) {
  rules.add<R3HoistOverHadamard<ScaleRowsOp>,
            R3HoistOverHadamard<ScaleColumnsOp>, R3HoistOverAdd<ScaleRowsOp>,
            R3HoistOverAdd<ScaleColumnsOp>, R3RowsOutermost,
            R3MergeScales<ScaleRowsOp>, R3MergeScales<ScaleColumnsOp>,
            R3DistributeOverFullSum<ScaleRowsOp>,
            R3DistributeOverFullSum<ScaleColumnsOp>>(rules.getContext());
}

} // namespace mamba
