// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RoleKernel: which chunks of which sequences a thread block walks.
//
// A gang of blocks walks the chunks of one sequence set (all heads that share
// operands) side by side, so that what they share is read from memory once.
// The (set, chunk) pairs of a launch, in this order, are cut into equal ranges,
// one a gang. A range begins and ends inside a sequence; the piece that begins
// a sequence is walked first and its state handed over, the piece that
// continues one last. With fewer sets than gangs every sequence is cut into
// segments instead, each with one gang; see RoleState.cpp for how states
// pass.

#include "passes/Transforms/RoleKernel.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

/// The first element of part `part` of `count` elements in `parts` parts whose
/// sizes differ by one at most.
static Value firstOfPart(ImplicitLocOpBuilder &b, Value part, Value count,
                         Value parts) {
  Value size = arith::DivUIOp::create(b, count, parts);
  Value larger = arith::RemUIOp::create(b, count, parts);
  Value whole = arith::MulIOp::create(b, part, size);
  Value extra = arith::MinUIOp::create(b, part, larger);
  return arith::AddIOp::create(b, whole, extra);
}

RoleKernel::Work RoleKernel::emitWork() {
  auto divide = [&](Value x, Value y) {
    return arith::DivUIOp::create(b, x, y).getResult();
  };
  auto modulo = [&](Value x, Value y) {
    return arith::RemUIOp::create(b, x, y).getResult();
  };
  auto minus = [&](Value x, Value y) {
    return arith::SubIOp::create(b, x, y).getResult();
  };
  Work work;
  Value one = number(1), gang = number(shape.gang);
  Value block = blockNumber();
  Value blocks = narrow(gpu::GridDimOp::create(b, gpu::Dimension::x));
  work.lane = modulo(block, gang);
  work.group = divide(block, gang);
  Value groups = divide(blocks, gang);
  work.sets = mul(narrow(batchSize), shape.sets);
  work.chunks =
      arith::CeilDivUIOp::create(b, narrow(length), number(scan.getChunk()));
  work.split = arith::CmpIOp::create(b, CmpIPredicate::ugt, groups, work.sets);
  auto choose = [&](Value whenSplit, Value otherwise) {
    return arith::SelectOp::create(b, work.split, whenSplit, otherwise)
        .getResult();
  };
  work.segments = choose(divide(groups, work.sets), groups);
  work.segment = choose(divide(work.group, work.sets), work.group);
  Value set = choose(modulo(work.group, work.sets), number(0));
  Value all = arith::MulIOp::create(b, work.sets, work.chunks);
  Value span = choose(work.chunks, all);
  Value base = arith::MulIOp::create(b, set, work.chunks);
  work.low = add(base, firstOfPart(b, work.segment, span, work.segments));
  work.high =
      add(base, firstOfPart(b, add(work.segment, one), span, work.segments));
  work.last = divide(minus(work.high, one), work.chunks);
  Value first = divide(work.low, work.chunks);
  Value some =
      arith::CmpIOp::create(b, CmpIPredicate::ult, work.low, work.high);
  work.pieces = arith::SelectOp::create(
      b, some, add(minus(work.last, first), one), number(0));
  return work;
}

