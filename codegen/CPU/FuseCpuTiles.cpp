// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mamba::codegen {
#define GEN_PASS_DEF_FUSECPUTILES
#include "codegen/CPU/Passes.h.inc"

namespace {

/// Whether the operation only moves data: it yields its one input.
bool isDataMovement(linalg::GenericOp op) {
  auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
  return op.getNumDpsInputs() == 1 && op.getNumDpsInits() == 1 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         yield.getOperand(0) == op.getBody()->getArgument(0);
}

/// Whether the operation permutes the dimensions of its one input.
bool isTranspose(linalg::GenericOp op) {
  return isDataMovement(op) && op.getIndexingMapsArray()[0].isPermutation() &&
         op.getIndexingMapsArray()[1].isPermutation();
}

/// Operations worth more than reading their result from the first cache level.
bool isExpensive(linalg::GenericOp op) {
  return llvm::any_of(op.getBody()->without_terminator(), [](Operation &inner) {
    return isa<arith::DivFOp>(inner) ||
           (isa<math::MathDialect>(inner.getDialect()) &&
            !isa<math::AbsFOp, math::FmaOp, math::CopySignOp>(inner));
  });
}

int64_t countIterations(linalg::GenericOp op) {
  return llvm::product_of(op.getStaticLoopRanges());
}

bool shouldFuse(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer)
    return false;
  if (consumer.getNumReductionLoops() > 0)
    return isTranspose(producer);
  if (isDataMovement(producer))
    return true;
  if (!producer->hasOneUse())
    return false;
  return !isExpensive(producer) ||
         countIterations(producer) == countIterations(consumer);
}

/// transpose(product) → product with a transposed result.
struct FoldTransposeIntoProduct : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!isTranspose(op))
      return failure();
    auto product = op.getInputs()[0].getDefiningOp<linalg::GenericOp>();
    if (!product || product.getNumReductionLoops() == 0 ||
        product->getNumResults() != 1 || !product->hasOneUse())
      return failure();
    SmallVector<AffineMap> transposeMaps = op.getIndexingMapsArray();
    AffineMap permutation =
        transposeMaps[1].compose(inversePermutation(transposeMaps[0]));
    SmallVector<AffineMap> maps = product.getIndexingMapsArray();
    maps.back() = permutation.compose(maps.back());
    rewriter.setInsertionPoint(op);
    Value init = transposeInit(rewriter, op, product.getOutputs()[0]);
    auto folded = linalg::GenericOp::create(
        rewriter, product.getLoc(), op->getResultTypes(), product.getInputs(),
        init, rewriter.getAffineMapArrayAttr(maps), product.getIteratorTypes(),
        product.getDocAttr(), product.getLibraryCallAttr());
    rewriter.inlineRegionBefore(product.getRegion(), folded.getRegion(),
                                folded.getRegion().begin());
    rewriter.replaceOp(op, folded);
    rewriter.eraseOp(product);
    return success();
  }

  /// `init` transposed as `op` transposes its input.
  static Value transposeInit(PatternRewriter &rewriter, linalg::GenericOp op,
                             Value init) {
    if (auto fill = init.getDefiningOp<linalg::FillOp>())
      return linalg::FillOp::create(rewriter, fill.getLoc(), fill.value(),
                                    op.getOutputs()[0])
          .getResult(0);
    auto clone = cast<linalg::GenericOp>(rewriter.clone(*op));
    clone.getInputsMutable()[0].set(init);
    return clone.getResult(0);
  }
};

/// Puts a point-wise result where an operand of the same shape lies, so that
/// bufferization updates in place what is not needed any more.
struct ReuseOperandAsResult : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumDpsInits() != 1 || op.getNumReductionLoops() > 0)
      return failure();
    OpOperand *init = op.getDpsInitOperand(0);
    if (!init->get().getDefiningOp<tensor::EmptyOp>())
      return failure();
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (input->get().getType() != init->get().getType() ||
          op.getMatchingIndexingMap(input) != op.getMatchingIndexingMap(init))
        continue;
      rewriter.modifyOpInPlace(op, [&] { init->set(input->get()); });
      return success();
    }
    return failure();
  }
};

struct FuseCpuTiles : impl::FuseCpuTilesBase<FuseCpuTiles> {
  using Base::Base;
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    IRRewriter rewriter(context);
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (isa<linalg::GenericOp, linalg::FillOp>(op.getOperation()))
        return;
      rewriter.setInsertionPoint(op);
      (void)linalg::generalizeNamedOp(rewriter, op);
    });
    RewritePatternSet fusion(context);
    linalg::populateElementwiseOpsFusionPatterns(fusion, shouldFuse);
    fusion.add<FoldTransposeIntoProduct>(context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(fusion))))
      return signalPassFailure();
    RewritePatternSet reuse(context);
    reuse.add<ReuseOperandAsResult>(context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(reuse))))
      return signalPassFailure();
  }
};

} // namespace
} // namespace mamba::codegen
