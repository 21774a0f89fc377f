// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RoleKernel: split sequences. A segment is summed up in a first pass over its
// chunks, the last one first: what a chunk adds to the state at the segment's
// end is weighted with the decay of the chunks behind it. Where that decay is
// zero the pass ends (α ≤ 0: decays never grow), and so does the walk back over
// the summaries. Last of all comes the segment's begin, so that the main pass
// finds it in the cache.

#include "passes/Transforms/RoleSlots.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

using arith::CmpFPredicate;
using arith::CmpIPredicate;

/// NaN counts as a decay, so that it is passed on.
static Value isNotZero(ImplicitLocOpBuilder &b, Value decay) {
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
  return arith::CmpFOp::create(b, CmpFPredicate::UNE, decay, zero);
}

static Value isAnyNotZero(ImplicitLocOpBuilder &b, ValueRange decays) {
  Value any = isNotZero(b, decays.front());
  for (Value decay : decays.drop_front())
    any = arith::OrIOp::create(b, any, isNotZero(b, decay));
  return any;
}

//===----------------------------------------------------------------------===//
// Chunks that count
//===----------------------------------------------------------------------===//

/// The transition of the chunk at `step` of the segment; of chunks in front of
/// it, the identity.
FailureOr<Value> RoleKernel::emitTransition(const Part &part, Consumer consumer,
                                            Value step, Operation *before) {
  Value inside = arith::CmpIOp::create(b, CmpIPredicate::sge, step, part.first);
  Value token = emitToken(step);
  Value valid =
      arith::MinSIOp::create(b, countRows(token), number(scan.getChunk()));
  Value rows = arith::SelectOp::create(b, inside, valid, number(0));
  TileEmitter emitter(b, entry, scan, axes, TileShape());
  for (auto [operand, buffer] : vectorRings) {
    Access access =
        makeAccess(scan.getIns()[operand], scan.getInRole(operand).getRoles());
    int64_t stride = access.getStride(DimRole::Time);
    Value offset = tokenOffset(access, part, consumer, token);
    Value tile = scan.getBody().getArgument(operand);
    auto type = cast<RankedTensorType>(tile.getType());
    emitter.bindVector(
        tile,
        tile::LoadGlobalOp::create(
            b, type.cloneWithEncoding(tile::LaneAttr::get(b.getContext())),
            access.pointer, offset, ValueRange{index(stride)},
            ValueRange{widen(rows)}));
  }
  bindPartOperands(emitter, part, consumer, before);
  emitter.bindValidRows(rows);
  return emitter.emit(*getScalarTransition(scan));
}

/// A round of the search: each warp works out the transition of one chunk for
/// one consumer, and then all go through them, the last chunk first.
LogicalResult RoleKernel::searchChunks(const Part &part, const Search &search,
                                       Value &reach,
                                       SmallVectorImpl<Value> &decays) {
  Value behind = add(mul(search.round, search.span), search.chunk);
  Value step = subtract(subtract(part.end, number(1)), behind);
  FailureOr<Value> transition =
      emitTransition(part, search.consumer, step, search.loop);
  if (failed(transition))
    return failure();
  auto buffer = cast<tile::BufferType>(search.transitions.getType());
  tile::StoreSharedOp::create(
      b, splatLanes(*transition, buffer.getShape()),
      tile::StageOp::create(b, search.transitions, search.warp),
      /*transposed=*/false);
  tile::BarrierOp::create(b);
  SmallVector<Value> carried = {reach};
  llvm::append_range(carried, decays);
  auto loop =
      scf::ForOp::create(b, index(0), index(search.span), index(1), carried);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value slot = mul(loop.getInductionVar(), shape.consumers);
    ValueRange behind = loop.getRegionIterArgs().drop_front();
    Value counts =
        arith::ExtUIOp::create(b, b.getI32Type(), isAnyNotZero(b, behind));
    SmallVector<Value> next = {add(loop.getRegionIterArg(0), counts)};
    for (auto [i, decay] : llvm::enumerate(behind)) {
      Value stage =
          tile::StageOp::create(b, search.transitions, add(slot, index(i)));
      next.push_back(arith::MulFOp::create(
          b, decay, tile::LoadElementOp::create(b, stage, /*index=*/0)));
    }
    scf::YieldOp::create(b, next);
  }
  reach = loop.getResult(0);
  llvm::copy(loop.getResults().drop_front(), decays.begin());
  // The next round overwrites the transitions.
  tile::BarrierOp::create(b);
  return success();
}

