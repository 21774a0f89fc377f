// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// TeamKernel: the loop over chunks, its copies, and vectors over tokens, which
// every team computes for its head a chunk ahead.

#include "passes/Transforms/TeamKernel.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// The operands that the next state is made from.
static DenseSet<unsigned> findStateOperands(ChunkScanOp scan) {
  DenseSet<unsigned> operands;
  DenseSet<Value> seen;
  SmallVector<Value> open = {scan.getYield().getTiles().back()};
  while (!open.empty()) {
    Value value = open.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value))
      operands.insert(argument.getArgNumber());
    else
      llvm::append_range(open, value.getDefiningOp()->getOperands());
  }
  return operands;
}

/// Starts the copies of the chunk of `step` into its stages: of the operands
/// that are overwritten early, late, or both. Past the piece's end nothing is
/// read and the buffers are filled with zeros.
void TeamKernel::startCopies(const Piece &piece, Value step, Value parity,
                             bool early, bool late) {
  Value inside =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, step, piece.end);
  Value token = emitToken(step);
  Value rows =
      widen(arith::SelectOp::create(b, inside, countRows(token), number(0)));
  for (auto &[operand, tile] : tiles) {
    if (!(tile.early ? early : late) || (copied && !copied->count(operand)))
      continue;
    // A team copies what is its own.
    const Member &member = tile.shared ? piece.members[0] : piece.own;
    TeamSlots slots(*this, tile.shared ? number(0) : team, parity,
                    /*readsMasks=*/false);
    int64_t stride = tile.access.getStride(DimRole::Time);
    Value offset =
        add(emitOffset(tile.access, piece, member), mul(widen(token), stride));
    Value columns = tile.access.has(DimRole::Channel)
                        ? sliceWidth(member)
                        : index(tile.access.getSize(DimRole::State));
    tile::CopyAsyncOp::create(
        b, tile.access.pointer, offset, index(stride), rows, columns,
        slots.getTile(scan.getBody().getArgument(operand)),
        tile.shared ? IntegerAttr() : b.getI64IntegerAttr(shape.warps));
  }
}

//===----------------------------------------------------------------------===//
// Vectors over tokens
//===----------------------------------------------------------------------===//

/// Starts the copies of the vectors of the team's head in the chunk of `step`.
void TeamKernel::startVectors(const Piece &piece, Value step, Value parity) {
  Value inside =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, step, piece.end);
  Value token = emitToken(step);
  Value rows =
      widen(arith::SelectOp::create(b, inside, countRows(token), number(0)));
  Value stage = add(mul(parity, shape.teams), team);
  for (auto [operand, ring] : vectors) {
    Access access =
        makeAccess(scan.getIns()[operand], scan.getInRole(operand).getRoles());
    int64_t stride = access.getStride(DimRole::Time);
    Value offset = tokenOffset(access, piece, piece.own, token);
    tile::CopyVectorOp::create(b, access.pointer, offset, index(stride), rows,
                               stageOf(ring, stage),
                               b.getI64IntegerAttr(shape.warps));
  }
}

/// Remembers that the vectors of a chunk are computed here. Which ones, is
/// known when everything that reads them has been emitted.
void TeamKernel::markVectors(const Piece &piece, Value step, Value parity,
                             Operation *before) {
  VectorSite site;
  site.token = emitToken(step);
  site.parity = parity;
  site.block = b.getInsertionBlock();
  site.at = b.getInsertionPoint();
  site.before = before;
  site.piece = piece;
  sites.push_back(site);
}

