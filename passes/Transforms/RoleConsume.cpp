// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RoleKernel: the mask maker and the consumers.

#include "passes/Transforms/RoleSlots.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

//===----------------------------------------------------------------------===//
// Mask maker
//===----------------------------------------------------------------------===//

/// Products over two time axes whose operands all consumers of a block share.
static SmallVector<Value>
findSharedScores(ChunkScanOp scan, const TileAxes &axes,
                 llvm::function_ref<bool(Value)> isShared) {
  SmallVector<Value> scores;
  for (DotOp dot : scan.getBody().front().getOps<DotOp>())
    if (axes.getRole(dot.getResult(), 0) == DimRole::Time &&
        axes.getRole(dot.getResult(), 1) == DimRole::Time &&
        isShared(dot.getLhs()) && isShared(dot.getRhs()))
      scores.push_back(dot.getResult());
  return scores;
}

/// The masks of one chunk for one consumer: the scores that all share, in
/// registers, times the mask, and scores of its own.
LogicalResult RoleKernel::emitMasksOf(const Piece &piece, Value group,
                                      Iterations iterations, Value sharedSlot,
                                      const MaskScores &scores) {
  RoleSlots slots(*this, group, iterations);
  slots.bindShared(sharedSlot);
  RoleEmitter emitter(b, entry, scan, axes, slots,
                      RoleEmitter::LeftOperands::Buffers);
  bindPartOperands(emitter, piece, emitMember(piece, narrow(group)),
                   b.getInsertionBlock()->getTerminator());
  for (auto [score, value] : scores)
    emitter.bindRegisters(score, value);
  SmallVector<Value> wanted;
  for (auto &[value, buffer] : masks)
    wanted.push_back(value);
  if (failed(emitter.startProducts(wanted)))
    return failure();
  SmallVector<Value> made;
  for (Value value : wanted) {
    FailureOr<Value> tile = emitter.emit(value);
    if (failed(tile))
      return failure();
    made.push_back(*tile);
  }
  Value target =
      tile::AcquireOp::create(b, mask.value, group, iterations.masks);
  for (auto [value, tile] : llvm::zip(wanted, made))
    tile::StoreSharedOp::create(
        b, tile, tile::StageOp::create(b, masks.lookup(value), target),
        /*transposed=*/false);
  tile::CommitOp::create(b, mask.value, target);
  // The masks are stored, so the vectors in them have been read.
  slots.release(own, slots.getOwn(), {});
  return success();
}

/// The masks of one chunk: the scores that all consumers share once, then the
/// mask of each, in a loop: the code of masks is long, and compiling it twice
/// takes a tenth of a kernel's time.
LogicalResult RoleKernel::emitMasks(const Piece &piece, Iterations iterations) {
  auto isShared = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && llvm::is_contained(sharedTiles, argument.getArgNumber());
  };
  RoleSlots common(*this, Value(), iterations);
  RoleEmitter scoreEmitter(b, entry, scan, axes, common,
                           RoleEmitter::LeftOperands::Buffers);
  SmallVector<Value> products = findSharedScores(scan, axes, isShared);
  if (failed(scoreEmitter.startProducts(products)))
    return failure();
  MaskScores scores;
  for (Value product : products) {
    FailureOr<Value> value = scoreEmitter.emit(product);
    if (failed(value))
      return failure();
    scores.insert({product, *value});
  }
  Value sharedSlot = common.getShared();
  auto registers = llvm::make_second_range(scores);
  if (!scores.empty())
    common.release(shared, sharedSlot, llvm::to_vector(registers));
  auto loop = scf::ForOp::create(b, index(0), index(shape.consumers), index(1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    if (failed(emitMasksOf(piece, loop.getInductionVar(), iterations,
                           sharedSlot, scores)))
      return failure();
  }
  if (scores.empty())
    common.release(shared, sharedSlot, {});
  return success();
}

LogicalResult RoleKernel::emitMaskRole() {
  return emitPieces([&](Piece &piece) -> LogicalResult {
    SmallVector<Value> results;
    // In the first pass over a segment there is nothing to mask.
    auto skip = [&](Piece &pass) {
      return emitChunks(
          pass, {},
          [&](Value, Iterations iterations, ValueRange,
              SmallVectorImpl<Value> &) {
            for (int64_t i = 0; i < shape.consumers; ++i) {
              RoleSlots slots(*this, index(i), iterations);
              slots.release(own, slots.getOwn(), {});
              if (i == 0)
                slots.release(shared, slots.getShared(), {});
            }
            return success();
          },
          results);
    };
    if (failed(emitSummaryPass(piece, skip)))
      return failure();
    return emitChunks(
        piece, {},
        [&](Value, Iterations iterations, ValueRange,
            SmallVectorImpl<Value> &) { return emitMasks(piece, iterations); },
        results);
  });
}