LogicalResult RoleKernel::emitPieces(const Work &work, PieceBody body) {
  auto loop = scf::ForOp::create(b, number(0), work.pieces, number(1),
                                 ValueRange{number(0)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Piece piece;
  piece.set = arith::SubIOp::create(b, work.last, loop.getInductionVar());
  Value start = arith::MulIOp::create(b, piece.set, work.chunks);
  Value stop = add(start, work.chunks);
  piece.first = arith::SubIOp::create(
      b, arith::MaxUIOp::create(b, work.low, start), start);
  piece.end = arith::SubIOp::create(
      b, arith::MinUIOp::create(b, work.high, stop), start);
  Value sets = number(shape.sets);
  piece.batch = arith::DivUIOp::create(b, piece.set, sets);
  Value setInBatch = arith::RemUIOp::create(b, piece.set, sets);
  piece.tile = add(mul(setInBatch, shape.gang), work.lane);
  piece.iteration = piece.maskIteration = loop.getRegionIterArg(0);
  if (failed(body(piece)))
    return failure();
  Value chunks = arith::SubIOp::create(b, piece.end, piece.first);
  scf::YieldOp::create(b, add(piece.iteration, chunks));
  return success();
}

LogicalResult RoleKernel::emitChunks(const Piece &piece, ValueRange initial,
                                     ChunkBody body,
                                     SmallVectorImpl<Value> &results) {
  auto loop = scf::ForOp::create(b, piece.first, piece.end, number(1), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value step = loop.getInductionVar();
  Value done = arith::SubIOp::create(b, step, piece.first);
  Iterations iterations = {widen(add(piece.iteration, done)),
                           widen(add(piece.maskIteration, done))};
  SmallVector<Value> next;
  if (failed(body(step, iterations, loop.getRegionIterArgs(), next)))
    return failure();
  if (!initial.empty())
    scf::YieldOp::create(b, next);
  results.assign(loop.result_begin(), loop.result_end());
  return success();
}

LogicalResult
RoleKernel::emitSummaryPass(const Work &work, Piece &piece,
                            llvm::function_ref<LogicalResult()> body) {
  if (shape.segmentChunks == 0)
    return success();
  Value behind = add(work.segment, number(1));
  Value others =
      arith::CmpIOp::create(b, CmpIPredicate::ult, behind, work.segments);
  Value wanted = arith::AndIOp::create(b, work.split, others);
  auto conditional = scf::IfOp::create(b, wanted, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(conditional.thenYield());
    if (failed(body()))
      return failure();
  }
  Value chunks = arith::SubIOp::create(b, piece.end, piece.first);
  piece.iteration = add(piece.iteration,
                        arith::SelectOp::create(b, wanted, chunks, number(0)));
  return success();
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

Value RoleKernel::blockNumber() {
  return narrow(gpu::BlockIdOp::create(b, gpu::Dimension::x));
}

RoleKernel::Consumer RoleKernel::emitConsumer(const Piece &piece,
                                              Value instance) {
  Value all = add(mul(piece.tile, shape.consumers), instance);
  if (shape.slices == 1)
    return {all, number(0)};
  Value slices = number(shape.slices);
  return {arith::DivUIOp::create(b, all, slices),
          arith::RemUIOp::create(b, all, slices)};
}

/// The first token of the chunk that a step works on.
Value RoleKernel::emitToken(Value step, const Work &work) {
  Value chunk = step;
  if (scan.getReverse())
    chunk = arith::SubIOp::create(
        b, arith::SubIOp::create(b, work.chunks, number(1)), step);
  return mul(chunk, scan.getChunk());
}

/// Tokens from `token` on.
Value RoleKernel::countRows(Value token) {
  return arith::SubIOp::create(b, narrow(length), token);
}

/// Channels of a slice that exist.
Value RoleKernel::sliceWidth(Consumer consumer) {
  int64_t channels =
      cast<RankedTensorType>(scan.getStateArgument(0).getType()).getDimSize(0);
  if (shape.slices == 1)
    return index(channels);
  Value left = arith::SubIOp::create(b, number(channels),
                                     mul(consumer.slice, kRoleChannels));
  return widen(arith::MinSIOp::create(b, left, number(kRoleChannels)));
}

/// The head of an operand that a head of the mixer reads.
static Value sharedHead(ImplicitLocOpBuilder &b, Value head, int64_t sharing) {
  if (sharing == 1)
    return head;
  Value divisor = arith::ConstantIntOp::create(b, sharing, 32);
  return arith::DivUIOp::create(b, head, divisor);
}

Value RoleKernel::emitOffset(const Access &access, const Piece &piece,
                             Consumer consumer) {
  Value offset = index(0);
  if (access.has(DimRole::Batch)) {
    Value row = mul(widen(piece.batch), access.getStride(DimRole::Batch));
    offset = access.has(DimRole::Time)
                 ? arith::MulIOp::create(b, row, length).getResult()
                 : row;
  }
  if (access.has(DimRole::Head)) {
    int64_t sharing = scan.getHeads() / access.getSize(DimRole::Head);
    offset = add(offset, mul(widen(sharedHead(b, consumer.head, sharing)),
                             access.getStride(DimRole::Head)));
  }
  if (access.has(DimRole::Channel) && shape.slices > 1)
    offset =
        add(offset, mul(widen(consumer.slice),
                        kRoleChannels * access.getStride(DimRole::Channel)));
  return offset;
}

SmallVector<Value> RoleKernel::emitCoordinates(const Access &access,
                                               const Piece &piece,
                                               Consumer consumer, Value token) {
  SmallVector<Value> coordinates;
  for (DimRole role : llvm::reverse(access.roles)) {
    switch (role) {
    case DimRole::Channel:
      coordinates.push_back(widen(mul(consumer.slice, kRoleChannels)));
      break;
    case DimRole::State:
      coordinates.push_back(index(0));
      break;
    case DimRole::Head:
      coordinates.push_back(widen(sharedHead(
          b, consumer.head, scan.getHeads() / access.getSize(DimRole::Head))));
      break;
    case DimRole::Time:
      coordinates.push_back(widen(token));
      break;
    case DimRole::Batch:
      coordinates.push_back(widen(piece.batch));
      break;
    }
  }
  return coordinates;
}

void RoleKernel::bindPieceOperands(TileEmitter &emitter, const Piece &piece,
                                   Consumer consumer, Operation *before) {
  for (auto [i, operand] : llvm::enumerate(scan.getIns())) {
    Access access = makeAccess(operand, scan.getInRole(i).getRoles());
    Value tile = scan.getBody().getArgument(i);
    int64_t rank = cast<RankedTensorType>(tile.getType()).getRank();
    if (access.has(DimRole::Time) || rank > 1)
      continue;
    if (rank == 0) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(before);
      emitter.bindScalar(
          tile, loadScalar(access, emitOffset(access, piece, consumer)));
      continue;
    }
    emitter.bindChannels(tile, [=, this](RankedTensorType type) -> Value {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(before);
      return tile::LoadGlobalOp::create(
          b, type, access.pointer, emitOffset(access, piece, consumer),
          ValueRange{index(1)}, ValueRange{sliceWidth(consumer)});
    });
  }
}
