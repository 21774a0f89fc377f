// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RoleKernel: the pieces of work and their chunks (PersistentKernel.h), and the
// iterations of the pipelines. See RoleState.cpp for how states pass.

#include "passes/Transforms/RoleKernel.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

LogicalResult RoleKernel::emitPieces(PieceBody body) {
  auto loop = scf::ForOp::create(b, work.begin, work.stop, work.stride,
                                 ValueRange{number(0)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value iteration = loop.getRegionIterArg(0);
  Piece piece = {emitPart(loop.getInductionVar()), iteration, iteration};
  if (failed(body(piece)))
    return failure();
  scf::YieldOp::create(b, add(iteration, countTurns(piece)));
  return success();
}

Value RoleKernel::countTurns(const Piece &piece) {
  Value chunks = subtract(piece.end, piece.first);
  return reach ? add(chunks, reach) : chunks;
}

/// The turn of a producer behind `done` others of the piece.
RoleKernel::Turn RoleKernel::emitTurn(const Piece &piece, Value done) {
  Value iteration = widen(add(piece.iteration, done));
  if (!reach)
    return {iteration, add(piece.first, done), Value()};
  Value sumsUp =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, done, reach);
  Value last = subtract(piece.end, number(1));
  Value step = arith::SelectOp::create(b, sumsUp, subtract(last, done),
                                       add(piece.first, subtract(done, reach)));
  return {iteration, step, sumsUp};
}

LogicalResult RoleKernel::emitChunks(const Piece &piece, ValueRange initial,
                                     ChunkBody body,
                                     SmallVectorImpl<Value> &results) {
  Value begin = piece.isSummary ? number(0) : piece.first;
  auto loop = scf::ForOp::create(b, begin, piece.isSummary ? reach : piece.end,
                                 number(1), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value step = loop.getInductionVar();
  Value done = subtract(step, begin);
  if (piece.isSummary)
    step = subtract(subtract(piece.end, number(1)), done);
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
      coordinates.push_back(widen(sharedHead(access, consumer.head)));
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