/// The chunks at the end of the segment that its summary needs: those in front
/// of them have decayed to zero there, in f32, for every consumer.
FailureOr<Value> RoleKernel::emitSearch(const Part &part) {
  Value chunks = subtract(part.end, part.first);
  constexpr int64_t kLeastElements = 4;
  Search search;
  search.transitions =
      allocate({kLeastElements}, b.getF32Type(), shape.getWarps(), false);
  search.warp = gpu::SubgroupIdOp::create(b, /*upper_bound=*/IntegerAttr());
  Value warp = narrow(search.warp), consumers = number(shape.consumers);
  search.chunk = arith::DivUIOp::create(b, warp, consumers);
  search.consumer =
      emitMember(part, arith::RemUIOp::create(b, warp, consumers));
  search.span = shape.getWarps() / shape.consumers;
  SmallVector<Value> initial = {number(0)};
  initial.append(shape.consumers, one());
  auto loop = scf::ForOp::create(
      b, number(0), arith::CeilDivUIOp::create(b, chunks, number(search.span)),
      number(1), initial);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    ValueRange carried = loop.getRegionIterArgs();
    Value going = isAnyNotZero(b, carried.drop_front());
    auto choice =
        scf::IfOp::create(b, carried.getTypes(), going, /*withElse=*/true);
    scf::YieldOp::create(b, choice.getResults());
    b.setInsertionPointToEnd(choice.elseBlock());
    scf::YieldOp::create(b, carried);
    b.setInsertionPointToEnd(choice.thenBlock());
    Value reach = carried.front();
    SmallVector<Value> decays(carried.drop_front());
    search.loop = loop;
    search.round = loop.getInductionVar();
    if (failed(searchChunks(part, search, reach, decays)))
      return failure();
    SmallVector<Value> results = {reach};
    llvm::append_range(results, decays);
    scf::YieldOp::create(b, results);
  }
  return arith::MinUIOp::create(b, loop.getResult(0), chunks).getResult();
}

