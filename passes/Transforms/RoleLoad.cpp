// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RoleKernel: the producers.

#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Transforms/RoleKernel.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

/// Operands that products of the state's next value read.
static SmallVector<unsigned> findSummaryOperands(ChunkScanOp scan,
                                                 ArrayRef<unsigned> operands) {
  llvm::DenseSet<Value> reached;
  SmallVector<Value> work = {scan.getYield().getTiles().back()};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (!reached.insert(value).second)
      continue;
    if (Operation *op = value.getDefiningOp())
      llvm::append_range(work, op->getOperands());
  }
  return llvm::filter_to_vector(operands, [&](unsigned operand) {
    return reached.contains(scan.getBody().getArgument(operand));
  });
}

/// Acquires a slot, announces the bulk copies of `operands` into it and starts
/// them.
void RoleKernel::startCopies(const Piece &piece, Consumer consumer,
                             const Turn &turn, const Pipeline &pipeline,
                             Value group, ArrayRef<unsigned> operands) {
  Value token = emitToken(turn.step);
  int64_t bytes = 0;
  for (unsigned operand : operands)
    bytes += cast<tile::BufferType>(tiles.lookup(operand).buffer.getType())
                 .getStageBytes();
  Value slot =
      tile::AcquireOp::create(b, pipeline.value, group, turn.iteration);
  tile::ExpectOp::create(b, pipeline.value, slot, bytes);
  for (unsigned operand : operands) {
    BulkTile tile = tiles.lookup(operand);
    Value stage = tile::StageOp::create(b, tile.buffer, slot);
    tile::CopyBulkOp::create(
        b, tile.map, emitCoordinates(tile.access, piece, consumer, token),
        stage, pipeline.value, slot);
  }
}