//===----------------------------------------------------------------------===//
// Consumers
//===----------------------------------------------------------------------===//

/// Rounds the outputs, releases what they needed, and starts their stores.
LogicalResult RoleKernel::emitOutputs(RoleSlots &slots, RoleEmitter &emitter,
                                      const Piece &piece, Consumer consumer,
                                      Value instance, Value token,
                                      Value iteration) {
  // Products with masks are done before anything else of the outputs.
  SmallVector<Value> products;
  for (auto &[maskTile, buffer] : masks)
    for (Operation *user : maskTile.getUsers()) {
      FailureOr<Value> product = emitter.emit(user->getResult(0));
      if (failed(product))
        return failure();
      products.push_back(*product);
    }
  slots.release(mask, slots.getMask(), products);
  SmallVector<Value> results;
  for (unsigned i = 0; i < outs.size(); ++i) {
    FailureOr<Value> result = emitter.emit(scan.getYield().getTiles()[i]);
    if (failed(result))
      return failure();
    results.push_back(*result);
  }
  SmallVector<Value> stages;
  Value parity =
      narrow(arith::RemUIOp::create(b, iteration, index(kOutStages)));
  Value stage = widen(add(mul(narrow(instance), kOutStages), parity));
  for (auto [out, result] : llvm::zip(outs, results)) {
    stages.push_back(tile::StageOp::create(b, out.buffer, stage));
    tile::StoreSharedOp::create(b, result, stages.back(), /*transposed=*/true);
  }
  // The state's product ends while the outputs are packed.
  FailureOr<Value> state = emitter.emit(scan.getYield().getTiles().back());
  if (failed(state))
    return failure();
  slots.release(own, slots.getOwn(), *state);
  slots.release(shared, slots.getShared(), *state);
  for (auto [i, out] : llvm::enumerate(outs))
    tile::StoreBulkOp::create(
        b, stages[i], out.map,
        emitCoordinates(out.access, piece, consumer, token), /*pending=*/i);
  return success();
}

LogicalResult RoleKernel::emitConsumeRole(Value instance) {
  // Its first operands take longer than this.
  openFlags();
  auto walkPiece = [&](Piece &piece) -> LogicalResult {
    Consumer consumer = emitMember(piece, narrow(instance));
    if (failed(emitSummaryPass(piece, [&](Piece &pass) {
          return emitSummary(pass, consumer, instance);
        })))
      return failure();
    FailureOr<Value> initial = emitInitialState(piece, consumer, instance);
    if (failed(initial))
      return failure();
    auto walk = [&](Value step, Iterations iterations, ValueRange carried,
                    SmallVectorImpl<Value> &next) -> LogicalResult {
      Operation *before = b.getInsertionBlock()->getParentOp();
      Value token = emitToken(step);
      RoleSlots slots(*this, instance, iterations);
      slots.readsMasks = true;
      RoleEmitter emitter(b, entry, scan, axes, slots,
                          RoleEmitter::LeftOperands::Registers);
      bindPartOperands(emitter, piece, consumer, before);
      emitter.bindValidRows(
          arith::MinSIOp::create(b, countRows(token), number(scan.getChunk())));
      emitter.bindState(scan.getStateArgument(0), carried[0]);
      SmallVector<Value> sinks(scan.getYield().getTiles());
      if (failed(emitter.startProducts(sinks)) ||
          failed(emitOutputs(slots, emitter, piece, consumer, instance, token,
                             iterations.masks)))
        return failure();
      FailureOr<Value> state = emitter.emit(sinks.back());
      if (failed(state))
        return failure();
      next.push_back(*state);
      return success();
    };
    SmallVector<Value> results;
    if (failed(emitChunks(piece, *initial, walk, results)))
      return failure();
    emitFinalState(piece, consumer, instance, results[0]);
    return success();
  };
  if (failed(emitPieces(walkPiece)))
    return failure();
  tile::WaitStoresOp::create(b);
  return success();
}
