// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// TeamKernel: which chunks of which sequences a thread block walks. The ranges
// are those of RoleWork.cpp: the (set, chunk) pairs of a launch, cut into equal
// ranges, one a gang; with fewer sets than gangs, segments of every sequence.

#include "passes/Transforms/TeamKernel.h"

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

TeamKernel::Work TeamKernel::emitWork() {
  auto divide = [&](Value x, Value y) -> Value {
    return arith::DivUIOp::create(b, x, y);
  };
  auto modulo = [&](Value x, Value y) -> Value {
    return arith::RemUIOp::create(b, x, y);
  };
  Work work;
  Value one = number(1), gang = number(shape.gang), block = blockNumber();
  Value blocks = narrow(gpu::GridDimOp::create(b, gpu::Dimension::x));
  work.lane = modulo(block, gang);
  work.group = divide(block, gang);
  Value groups = divide(blocks, gang);
  work.sets = mul(narrow(batchSize), shape.sets);
  work.chunks =
      arith::CeilDivUIOp::create(b, narrow(length), number(shape.chunk));
  work.split = arith::CmpIOp::create(b, CmpIPredicate::ugt, groups, work.sets);
  auto choose = [&](Value whenSplit, Value otherwise) -> Value {
    return arith::SelectOp::create(b, work.split, whenSplit, otherwise);
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
  work.last = divide(subtract(work.high, one), work.chunks);
  Value first = divide(work.low, work.chunks);
  Value some =
      arith::CmpIOp::create(b, CmpIPredicate::ult, work.low, work.high);
  work.pieces = arith::SelectOp::create(
      b, some, add(subtract(work.last, first), one), number(0));
  return work;
}

/// The piece that begins a sequence comes first and hands its state over, the
/// one that continues a sequence last.
LogicalResult
TeamKernel::emitPieces(const Work &work,
                       llvm::function_ref<LogicalResult(const Piece &)> body) {
  auto loop = scf::ForOp::create(b, number(0), work.pieces, number(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Piece piece;
  piece.set = subtract(work.last, loop.getInductionVar());
  Value start = arith::MulIOp::create(b, piece.set, work.chunks);
  Value stop = add(start, work.chunks);
  piece.first = subtract(arith::MaxUIOp::create(b, work.low, start), start);
  piece.end = subtract(arith::MinUIOp::create(b, work.high, stop), start);
  Value sets = number(shape.sets);
  piece.batch = arith::DivUIOp::create(b, piece.set, sets);
  Value setInBatch = arith::RemUIOp::create(b, piece.set, sets);
  piece.tile = add(mul(setInBatch, shape.gang), work.lane);
  piece.own = emitMember(piece, team);
  for (int64_t i = 0; i < shape.teams; ++i)
    piece.members.push_back(emitMember(piece, number(i)));
  return body(piece);
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

TeamKernel::Member TeamKernel::emitMember(const Piece &piece, Value member) {
  Value all = add(mul(piece.tile, shape.teams), member);
  if (shape.slices == 1)
    return {all, number(0)};
  Value slices = number(shape.slices);
  return {arith::DivUIOp::create(b, all, slices),
          arith::RemUIOp::create(b, all, slices)};
}

/// The first token of the chunk that a step works on.
Value TeamKernel::emitToken(Value step, const Work &work) {
  Value chunk = step;
  if (scan.getReverse())
    chunk = subtract(subtract(work.chunks, number(1)), step);
  return mul(chunk, shape.chunk);
}

/// Tokens from `token` on.
Value TeamKernel::countRows(Value token) {
  return subtract(narrow(length), token);
}

/// Channels of a slice that exist.
Value TeamKernel::sliceWidth(const Member &member) {
  int64_t channels =
      cast<RankedTensorType>(scan.getStateArgument(0).getType()).getDimSize(0);
  if (shape.slices == 1)
    return index(channels);
  Value left = subtract(number(channels), mul(member.slice, shape.channels));
  return widen(arith::MinSIOp::create(b, left, number(shape.channels)));
}

/// Offset of a piece's operand, without its tokens.
Value TeamKernel::emitOffset(const Access &access, const Piece &piece,
                             const Member &member) {
  Value offset = index(0);
  if (access.has(DimRole::Batch)) {
    Value row = mul(widen(piece.batch), access.getStride(DimRole::Batch));
    offset = access.has(DimRole::Time)
                 ? arith::MulIOp::create(b, row, length).getResult()
                 : row;
  }
  if (access.has(DimRole::Head)) {
    int64_t sharing = scan.getHeads() / access.getSize(DimRole::Head);
    Value head = member.head;
    if (sharing > 1)
      head = arith::DivUIOp::create(b, head, number(sharing));
    offset = add(offset, mul(widen(head), access.getStride(DimRole::Head)));
  }
  if (access.has(DimRole::Channel) && shape.slices > 1)
    offset =
        add(offset, mul(widen(member.slice),
                        shape.channels * access.getStride(DimRole::Channel)));
  return offset;
}

/// Scalars and channel vectors of a piece, loaded in front of its chunks.
void TeamKernel::bindPieceOperands(TileEmitter &emitter, const Piece &piece,
                                   const Member &member, Operation *before) {
  for (auto [i, operand] : llvm::enumerate(scan.getIns())) {
    Access access = makeAccess(operand, scan.getInRole(i).getRoles());
    Value tile = scan.getBody().getArgument(i);
    int64_t rank = cast<RankedTensorType>(tile.getType()).getRank();
    if (access.has(DimRole::Time) || rank > 1)
      continue;
    if (rank == 0) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(before);
      Value scalar = loadScalar(access, emitOffset(access, piece, member));
      emitter.bindScalar(tile, scalar);
      continue;
    }
    emitter.bindChannels(tile, [=, this](RankedTensorType type) -> Value {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(before);
      return tile::LoadGlobalOp::create(
          b, type, access.pointer, emitOffset(access, piece, member),
          ValueRange{index(1)}, ValueRange{sliceWidth(member)});
    });
  }
}