/// The copies of a chunk: what the consumers share, then each one's own; in the
/// first pass over a segment, what the summary needs of them. The vector roles
/// have more to do for a chunk than this one.
void RoleKernel::loadChunk(const Piece &piece, const Turn &turn) {
  auto load = [&](ArrayRef<unsigned> common, ArrayRef<unsigned> each) {
    startCopies(piece, emitMember(piece, number(0)), turn, shared, Value(),
                common);
    auto loop =
        scf::ForOp::create(b, index(0), index(shape.consumers), index(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value group = loop.getInductionVar();
    startCopies(piece, emitMember(piece, narrow(group)), turn, own, group,
                each);
  };
  if (!turn.sumsUp)
    return load(sharedTiles, ownTiles);
  auto choice = scf::IfOp::create(b, turn.sumsUp, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(choice.thenYield());
  load(findSummaryOperands(scan, sharedTiles),
       findSummaryOperands(scan, ownTiles));
  b.setInsertionPoint(choice.elseYield());
  load(sharedTiles, ownTiles);
}

LogicalResult RoleKernel::emitLoadRole() {
  return emitPieces([&](Piece &piece) -> LogicalResult {
    auto loop = scf::ForOp::create(b, number(0), countTurns(piece), number(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value done = loop.getInductionVar();
    loadChunk(piece, emitTurn(piece, done));
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Vectors over tokens
//===----------------------------------------------------------------------===//

/// The stage of a ring for the turn behind `done` others.
static Value getRingStage(ImplicitLocOpBuilder &b, Value done,
                          Value firstOfRing) {
  Value stages = arith::ConstantIntOp::create(b, kRingStages, 32);
  Value stage = arith::RemUIOp::create(b, done, stages);
  Value at = arith::AddIOp::create(b, firstOfRing, stage);
  return arith::IndexCastOp::create(b, b.getIndexType(), at);
}

/// Starts the copies of the vectors of a turn into their rings; nothing is read
/// behind the last one.
void RoleKernel::startVectors(const VectorWalk &walk, Value done) {
  const Piece &piece = walk.piece;
  Value exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, done, walk.turns);
  Value token = emitToken(emitTurn(piece, done).step);
  Value rows =
      widen(arith::SelectOp::create(b, exists, countRows(token), number(0)));
  Value ring = getRingStage(b, done, mul(narrow(walk.instance), kRingStages));
  for (auto [operand, buffer] : vectorRings) {
    Access access =
        makeAccess(scan.getIns()[operand], scan.getInRole(operand).getRoles());
    int64_t stride = access.getStride(DimRole::Time);
    Value offset = tokenOffset(access, piece, walk.consumer, token);
    tile::CopyVectorOp::create(b, access.pointer, offset, index(stride), rows,
                               tile::StageOp::create(b, buffer, ring),
                               /*team=*/nullptr);
  }
  tile::CommitCopiesOp::create(b);
}

/// scale(j) · exp(prefix(p) − prefix(j)), with the pivot p of
/// tile.segment_decay.
FailureOr<Value> RoleKernel::emitFactors(TileEmitter &emitter,
                                         const FactorKey &key) {
  SegmentDecayOp mask = key.mask;
  FailureOr<Value> decays = emitter.emit(mask.getLogDecay());
  if (failed(decays))
    return failure();
  Value prefix = emitForm(b, *decays, RoleInputs::Form::Prefix);
  bool transposed = mask.getTransposed();
  int64_t first = 16 * key.block;
  Value pivot = tile::ExtractOp::create(b, b.getF32Type(), prefix,
                                        transposed ? first + 15 : first - 1);
  Value all = tile::SplatOp::create(b, prefix.getType(), pivot);
  Value exponent = transposed
                       ? arith::SubFOp::create(b, prefix, all).getResult()
                       : arith::SubFOp::create(b, all, prefix).getResult();
  Value factors = math::ExpOp::create(b, exponent);
  if (!key.scale)
    return factors;
  FailureOr<Value> scale = emitter.emit(key.scale);
  if (failed(scale))
    return failure();
  return arith::MulFOp::create(b, factors, *scale).getResult();
}

/// Sums behind a token are the chunk's sum minus those up to it: differences of
/// prefix sums, as masks have them, in the place of a second scan.
static void shareScans(ImplicitLocOpBuilder &b, Block *block) {
  auto scans = llvm::to_vector(block->getOps<tile::CumsumOp>());
  auto isRest = [](tile::CumsumOp scan) {
    return scan.getReverse() && scan.getExclusive();
  };
  for (tile::CumsumOp rest : llvm::make_filter_range(scans, isRest)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(rest);
    Value source = rest.getSource();
    auto *known = llvm::find_if(scans, [&](tile::CumsumOp scan) {
      return scan.getSource() == source && !scan.getReverse() &&
             !scan.getExclusive() && scan->isBeforeInBlock(rest);
    });
    auto type = cast<RankedTensorType>(source.getType());
    Value sums = known != scans.end()
                     ? known->getResult()
                     : emitForm(b, source, RoleInputs::Form::Prefix);
    Value total = tile::ExtractOp::create(b, b.getF32Type(), sums,
                                          type.getDimSize(0) - 1);
    Value all = tile::SplatOp::create(b, type, total);
    Value difference = arith::SubFOp::create(b, all, sums);
    rest.replaceAllUsesWith(difference);
  }
  for (tile::CumsumOp scan : scans)
    if (isRest(scan))
      scan.erase();
}

/// Stores the vectors that other roles asked for, either those of the first
/// pass or all others. `decay`, if there is one, scales what chunks add to the
/// state.
LogicalResult RoleKernel::emitExports(TileEmitter &emitter, Value slot,
                                      Value decay, bool inSummary) {
  Value weights = getStateWeights(scan);
  for (auto &[key, buffer] : exports) {
    if (summaryExports.contains(key) != inSummary)
      continue;
    FailureOr<Value> value = emitter.emit(key.first);
    if (failed(value))
      return failure();
    Value vector = *value;
    if (decay && key.first == weights)
      vector = arith::MulFOp::create(
          b, vector, tile::SplatOp::create(b, vector.getType(), decay));
    vector = emitForm(b, vector, RoleInputs::Form(key.second));
    auto bufferType = cast<tile::BufferType>(buffer.getType());
    if (!isa<RankedTensorType>(vector.getType()))
      vector = splatLanes(vector, bufferType.getShape());
    tile::StoreSharedOp::create(b, vector,
                                tile::StageOp::create(b, buffer, slot),
                                /*transposed=*/false);
  }
  if (!inSummary)
    for (auto &[key, buffer] : factors) {
      FailureOr<Value> vector = emitFactors(emitter, key);
      if (failed(vector))
        return failure();
      tile::StoreSharedOp::create(b, *vector,
                                  tile::StageOp::create(b, buffer, slot),
                                  /*transposed=*/false);
    }
  shareScans(b, b.getInsertionBlock());
  return success();
}

/// A turn of a vector role. `decay` is that of the chunks behind in the first
/// pass, if chunks decay, and one in the main pass; then that for the next one.
LogicalResult RoleKernel::emitVectors(const VectorWalk &walk, Value done,
                                      Value &decay) {
  const Piece &piece = walk.piece;
  Turn turn = emitTurn(piece, done);
  Value slot =
      tile::AcquireOp::create(b, own.value, walk.instance, turn.iteration);
  tile::WaitCopiesOp::create(b, kRingStages - 1);
  tile::WarpBarrierOp::create(b);
  TileEmitter emitter(b, entry, scan, axes, TileShape());
  Value ring = getRingStage(b, done, mul(narrow(walk.instance), kRingStages));
  for (auto [operand, buffer] : vectorRings) {
    Value tile = scan.getBody().getArgument(operand);
    auto type = cast<RankedTensorType>(tile.getType());
    emitter.bindVector(
        tile,
        tile::LoadSharedOp::create(
            b, type.cloneWithEncoding(tile::LaneAttr::get(b.getContext())),
            tile::StageOp::create(b, buffer, ring),
            /*transposed=*/false));
  }
  bindPartOperands(emitter, piece, walk.consumer,
                   b.getInsertionBlock()->getParentOp());
  Value rows = countRows(emitToken(turn.step));
  emitter.bindValidRows(
      arith::MinSIOp::create(b, rows, number(scan.getChunk())));
  if (failed(emitExports(emitter, slot, decay, /*inSummary=*/true)))
    return failure();
  if (decay) {
    FailureOr<Value> inFront = emitDecay(emitter, decay);
    if (failed(inFront))
      return failure();
    Value goesOn = emitTurn(piece, add(done, number(1))).sumsUp;
    decay = arith::SelectOp::create(b, goesOn, *inFront, one());
  }
  // Masks are made in the main pass.
  OpBuilder::InsertionGuard guard(b);
  if (turn.sumsUp) {
    auto choice = scf::IfOp::create(b, turn.sumsUp, /*withElseRegion=*/true);
    b.setInsertionPoint(choice.elseYield());
  }
  if (failed(emitExports(emitter, slot, Value(), /*inSummary=*/false)))
    return failure();
  if (turn.sumsUp)
    b.setInsertionPointAfter(b.getInsertionBlock()->getParentOp());
  tile::CommitOp::create(b, own.value, slot);
  return success();
}

/// Walks the turns of a piece; copies run ahead of them.
LogicalResult RoleKernel::walkVectors(const Piece &piece, Value instance) {
  SmallVector<Value> initial;
  if (reach && *getScalarTransition(scan))
    initial.push_back(one());
  VectorWalk walk = {piece, emitMember(piece, narrow(instance)), instance,
                     countTurns(piece)};
  auto begin = scf::ForOp::create(b, number(0), number(kRingStages), number(1));
  auto loop = scf::ForOp::create(b, number(0), walk.turns, number(1), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(begin.getBody());
  startVectors(walk, begin.getInductionVar());
  b.setInsertionPointToStart(loop.getBody());
  Value done = loop.getInductionVar();
  Value decay = initial.empty() ? Value() : loop.getRegionIterArg(0);
  if (failed(emitVectors(walk, done, decay)))
    return failure();
  startVectors(walk, add(done, number(kRingStages)));
  if (decay)
    scf::YieldOp::create(b, decay);
  b.setInsertionPointAfter(loop);
  tile::WaitCopiesOp::create(b, 0);
  return success();
}

LogicalResult RoleKernel::emitVectorRole(Value instance) {
  return emitPieces([&](Piece &piece) { return walkVectors(piece, instance); });
}
