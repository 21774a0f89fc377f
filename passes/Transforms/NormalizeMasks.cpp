// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rules of ssd-normalize on products with masks. Masks have state size 1, so
// that none of these rules changes the basis of a state.

#include "passes/Transforms/MatrixRewrite.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {
namespace {

/// A mask constructor below transposes: decay, or ones.
struct Mask {
  Value logDecay; ///< null: ones
  bool strict = false;
  bool transposed = false;

  static std::optional<Mask> match(Value matrix) {
    Stripped stripped = stripTransposes(matrix);
    if (auto decay = dyn_cast<DecayOp>(stripped.op))
      return Mask{decay.getLogDecay(), false, stripped.transposed};
    if (auto causal = dyn_cast<CausalOp>(stripped.op))
      return Mask{Value(), causal.getType().getStrict(), stripped.transposed};
    return std::nullopt;
  }
};

/// A product of a mask and something else, in either order.
struct MaskedProduct {
  Mask mask;
  Value other;

  static std::optional<MaskedProduct> match(HadamardOp op) {
    if (std::optional<Mask> mask = Mask::match(op.getLhs()))
      return MaskedProduct{*mask, op.getRhs()};
    if (std::optional<Mask> mask = Mask::match(op.getRhs()))
      return MaskedProduct{*mask, op.getLhs()};
    return std::nullopt;
  }
};

/// R4: (A ∘ B) ∘ C → A ∘ (B ∘ C), which keeps the order of ⊗; masks meet the
/// keys they act on.
struct R4AssociateRight : OpRewritePattern<HadamardOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(HadamardOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getLhs().getDefiningOp<HadamardOp>();
    if (!inner)
      return failure();
    MatrixRewrite rewrite(rewriter, op);
    Value right = rewrite.create<HadamardOp>({inner.getRhs(), op.getRhs()});
    return rewrite.replace(rewrite.create<HadamardOp>({inner.getLhs(), right}));
  }
};

/// R4: M ∘ mask → mask ∘ M, the mask's state being a factor of size 1.
struct R4MaskFirst : OpRewritePattern<HadamardOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(HadamardOp op,
                                PatternRewriter &rewriter) const override {
    if (!Mask::match(op.getRhs()) || Mask::match(op.getLhs()))
      return failure();
    MatrixRewrite rewrite(rewriter, op);
    return rewrite.replace(
        rewrite.create<HadamardOp>({op.getRhs(), op.getLhs()}));
  }
};

/// The state-space duality, read as a rewrite: L ∘ C Bᵀ → state_space(C, B);
/// under Lᵀ the keys change places: Lᵀ ∘ C Bᵀ → (L ∘ B Cᵀ)ᵀ.
struct Duality : OpRewritePattern<HadamardOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(HadamardOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<MaskedProduct> product = MaskedProduct::match(op);
    if (!product)
      return failure();
    const Mask &mask = product->mask;
    Stripped keys = stripTransposes(product->other);
    auto lowRank = dyn_cast<LowRankOp>(keys.op);
    if (!lowRank)
      return failure();
    Value read = lowRank.getRead(), write = lowRank.getWrite();
    if (keys.transposed != mask.transposed)
      std::swap(read, write);
    SmallVector<Value> operands = {read, write};
    if (mask.logDecay)
      operands.push_back(mask.logDecay);
    MatrixRewrite rewrite(rewriter, op);
    Value core = rewrite.create<StateSpaceOp>(operands, mask.strict);
    return rewrite.replace(core ? rewrite.transposeIf(mask.transposed, core)
                                : Value());
  }
};

/// R4a: L(a) ∘ L(b) → L(a b), the logarithms added.
struct R4aDecayOfAddedLogs : OpRewritePattern<HadamardOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(HadamardOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Mask> lhs = Mask::match(op.getLhs());
    std::optional<Mask> rhs = Mask::match(op.getRhs());
    if (!lhs || !rhs || !lhs->logDecay || !rhs->logDecay ||
        lhs->transposed != rhs->transposed)
      return failure();
    MatrixRewrite rewrite(rewriter, op);
    Value sum = rewrite.combine(lhs->logDecay, rhs->logDecay,
                                MatrixRewrite::Combination::Sum);
    Value decay = sum ? rewrite.create<DecayOp>(sum) : Value();
    return rewrite.replace(decay ? rewrite.transposeIf(lhs->transposed, decay)
                                 : Value());
  }
};

/// R4a: the mask of ones drops out of a product with a mask or a core of its
/// own support; a strict one makes ones strict.
struct R4aCausalDropsOut : OpRewritePattern<HadamardOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(HadamardOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [first, second] : {std::pair(op.getLhs(), op.getRhs()),
                                 std::pair(op.getRhs(), op.getLhs())}) {
      std::optional<Mask> mask = Mask::match(first);
      MatrixType type = second.getType();
      if (!mask || mask->logDecay || type.getSupport() == Support::Full)
        continue;
      MatrixRewrite rewrite(rewriter, op);
      if (!mask->strict || type.getStrict()) {
        if (succeeded(rewrite.replace(second)))
          return success();
        continue;
      }
      std::optional<Mask> other = Mask::match(second);
      if (!other || other->logDecay)
        continue;
      return rewrite.replace(rewrite.transposeIf(
          mask->transposed, rewrite.createCausal(/*strict=*/true)));
    }
    return failure();
  }
};

/// R4a: mask ∘ state_space → state_space with the mask's decay added, strict
/// if either is.
struct R4aMaskOnStateSpace : OpRewritePattern<HadamardOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(HadamardOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<MaskedProduct> product = MaskedProduct::match(op);
    if (!product)
      return failure();
    const Mask &mask = product->mask;
    Stripped stripped = stripTransposes(product->other);
    auto core = dyn_cast<StateSpaceOp>(stripped.op);
    if (!core || stripped.transposed != mask.transposed)
      return failure();
    MatrixRewrite rewrite(rewriter, op);
    Value logDecay = core.getLogDecay();
    if (logDecay && mask.logDecay) {
      logDecay = rewrite.combine(logDecay, mask.logDecay,
                                 MatrixRewrite::Combination::Sum);
      if (!logDecay)
        return failure();
    } else if (mask.logDecay) {
      logDecay = mask.logDecay;
    }
    SmallVector<Value> operands = {core.getRead(), core.getWrite()};
    if (logDecay)
      operands.push_back(logDecay);
    Value result =
        rewrite.create<StateSpaceOp>(operands, mask.strict || core.getStrict());
    return rewrite.replace(result ? rewrite.transposeIf(mask.transposed, result)
                                  : Value());
  }
};

/// R2: transposes move to the leaves; a matrix states its own transpose. A
/// constructor of a causal matrix is a leaf.
struct R2PushTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getMatrix().getDefiningOp<StructuredMatrixOpInterface>();
    bool isLeaf =
        llvm::none_of(inner->getOperandTypes(), llvm::IsaPred<MatrixType>);
    if (isa<TransposeOp>(inner) ||
        (isLeaf && inner.getMatrixType().getSupport() != Support::Full))
      return failure();
    rewriter.replaceOp(op, inner.buildTranspose(rewriter));
    return success();
  }
};

} // namespace

void populateMaskRules(RewritePatternSet &rules) {
  rules.add<R4AssociateRight, R4MaskFirst, Duality, R4aDecayOfAddedLogs,
            R4aCausalDropsOut, R4aMaskOnStateSpace, R2PushTranspose>(
      rules.getContext());
}

} // namespace mamba
