// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rules of ssd-normalize on sums. The state of a sum is the concatenation ⊕
// of its summands' states.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Transforms/MatrixRewrite.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {
namespace {

int64_t getStateSize(Value matrix) {
  return cast<StructuredMatrixOpInterface>(matrix.getDefiningOp())
      .getStateSize();
}

/// R15 with a shared key: L ∘ (C Bᵀ) + L ∘ (C B'ᵀ) → L ∘ (C (B + B')ᵀ), and
/// the same with a shared B. One state instead of two, so only where no
/// state is used. (Without a shared key the sum stays: ssd-decompose carries
/// one state a summand, and concatenated keys would have to be written to
/// memory first.)
struct R15SharedKey : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    Stripped left = stripTransposes(op.getLhs());
    Stripped right = stripTransposes(op.getRhs());
    auto lhs = dyn_cast<StateSpaceOp>(left.op);
    auto rhs = dyn_cast<StateSpaceOp>(right.op);
    if (!lhs || !rhs || left.transposed != right.transposed ||
        lhs.getLogDecay() != rhs.getLogDecay() ||
        lhs.getStrict() != rhs.getStrict() || areStatesUsed(op))
      return failure();
    bool sharedRead = lhs.getRead() == rhs.getRead();
    if (!sharedRead && lhs.getWrite() != rhs.getWrite())
      return failure();
    MatrixRewrite rewrite(rewriter, op);
    Value sum = rewrite.combine(sharedRead ? lhs.getWrite() : lhs.getRead(),
                                sharedRead ? rhs.getWrite() : rhs.getRead(),
                                MatrixRewrite::Combination::Sum);
    SmallVector<Value> operands = {sharedRead ? lhs.getRead() : sum,
                                   sharedRead ? sum : lhs.getWrite()};
    if (lhs.getLogDecay())
      operands.push_back(lhs.getLogDecay());
    Value core = rewrite.create<StateSpaceOp>(operands, lhs.getStrict());
    return rewrite.replace(core ? rewrite.transposeIf(left.transposed, core)
                                : Value());
  }
};

/// R4: A ∘ (B + C) → A ∘ B + A ∘ C and (B + C) ∘ A → B ∘ A + C ∘ A, so that
/// masks reach the keys below a sum. The left index of ⊗ is the slower one:
/// with A on the left and more than one state, the states of the summands
/// would change places, so that it does not fire where states are used.
struct R4DistributeOverSum : OpRewritePattern<HadamardOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(HadamardOp op,
                                PatternRewriter &rewriter) const override {
    MatrixRewrite rewrite(rewriter, op);
    if (auto sum = op.getLhs().getDefiningOp<AddOp>()) {
      Value lhs = rewrite.create<HadamardOp>({sum.getLhs(), op.getRhs()});
      Value rhs = rewrite.create<HadamardOp>({sum.getRhs(), op.getRhs()});
      return rewrite.replace(rewrite.create<AddOp>({lhs, rhs}));
    }
    auto sum = op.getRhs().getDefiningOp<AddOp>();
    if (!sum || (getStateSize(op.getLhs()) > 1 && areStatesUsed(op)))
      return failure();
    Value lhs = rewrite.create<HadamardOp>({op.getLhs(), sum.getLhs()});
    Value rhs = rewrite.create<HadamardOp>({op.getLhs(), sum.getRhs()});
    return rewrite.replace(rewrite.create<AddOp>({lhs, rhs}));
  }
};

/// R1 backwards: (A + B) x → A x + B x where A + B is full, as the sum of a
/// causal and an anti-causal matrix is; each of them can be executed. A full
/// matrix has no states.
struct R1ApplyFullSumInParts : OpRewritePattern<ApplyOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ApplyOp op,
                                PatternRewriter &rewriter) const override;
};

} // namespace

/// The matrix applied to the x of `op`, in f32.
static Value applyPart(PatternRewriter &rewriter, ApplyOp op, Value matrix) {
  auto type = cast<RankedTensorType>(op.getY().getType());
  return ApplyOp::create(rewriter, op.getLoc(),
                         TypeRange{type.clone(rewriter.getF32Type())},
                         ValueRange{matrix, op.getX()})
      .getY();
}

LogicalResult
R1ApplyFullSumInParts::matchAndRewrite(ApplyOp op,
                                       PatternRewriter &rewriter) const {
  auto sum = op.getMatrix().getDefiningOp<AddOp>();
  if (!sum || sum.getType().getSupport() != Support::Full || op.getSchedule())
    return failure();
  auto type = cast<RankedTensorType>(op.getY().getType());
  int64_t xHeads = op.getX().getType().getDimSize(2);
  for (Value part : sum.getOperands())
    if (std::max(cast<MatrixType>(part.getType()).getHeads(), xHeads) !=
        type.getDimSize(2))
      return failure();
  Location loc = op.getLoc();
  Value left = applyPart(rewriter, op, sum.getLhs());
  Value right = applyPart(rewriter, op, sum.getRhs());
  Value empty = createEmptyLike(rewriter, loc, type, op.getX());
  AffineMap identity = rewriter.getMultiDimIdentityMap(4);
  SmallVector<utils::IteratorType> parallel(4, utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      rewriter, loc, TypeRange{type}, ValueRange{left, right},
      ValueRange{empty}, {identity, identity, identity}, parallel,
      [&](OpBuilder &builder, Location, ValueRange scalars) {
        Value y = arith::AddFOp::create(builder, loc, scalars[0], scalars[1]);
        if (type.getElementType() != y.getType())
          y = type.getElementTypeBitWidth() > 32
                  ? arith::ExtFOp::create(builder, loc, type.getElementType(),
                                          y)
                        .getResult()
                  : arith::TruncFOp::create(builder, loc, type.getElementType(),
                                            y)
                        .getResult();
        linalg::YieldOp::create(builder, loc, y);
      });
  rewriter.replaceAllUsesWith(op.getY(), generic.getResult(0));
  rewriter.eraseOp(op);
  return success();
}

void populateSumRules(RewritePatternSet &rules) {
  rules.add<R15SharedKey, R4DistributeOverSum, R1ApplyFullSumInParts>(
      rules.getContext());
}

} // namespace mamba