LogicalResult TeamKernel::emitVectors(const VectorSite &site) {
  b.setInsertionPoint(site.block, site.at);
  TileEmitter emitter(b, entry, scan, axes, TileShape());
  Value stage = add(mul(site.parity, shape.teams), team);
  for (auto [operand, ring] : vectors) {
    Value tile = scan.getBody().getArgument(operand);
    auto type = cast<RankedTensorType>(tile.getType())
                    .cloneWithEncoding(tile::LaneAttr::get(b.getContext()));
    emitter.bindVector(tile,
                       tile::LoadSharedOp::create(b, type, stageOf(ring, stage),
                                                  /*transposed=*/false));
  }
  bindPartOperands(emitter, site.piece, site.piece.own, site.before);
  emitter.bindValidRows(
      arith::MinSIOp::create(b, countRows(site.token), number(shape.chunk)));
  for (auto [key, buffer] : exports) {
    FailureOr<Value> value = emitter.emit(key.first);
    if (failed(value))
      return failure();
    Value vector = emitForm(b, *value, RoleInputs::Form(key.second));
    if (!isa<RankedTensorType>(vector.getType()))
      vector = splatLanes(vector,
                          cast<tile::BufferType>(buffer.getType()).getShape());
    tile::StoreSharedOp::create(b, vector, stageOf(buffer, stage),
                                /*transposed=*/false);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

/// The operands of `step` are in shared memory and visible, and what the next
/// copies overwrite is no longer read.
void TeamKernel::openChunk(const Piece &piece, Value step, Value parity,
                           Value other) {
  if (shape.stages == 1) {
    tile::BarrierOp::create(b);
    startCopies(piece, step, parity, /*early=*/true, /*late=*/true);
    startVectors(piece, add(step, number(2)), parity);
    tile::CommitCopiesOp::create(b);
    tile::WaitCopiesOp::create(b, 0);
    tile::BarrierOp::create(b);
    return;
  }
  tile::WaitCopiesOp::create(b, 0);
  tile::BarrierOp::create(b);
  startCopies(piece, add(step, number(1)), other, /*early=*/false,
              /*late=*/true);
  startVectors(piece, add(step, number(2)), parity);
  tile::CommitCopiesOp::create(b);
}

/// Walks the chunks of a piece. The body ends with what reads shared memory;
/// a barrier in it parts what reads vectors of this chunk from others.
LogicalResult TeamKernel::emitChunks(const Piece &piece, bool summary,
                                     ValueRange initial, ChunkBody body,
                                     SmallVectorImpl<Value> &results) {
  Value zero = number(0), one = number(1);
  if (summary)
    copied = findStateOperands(scan);
  if (shape.stages > 1)
    startCopies(piece, piece.first, zero, /*early=*/true, /*late=*/true);
  startVectors(piece, piece.first, zero);
  startVectors(piece, add(piece.first, one), one);
  tile::CommitCopiesOp::create(b);
  tile::WaitCopiesOp::create(b, 0);
  tile::BarrierOp::create(b);
  auto loop = scf::ForOp::create(b, piece.first, piece.end, one, initial);
  b.setInsertionPoint(loop);
  markVectors(piece, piece.first, zero, loop);

  b.setInsertionPointToStart(loop.getBody());
  Value step = loop.getInductionVar();
  Value parity = arith::AndIOp::create(b, subtract(step, piece.first), one);
  Value other = arith::XOrIOp::create(b, parity, one);
  openChunk(piece, step, parity, other);
  SmallVector<Value> next;
  if (failed(body(step, parity, loop.getRegionIterArgs(), next)))
    return failure();
  Operation *yield = scf::YieldOp::create(b, next);
  // The vectors of the next chunk come in front of the barrier of the masks.
  Operation *place = yield;
  for (auto barrier : loop.getBody()->getOps<tile::BarrierOp>())
    if (!summary)
      place = barrier;
  b.setInsertionPoint(place);
  markVectors(piece, add(step, one), other, loop);
  b.setInsertionPointAfter(loop);
  // Nothing is on its way, or read, when the next piece begins.
  tile::WaitCopiesOp::create(b, 0);
  tile::BarrierOp::create(b);
  results.assign(loop.result_begin(), loop.result_end());
  copied.reset();
  return success();
}