/// The chunks of the block's first pass; 0 where nobody wants its summary.
FailureOr<Value> RoleKernel::emitReach() {
  Part part = emitPart(work.begin);
  Value chunks = subtract(part.end, part.first);
  Value wanted =
      arith::SelectOp::create(b, emitIsContinued(), chunks, number(0));
  if (!*getScalarTransition(scan))
    return wanted;
  Value isLong = arith::CmpIOp::create(b, CmpIPredicate::ugt, wanted,
                                       number(kSearchedChunks));
  auto choice = scf::IfOp::create(b, b.getI32Type(), isLong,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(choice.thenBlock());
  FailureOr<Value> found = emitSearch(part);
  if (failed(found))
    return failure();
  scf::YieldOp::create(b, *found);
  b.setInsertionPointToEnd(choice.elseBlock());
  scf::YieldOp::create(b, wanted);
  return choice.getResult(0);
}

/// In front of the roles.
LogicalResult RoleKernel::prepareSummaries() {
  if (shape.segmentChunks == 0)
    return success();
  // Buffers and constants go in front.
  Value none = number(0);
  entry.setInsertionPoint(none.getDefiningOp());
  FailureOr<Value> chunks = emitReach();
  if (failed(chunks))
    return failure();
  reach = *chunks;
  return success();
}

//===----------------------------------------------------------------------===//
// Summaries
//===----------------------------------------------------------------------===//

LogicalResult
RoleKernel::emitSummaryPass(Piece &piece,
                            llvm::function_ref<LogicalResult(Piece &)> body) {
  if (shape.segmentChunks == 0)
    return success();
  auto conditional = scf::IfOp::create(b, emitIsContinued(),
                                       /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(conditional.thenYield());
    Piece pass = piece;
    pass.isSummary = true;
    if (failed(body(pass)))
      return failure();
  }
  piece.iteration = add(piece.iteration, reach);
  return success();
}

/// Sums up a segment: its own contribution to the state behind it, and the
/// decay of what comes in.
LogicalResult RoleKernel::emitSummary(const Piece &piece, Consumer consumer,
                                      Value instance) {
  Value sink = scan.getYield().getTiles().back();
  SmallVector<Value> results;
  auto walk = [&](Value step, Iterations iterations, ValueRange carried,
                  SmallVectorImpl<Value> &next) -> LogicalResult {
    Operation *before = b.getInsertionBlock()->getParentOp();
    RoleSlots slots(*this, instance, iterations);
    slots.sumsUp = true;
    RoleEmitter emitter(b, entry, scan, axes, slots,
                        RoleEmitter::LeftOperands::Registers);
    bindPartOperands(emitter, piece, consumer, before);
    // The weights hold the decay of the chunks behind; the sum has none.
    emitter.bindAccumulator(sink.getDefiningOp<DotOp>(), carried[0]);
    if (failed(emitter.startProducts(sink)))
      return failure();
    FailureOr<Value> state = emitter.emit(sink);
    if (failed(state))
      return failure();
    FailureOr<Value> decay = emitDecay(emitter, carried[1]);
    if (failed(decay))
      return failure();
    slots.release(own, slots.getOwn(), {*state, splatLanes(*decay, {1})});
    slots.release(shared, slots.getShared(), *state);
    next.append({*state, *decay});
    return success();
  };
  if (failed(emitChunks(piece, {zeroState(), one()}, walk, results)))
    return failure();
  storeHandover(results[0], instance);
  Value slot = handoverIndex(blockNumber(), instance);
  tile::StoreGlobalOp::create(b, splatLanes(results[1], {1}), handoverDecays,
                              slot, ValueRange{index(1)}, ValueRange{index(1)});
  tile::SignalOp::create(b, handoverFlags, slot);
  return success();
}

/// state + decay · other().
Value RoleKernel::accumulate(Value state, Value decay,
                             llvm::function_ref<Value()> other) {
  auto sum = [&]() -> Value {
    Value factor = tile::SplatOp::create(b, stateType(), decay);
    Value part = arith::MulFOp::create(b, factor, other());
    return arith::AddFOp::create(b, state, part);
  };
  return choose(isNotZero(b, decay), sum, [&] { return state; });
}

/// The state in front of a segment: the summaries of the segments before, the
/// last one first, each times the decays of those behind it.
Value RoleKernel::combineSummaries(const Piece &piece, Consumer consumer,
                                   Value instance) {
  // Of the segment so many before this one. In front of the first one, where
  // nothing is added up, some slot that exists.
  auto slotBefore = [&](Value count) {
    Value groups = arith::MulIOp::create(b, count, work.sets);
    Value group =
        arith::MaxSIOp::create(b, subtract(work.group, groups), number(0));
    return handoverIndex(add(mul(group, shape.gang), work.lane), instance);
  };
  auto loadDecay = [&](Value count) {
    auto type = RankedTensorType::get({ShapedType::kDynamic}, b.getF32Type());
    Access decays = {handoverDecays, type, {}};
    return loadScalar(decays, slotBefore(count));
  };
  tile::AwaitOp::create(b, handoverFlags, slotBefore(work.segment),
                        widen(work.segment),
                        widen(mul(work.sets, shape.gang * shape.consumers)));
  // The sum; the decay behind the next segment, and that segment's own: loaded
  // a turn ahead, so that its summary need not wait for it.
  auto loop =
      scf::ForOp::create(b, number(0), work.segment, number(1),
                         ValueRange{zeroState(), one(), loadDecay(number(1))});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value count = add(loop.getInductionVar(), number(1));
    ValueRange carried = loop.getRegionIterArgs();
    Value ahead = loadDecay(add(count, number(1)));
    Value state = accumulate(carried[0], carried[1],
                             [&] { return loadHandover(slotBefore(count)); });
    Value decay = arith::MulFOp::create(b, carried[1], carried[2]);
    scf::YieldOp::create(b, ValueRange{state, decay, ahead});
  }
  Value state = loop.getResult(0);
  if (scan.getInits().empty())
    return state;
  return accumulate(state, loop.getResult(1),
                    [&] { return loadInit(piece, consumer); });
}
