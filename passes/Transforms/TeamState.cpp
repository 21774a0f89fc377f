// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// TeamKernel: the carried states at the ends of pieces: initial, final, handed
// over between thread blocks, summed up over a segment.

#include "passes/Transforms/TeamKernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Transforms/RoleShape.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

/// The number of this team in a block, in the workspaces.
Value TeamKernel::handoverIndex(Value block) {
  return widen(add(mul(block, shape.teams), team));
}

Value TeamKernel::loadHandover(Value block) {
  RankedTensorType state = stateType();
  Value offset = mul(handoverIndex(block), state.getNumElements());
  return tile::LoadPackedOp::create(b, state, handoverStates, offset);
}

void TeamKernel::storeHandover(Value registers) {
  int64_t size = stateType().getNumElements();
  Value offset = mul(handoverIndex(blockNumber()), size);
  tile::StorePackedOp::create(b, registers, handoverStates, offset);
}

/// The states in front of a piece. At the start of a sequence they are given.
/// In a split sequence they are combined from the summaries of the segments
/// before, each with its decay; elsewhere the gang before hands them over.
Value TeamKernel::emitInitialState(const Piece &piece) {
  auto blockOf = [&](Value segment) {
    Value group = add(arith::MulIOp::create(b, segment, work.sets), piece.set);
    return add(mul(group, shape.gang), work.lane);
  };
  if (division.splits) {
    Value start = loadInit(piece, piece.own);
    tile::AwaitOp::create(b, handoverFlags, widen(blockOf(number(0))),
                          widen(work.segment),
                          widen(mul(work.sets, shape.gang)));
    auto loop = scf::ForOp::create(b, number(0), work.segment, number(1),
                                   ValueRange{start});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value from = blockOf(loop.getInductionVar());
    Access decays = {
        handoverDecays,
        RankedTensorType::get({ShapedType::kDynamic}, b.getF32Type()),
        {}};
    Value decay = tile::SplatOp::create(
        b, stateType(), loadScalar(decays, handoverIndex(from)));
    Value carried = arith::MulFOp::create(b, loop.getRegionIterArg(0), decay);
    Value sum = arith::AddFOp::create(b, carried, loadHandover(from));
    scf::YieldOp::create(b, sum);
    return loop.getResult(0);
  }
  auto receive = [&]() -> Value {
    Value from = subtract(blockNumber(), number(shape.gang));
    tile::AwaitOp::create(b, handoverFlags, widen(from));
    return loadHandover(from);
  };
  Value atStart = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                        piece.first, number(0));
  return choose(atStart, [&] { return loadInit(piece, piece.own); }, receive);
}

/// Sums up a segment: its own contribution to the states behind it, and the
/// decays of what comes in.
LogicalResult TeamKernel::emitSummary(const Piece &piece) {
  SmallVector<Value> results;
  auto walk = [&](Value step, Value parity, ValueRange carried,
                  SmallVectorImpl<Value> &next) -> LogicalResult {
    Operation *before = b.getInsertionBlock()->getParentOp();
    TeamSlots slots(*this, team, parity, /*readsMasks=*/true);
    TeamEmitter emitter(b, entry, scan, axes, slots, shape);
    bindPartOperands(emitter, piece, piece.own, before);
    Value token = emitToken(step);
    emitter.bindValidRows(
        arith::MinSIOp::create(b, countRows(token), number(shape.chunk)));
    emitter.bindState(scan.getStateArgument(0), carried[0]);
    FailureOr<Value> state = emitter.emit(scan.getYield().getTiles().back());
    if (failed(state))
      return failure();
    FailureOr<Value> decay = emitDecay(emitter, carried[1]);
    if (failed(decay))
      return failure();
    next.append({*state, *decay});
    return success();
  };
  if (failed(emitChunks(piece, /*summary=*/true, {zeroState(), one()}, walk,
                        results)))
    return failure();
  storeHandover(results[0]);
  Value wide = arith::IndexCastOp::create(b, b.getI64Type(),
                                          handoverIndex(blockNumber()));
  Value address =
      LLVM::GEPOp::create(b, handoverDecays.getType(), b.getF32Type(),
                          handoverDecays, ArrayRef<LLVM::GEPArg>{wide});
  LLVM::StoreOp::create(b, results[1], address);
  tile::SignalOp::create(b, handoverFlags, widen(blockNumber()));
  return success();
}

/// Behind a piece the states are final, or go to the gang that continues the
/// sequence (split sequences have handed over their summaries before).
void TeamKernel::emitFinalState(const Piece &piece, Value state) {
  Value atEnd = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, piece.end,
                                      work.chunks);
  auto choice = scf::IfOp::create(b, atEnd, /*withElse=*/!division.splits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(choice.thenYield());
  storeFinal(piece, piece.own, state);
  if (division.splits)
    return;
  b.setInsertionPoint(choice.elseYield());
  storeHandover(state);
  tile::SignalOp::create(b, handoverFlags, widen(blockNumber()));
}
