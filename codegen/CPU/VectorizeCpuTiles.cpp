// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/Passes.h"
#include "codegen/CPU/ProductTiles.h"
#include "codegen/CPU/StaticTiles.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mamba::codegen {
#define GEN_PASS_DEF_VECTORIZECPUTILES
#include "codegen/CPU/Passes.h.inc"

namespace {

/// Cuts one point-wise operation on buffers into tiles that are one vector
/// operation each.
class PointwiseTiler {
public:
  PointwiseTiler(IRRewriter &rewriter, linalg::GenericOp op, int64_t lanes)
      : rewriter(rewriter), b(op.getLoc(), rewriter), op(op),
        maps(op.getIndexingMapsArray()), ranges(op.getStaticLoopRanges()) {
    chooseTileSizes(lanes);
  }

  LogicalResult run() {
    b.setInsertionPoint(op);
    SmallVector<Value> offsets;
    SmallVector<int64_t> sizes;
    emitLoops(offsets, sizes);
    rewriter.eraseOp(op);
    return success(vectorized);
  }

private:
  void chooseTileSizes(int64_t lanes);
  void emitLoops(SmallVectorImpl<Value> &offsets,
                 SmallVectorImpl<int64_t> &sizes);
  void emitTile(ArrayRef<Value> offsets, ArrayRef<int64_t> sizes);
  std::pair<Value, AffineMap> cutOperand(OpOperand &operand,
                                         ArrayRef<Value> offsets,
                                         ArrayRef<int64_t> sizes,
                                         ArrayRef<int64_t> keptDims);

  IRRewriter &rewriter;
  ImplicitLocOpBuilder b;
  linalg::GenericOp op;
  SmallVector<AffineMap> maps;
  SmallVector<int64_t> ranges, tiles;
  bool vectorized = true;
};

} // namespace

/// Two vectors along the innermost dimension of the result. Where an operand
/// has another innermost dimension, a square that is transposed in registers.
void PointwiseTiler::chooseTileSizes(int64_t lanes) {
  tiles.assign(ranges.size(), 1);
  AffineMap result = maps.back();
  if (result.getNumResults() == 0)
    return;
  unsigned inner = result.getDimPosition(result.getNumResults() - 1);
  tiles[inner] = 2 * lanes;
  for (AffineMap map : maps) {
    if (map.getNumResults() == 0)
      continue;
    unsigned own = map.getDimPosition(map.getNumResults() - 1);
    if (own == inner || !map.isFunctionOfDim(inner))
      continue;
    tiles[inner] = tiles[own] = lanes;
  }
}

void PointwiseTiler::emitLoops(SmallVectorImpl<Value> &offsets,
                               SmallVectorImpl<int64_t> &sizes) {
  unsigned dim = offsets.size();
  if (dim == ranges.size())
    return emitTile(offsets, sizes);
  auto body = [&](Value offset, int64_t width) {
    offsets.push_back(offset);
    sizes.push_back(width);
    emitLoops(offsets, sizes);
    offsets.pop_back();
    sizes.pop_back();
  };
  forStaticTiles(b, ranges[dim], tiles[dim], Remainder::PowersOfTwo, body);
}

/// The part of an operand that a tile reads, without its dimensions of size
/// one, and its map on the kept dimensions.
std::pair<Value, AffineMap>
PointwiseTiler::cutOperand(OpOperand &operand, ArrayRef<Value> offsets,
                           ArrayRef<int64_t> sizes,
                           ArrayRef<int64_t> keptDims) {
  AffineMap map = maps[operand.getOperandNumber()];
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type) // a scalar
    return {operand.get(), AffineMap::get(keptDims.size(), 0, b.getContext())};
  SmallVector<OpFoldResult> starts, extents;
  SmallVector<OpFoldResult> strides(map.getNumResults(), b.getIndexAttr(1));
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> exprs;
  for (unsigned r = 0; r < map.getNumResults(); ++r) {
    unsigned dim = map.getDimPosition(r);
    starts.push_back(offsets[dim]);
    extents.push_back(b.getIndexAttr(sizes[dim]));
    const auto *kept = llvm::find(keptDims, int64_t(dim));
    if (kept == keptDims.end())
      continue;
    shape.push_back(sizes[dim]);
    exprs.push_back(b.getAffineDimExpr(kept - keptDims.begin()));
  }
  auto partType = memref::SubViewOp::inferRankReducedResultType(
      shape, type, starts, extents, strides);
  Value part = memref::SubViewOp::create(
      b, cast<MemRefType>(partType), operand.get(), starts, extents, strides);
  return {part, AffineMap::get(keptDims.size(), 0, exprs, b.getContext())};
}

