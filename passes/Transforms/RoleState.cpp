// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RoleKernel: the carried state at the ends of pieces: initial, final, handed
// over between thread blocks, summed up over a segment.

#include "passes/Transforms/RoleKernel.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

//===----------------------------------------------------------------------===//
// States between pieces
//===----------------------------------------------------------------------===//

/// The number of a consumer of a block in the workspaces.
Value RoleKernel::handoverIndex(Value block, Value instance) {
  return widen(add(mul(block, shape.consumers), narrow(instance)));
}

Value RoleKernel::loadHandover(Value block, Value instance) {
  int64_t columns = stateType().getDimSize(1);
  Value offset = mul(handoverIndex(block, instance), 64 * columns);
  return tile::LoadPackedOp::create(b, stateType(), handoverStates, offset);
}

void RoleKernel::storeHandover(Value state, Value instance) {
  int64_t columns = stateType().getDimSize(1);
  Value slot = handoverIndex(blockNumber(), instance);
  tile::StorePackedOp::create(b, state, handoverStates,
                              mul(slot, 64 * columns));
}

/// The state in front of a piece. At the start of a sequence it is given. In a
/// split sequence it is combined from the summaries of the segments before,
/// each with its decay; elsewhere the gang before hands it over.
FailureOr<Value> RoleKernel::emitInitialState(const Work &work,
                                              const Piece &piece,
                                              Consumer consumer,
                                              Value instance) {
  auto blockOf = [&](Value segment) {
    Value group = add(arith::MulIOp::create(b, segment, work.sets), piece.set);
    return add(mul(group, shape.gang), work.lane);
  };
  auto combine = [&]() -> Value {
    Value start = loadInit(piece, consumer);
    Value stride = widen(mul(work.sets, shape.gang * shape.consumers));
    tile::AwaitOp::create(b, handoverFlags,
                          handoverIndex(blockOf(number(0)), instance),
                          widen(work.segment), stride);
    auto loop = scf::ForOp::create(b, number(0), work.segment, number(1),
                                   ValueRange{start});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value from = blockOf(loop.getInductionVar());
    Value slot = handoverIndex(from, instance);
    Access decays = {
        handoverDecays,
        RankedTensorType::get({ShapedType::kDynamic}, b.getF32Type()),
        {}};
    Value decay =
        tile::SplatOp::create(b, stateType(), loadScalar(decays, slot));
    Value carried = arith::MulFOp::create(b, loop.getRegionIterArg(0), decay);
    Value sum = arith::AddFOp::create(b, carried, loadHandover(from, instance));
    scf::YieldOp::create(b, sum);
    return loop.getResult(0);
  };
  auto receive = [&]() -> Value {
    Value from = arith::SubIOp::create(b, blockNumber(), number(shape.gang));
    tile::AwaitOp::create(b, handoverFlags, handoverIndex(from, instance));
    return loadHandover(from, instance);
  };
  Value atStart = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                        piece.first, number(0));
  auto unsplit = [&] {
    return choose(atStart, [&] { return loadInit(piece, consumer); }, receive);
  };
  if (shape.segmentChunks == 0)
    return unsplit();
  return choose(work.split, combine, unsplit);
}

/// Sums up a segment: its own contribution to the state behind it, and the
/// decay of what comes in.
LogicalResult RoleKernel::emitSummary(const Work &work, const Piece &piece,
                                      Consumer consumer, Value instance) {
  Value transition = *getScalarTransition(scan);
  Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1.0f));
  SmallVector<Value> results;
  auto walk = [&](Value step, Iterations iterations, ValueRange carried,
                  SmallVectorImpl<Value> &next) -> LogicalResult {
    Operation *before = b.getInsertionBlock()->getParentOp();
    RoleSlots slots(*this, instance, iterations);
    slots.sumsUp = true;
    RoleEmitter emitter(b, entry, scan, axes, slots,
                        RoleEmitter::LeftOperands::Registers);
    bindPartOperands(emitter, piece, consumer, before);
    emitter.bindState(scan.getStateArgument(0), carried[0]);
    Value sink = scan.getYield().getTiles().back();
    if (failed(emitter.startProducts(sink)))
      return failure();
    FailureOr<Value> state = emitter.emit(sink);
    if (failed(state))
      return failure();
    Value decay = carried[1];
    if (transition) {
      FailureOr<Value> factor = emitter.emit(transition);
      if (failed(factor))
        return failure();
      decay = arith::MulFOp::create(b, decay, *factor);
    }
    slots.release(own, slots.getOwn(), *state);
    slots.release(shared, slots.getShared(), *state);
    next.append({*state, decay});
    return success();
  };
  if (failed(emitChunks(piece, {zeroState(), one}, walk, results)))
    return failure();
  storeHandover(results[0], instance);
  Value slot = handoverIndex(blockNumber(), instance);
  auto lanes = tile::LaneAttr::get(b.getContext());
  Value decay = tile::SplatOp::create(
      b, RankedTensorType::get({1}, b.getF32Type(), lanes), results[1]);
  tile::StoreGlobalOp::create(b, decay, handoverDecays, slot,
                              ValueRange{index(1)}, ValueRange{index(1)});
  tile::SignalOp::create(b, handoverFlags, slot);
  return success();
}

/// Behind a piece the state is final, or goes to the gang that continues the
/// sequence (split sequences have handed over their summaries before).
void RoleKernel::emitFinalState(const Work &work, const Piece &piece,
                                Consumer consumer, Value instance,
                                Value state) {
  Value atEnd = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, piece.end,
                                      work.chunks);
  auto choice = scf::IfOp::create(b, atEnd, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(choice.thenYield());
  storeFinal(piece, consumer, state);
  b.setInsertionPoint(choice.elseYield());
  Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
  Value whole = arith::XOrIOp::create(b, work.split, yes);
  auto handover = scf::IfOp::create(b, whole, /*withElseRegion=*/false);
  b.setInsertionPoint(handover.thenYield());
  storeHandover(state, instance);
  tile::SignalOp::create(b, handoverFlags,
                         handoverIndex(blockNumber(), instance));
}
