// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Folders and canonicalization patterns: local rules that shrink.

#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mamba::ssd {

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (auto inner = getMatrix().getDefiningOp<TransposeOp>())
    return inner.getMatrix();
  return {};
}

/// diag(1) M → M.
static OpFoldResult foldScale(Value matrix, Attribute scale, Type type) {
  auto splat = dyn_cast_or_null<SplatElementsAttr>(scale);
  if (splat && matrix.getType() == type &&
      splat.getSplatValue<APFloat>().isExactlyValue(1.0))
    return matrix;
  return {};
}

OpFoldResult ScaleRowsOp::fold(FoldAdaptor adaptor) {
  return foldScale(getMatrix(), adaptor.getScale(), getType());
}

OpFoldResult ScaleColumnsOp::fold(FoldAdaptor adaptor) {
  return foldScale(getMatrix(), adaptor.getScale(), getType());
}

//===----------------------------------------------------------------------===//
// apply
//===----------------------------------------------------------------------===//

namespace {
/// Batch and time sizes of a result are those of x, so that asking for them
/// does not keep the result alive.
struct DimOfApply : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::DimOp op,
                                PatternRewriter &rewriter) const override {
    auto apply = op.getSource().getDefiningOp<ApplyOp>();
    std::optional<int64_t> index = op.getConstantIndex();
    if (!apply || !index)
      return failure();
    bool isTime = *index == 1 && op.getSource() == apply.getY();
    if (*index != 0 && !isTime)
      return failure();
    rewriter.replaceOpWithNewOp<tensor::DimOp>(op, apply.getX(), *index);
    return success();
  }
};
} // namespace

void ApplyOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *context) {
  patterns.add<DimOfApply>(context);
}

//===----------------------------------------------------------------------===//
// chunk_scan
//===----------------------------------------------------------------------===//

namespace {
/// Drops outputs that nobody reads and operands that the body does not read:
/// both would be moved through memory.
struct DropUnusedTensors : OpRewritePattern<ChunkScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ChunkScanOp op,
                                PatternRewriter &rewriter) const override;
};

/// Whether a tensor gives the batch and time sizes of the scan (C6).
bool givesExtents(RolesAttr roles) {
  return llvm::is_contained(roles.getRoles(), DimRole::Batch) &&
         llvm::is_contained(roles.getRoles(), DimRole::Time);
}

/// Operands that are read; at least one of them gives the extents.
llvm::BitVector findNeededOperands(ChunkScanOp op) {
  llvm::BitVector needed(op.getIns().size());
  bool hasExtents = false;
  for (unsigned i = 0; i < needed.size(); ++i)
    if (!op.getBody().getArgument(i).use_empty()) {
      needed.set(i);
      hasExtents |= givesExtents(op.getInRole(i));
    }
  for (unsigned i = 0; i < needed.size() && !hasExtents; ++i)
    if (givesExtents(op.getInRole(i))) {
      needed.set(i);
      hasExtents = true;
    }
  return needed;
}
} // namespace

LogicalResult
DropUnusedTensors::matchAndRewrite(ChunkScanOp op,
                                   PatternRewriter &rewriter) const {
  llvm::BitVector inputs = findNeededOperands(op);
  llvm::BitVector outputs(op.getOuts().size());
  for (auto [index, output] : llvm::enumerate(op.getOuts()))
    outputs[index] = !output.use_empty();
  bool keepFinals =
      !op.getFinals().empty() && llvm::any_of(op.getFinals(), [](Value state) {
        return !state.use_empty();
      });
  if (inputs.all() && outputs.all() && keepFinals == !op.getFinals().empty())
    return failure();
  SmallVector<Value> ins, tiles;
  SmallVector<Type> outTypes;
  SmallVector<Attribute> inRoles, outRoles;
  for (unsigned i : inputs.set_bits()) {
    ins.push_back(op.getIns()[i]);
    inRoles.push_back(op.getInRole(i));
  }
  YieldOp yield = op.getYield();
  for (unsigned i : outputs.set_bits()) {
    outTypes.push_back(op.getOuts()[i].getType());
    outRoles.push_back(op.getOutRole(i));
    tiles.push_back(yield.getTiles()[i]);
  }
  llvm::append_range(tiles, yield.getTiles().drop_front(outputs.size()));
  TypeRange finalTypes =
      keepFinals ? TypeRange(op.getFinals().getTypes()) : TypeRange();
  auto scan = ChunkScanOp::create(
      rewriter, op.getLoc(), outTypes, finalTypes, ins, op.getInits(),
      op.getChunk(), op.getHeads(), op.getReverse(),
      rewriter.getArrayAttr(inRoles), rewriter.getArrayAttr(outRoles),
      op.getScheduleAttr());
  scan->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  rewriter.modifyOpInPlace(yield,
                           [&] { yield.getTilesMutable().assign(tiles); });
  rewriter.inlineRegionBefore(op.getBody(), scan.getBody(),
                              scan.getBody().end());
  for (unsigned i = inputs.size(); i-- > 0;)
    if (!inputs[i])
      scan.getBody().eraseArgument(i);
  for (auto [index, old] : llvm::enumerate(outputs.set_bits()))
    rewriter.replaceAllUsesWith(op.getOuts()[old], scan.getOuts()[index]);
  if (keepFinals)
    rewriter.replaceAllUsesWith(op.getFinals(), scan.getFinals());
  rewriter.eraseOp(op);
  return success();
}

void ChunkScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<DropUnusedTensors>(context);
}

} // namespace mamba::ssd