void PointwiseTiler::emitTile(ArrayRef<Value> offsets,
                              ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> keptDims;
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (size > 1)
      keptDims.push_back(dim);
  SmallVector<Value> inputs, outputs;
  SmallVector<AffineMap> tileMaps;
  for (OpOperand &operand : op->getOpOperands()) {
    auto [part, map] = cutOperand(operand, offsets, sizes, keptDims);
    (op.isDpsInput(&operand) ? inputs : outputs).push_back(part);
    tileMaps.push_back(map);
  }
  SmallVector<utils::IteratorType> iterators(keptDims.size(),
                                             utils::IteratorType::parallel);
  auto fill = [&](OpBuilder &nested, Location loc, ValueRange args) {
    IRMapping mapping;
    mapping.map(op.getBody()->getArguments(), args);
    for (Operation &inner : op.getBody()->getOperations()) {
      auto index = dyn_cast<linalg::IndexOp>(inner);
      if (!index) {
        nested.clone(inner, mapping);
        continue;
      }
      Value at = offsets[index.getDim()];
      const auto *kept = llvm::find(keptDims, int64_t(index.getDim()));
      if (kept != keptDims.end())
        at = arith::AddIOp::create(
            nested, loc, at,
            linalg::IndexOp::create(nested, loc, kept - keptDims.begin()));
      mapping.map(index.getResult(), at);
    }
  };
  auto tile =
      linalg::GenericOp::create(b, inputs, outputs, tileMaps, iterators, fill);
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(tile);
  if (keptDims.empty()) {
    vectorized &= succeeded(linalg::linalgOpToLoops(rewriter, tile));
    rewriter.eraseOp(tile);
    return;
  }
  FailureOr<linalg::VectorizationResult> result =
      linalg::vectorize(rewriter, tile);
  vectorized &= succeeded(result);
  if (succeeded(result))
    rewriter.eraseOp(tile);
}

namespace {

/// Point-wise code and contractions as linalg.generic.
void generalize(IRRewriter &rewriter, Operation *root) {
  SmallVector<Operation *> ops;
  root->walk([&](Operation *op) {
    if (isa<memref::CopyOp>(op) ||
        (isa<linalg::LinalgOp>(op) && !isa<linalg::GenericOp>(op)))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    rewriter.setInsertionPoint(op);
    if (auto copy = dyn_cast<memref::CopyOp>(op))
      op = rewriter.replaceOpWithNewOp<linalg::CopyOp>(copy, copy.getSource(),
                                                       copy.getTarget());
    (void)linalg::generalizeNamedOp(rewriter, cast<linalg::LinalgOp>(op));
  }
}

struct VectorizeCpuTiles : impl::VectorizeCpuTilesBase<VectorizeCpuTiles> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> products, others;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (isProduct(op))
        products.push_back(op);
    });
    for (linalg::GenericOp op : products)
      lowerProduct(rewriter, op, lanes, registers);
    generalize(rewriter, getOperation());
    getOperation()->walk([&](linalg::GenericOp op) { others.push_back(op); });
    for (linalg::GenericOp op : others) {
      if (!op.hasPureBufferSemantics() || op.hasDynamicShape() ||
          op.getNumParallelLoops() != op.getNumLoops() ||
          !llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) {
            return map.isProjectedPermutation();
          })) {
        op.emitError("cannot be vectorised: expected a product or a "
                     "point-wise operation on buffers of static sizes");
        return signalPassFailure();
      }
      if (failed(PointwiseTiler(rewriter, op, lanes).run())) {
        op.emitError("was not vectorised");
        return signalPassFailure();
      }
    }
    // Reads across rows as reads of rows, transposed or broadcast in registers.
    RewritePatternSet patterns(&getContext());
    vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace mamba::codegen
