// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RoleKernel: the producers.

#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Transforms/RoleKernel.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

/// Announces and starts the bulk copies of `operands` into a slot.
void RoleKernel::startCopies(const Piece &piece, Consumer consumer, Value token,
                             const Pipeline &pipeline, Value slot,
                             ArrayRef<unsigned> operands) {
  int64_t bytes = 0;
  for (unsigned operand : operands)
    bytes += cast<tile::BufferType>(tiles.lookup(operand).buffer.getType())
                 .getStageBytes();
  tile::ExpectOp::create(b, pipeline.value, slot, bytes);
  for (unsigned operand : operands) {
    BulkTile tile = tiles.lookup(operand);
    Value stage = tile::StageOp::create(b, tile.buffer, slot);
    tile::CopyBulkOp::create(
        b, tile.map, emitCoordinates(tile.access, piece, consumer, token),
        stage, pipeline.value, slot);
  }
}

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

/// The copies of a chunk: what the consumers share, then each one's own. The
/// vector roles have more to do for a chunk than this one.
void RoleKernel::loadChunk(const Piece &piece, Value token, Value iteration) {
  auto choose = [&](ArrayRef<unsigned> operands) {
    return piece.isSummary ? findSummaryOperands(scan, operands)
                           : SmallVector<unsigned>(operands);
  };
  Value slot = tile::AcquireOp::create(b, shared.value, Value(), iteration);
  startCopies(piece, emitMember(piece, number(0)), token, shared, slot,
              choose(sharedTiles));
  auto loop = scf::ForOp::create(b, index(0), index(shape.consumers), index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value group = loop.getInductionVar();
  slot = tile::AcquireOp::create(b, own.value, group, iteration);
  startCopies(piece, emitMember(piece, narrow(group)), token, own, slot,
              choose(ownTiles));
}

LogicalResult RoleKernel::emitLoadRole() {
  Work work = emitWork();
  return emitPieces(work, [&](Piece &piece) -> LogicalResult {
    auto walk = [&](const Piece &pass) {
      SmallVector<Value> results;
      return emitChunks(
          pass, {},
          [&](Value step, Iterations iterations, ValueRange,
              SmallVectorImpl<Value> &) {
            loadChunk(pass, emitToken(step, work), iterations.operands);
            return success();
          },
          results);
    };
    if (failed(emitSummaryPass(work, piece, walk)))
      return failure();
    return walk(piece);
  });
}

//===----------------------------------------------------------------------===//
// Vectors over tokens
//===----------------------------------------------------------------------===//

/// Starts the copies of the vectors of `step` into their rings; nothing is read
/// outside of the pass.
void RoleKernel::startVectors(const Piece &piece, Consumer consumer,
                              const Work &work, Value instance, Value step,
                              Value ring) {
  Value inside = arith::CmpIOp::create(
      b,
      piece.isSummary ? arith::CmpIPredicate::sge : arith::CmpIPredicate::ult,
      step, piece.isSummary ? subtract(piece.end, reach) : piece.end);
  Value token = emitToken(step, work);
  Value rows =
      widen(arith::SelectOp::create(b, inside, countRows(token), number(0)));
  for (auto [operand, buffer] : vectorRings) {
    Access access =
        makeAccess(scan.getIns()[operand], scan.getInRole(operand).getRoles());
    int64_t stride = access.getStride(DimRole::Time);
    Value offset = tokenOffset(access, piece, consumer, token);
    Value stage = tile::StageOp::create(
        b, buffer, widen(add(mul(narrow(instance), kRingStages), ring)));
    tile::CopyVectorOp::create(b, access.pointer, offset, index(stride), rows,
                               stage, /*team=*/nullptr);
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

/// Computes every vector that other roles asked for in this pass. `decay` is
/// that of the chunks behind, if there is one; then that in front of this one.
LogicalResult RoleKernel::emitVectors(const Piece &piece, Consumer consumer,
                                      Value instance, Value token, Value ring,
                                      Value slot, Operation *before,
                                      Value &decay) {
  MLIRContext *context = b.getContext();
  TileEmitter emitter(b, entry, scan, axes, TileShape());
  for (auto [operand, buffer] : vectorRings) {
    Value stage = tile::StageOp::create(
        b, buffer, widen(add(mul(narrow(instance), kRingStages), ring)));
    Value tile = scan.getBody().getArgument(operand);
    auto type = cast<RankedTensorType>(tile.getType());
    emitter.bindVector(
        tile, tile::LoadSharedOp::create(
                  b, type.cloneWithEncoding(tile::LaneAttr::get(context)),
                  stage, /*transposed=*/false));
  }
  bindPartOperands(emitter, piece, consumer, before);
  emitter.bindValidRows(
      arith::MinSIOp::create(b, countRows(token), number(scan.getChunk())));
  Value weights = getStateWeights(scan);
  for (auto &[key, buffer] : exports) {
    if (piece.isSummary && !summaryExports.contains(key))
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
  if (decay) {
    FailureOr<Value> inFront = emitDecay(emitter, decay);
    if (failed(inFront))
      return failure();
    decay = *inFront;
  }
  // Masks are made in the main pass.
  ArrayRef<std::pair<FactorKey, Value>> wanted = factors;
  if (piece.isSummary)
    wanted = {};
  for (auto &[key, buffer] : wanted) {
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

/// The vectors of a piece or, of its first pass, those that the summary needs;
/// there the weights get the decay of the chunks behind.
LogicalResult RoleKernel::walkVectors(const Piece &piece, Consumer consumer,
                                      const Work &work, Value instance) {
  bool sumsUp = piece.isSummary;
  // The step after `count` others of the pass.
  auto stepAfter = [&](Value step, int64_t count) {
    return add(step, number(sumsUp ? -count : count));
  };
  Value first = sumsUp ? stepAfter(piece.end, 1) : piece.first;
  for (int64_t ahead = 0; ahead < kRingStages; ++ahead)
    startVectors(piece, consumer, work, instance, stepAfter(first, ahead),
                 number(ahead));
  auto walk = [&](Value step, Iterations iterations, ValueRange decays,
                  SmallVectorImpl<Value> &next) -> LogicalResult {
    Operation *before = b.getInsertionBlock()->getParentOp();
    Value slot =
        tile::AcquireOp::create(b, own.value, instance, iterations.operands);
    Value token = emitToken(step, work);
    tile::WaitCopiesOp::create(b, kRingStages - 1);
    tile::WarpBarrierOp::create(b);
    Value done = sumsUp ? subtract(first, step) : subtract(step, first);
    Value ring = arith::RemUIOp::create(b, done, number(kRingStages));
    Value decay = decays.empty() ? Value() : decays.front();
    if (failed(emitVectors(piece, consumer, instance, token, ring, slot, before,
                           decay)))
      return failure();
    tile::CommitOp::create(b, own.value, slot);
    startVectors(piece, consumer, work, instance, stepAfter(step, kRingStages),
                 ring);
    if (decay)
      next.push_back(decay);
    return success();
  };
  SmallVector<Value> initial, results;
  if (sumsUp && *getScalarTransition(scan))
    initial.push_back(one());
  if (failed(emitChunks(piece, initial, walk, results)))
    return failure();
  tile::WaitCopiesOp::create(b, 0);
  return success();
}

LogicalResult RoleKernel::emitVectorRole(Value instance) {
  Work work = emitWork();
  return emitPieces(work, [&](Piece &piece) -> LogicalResult {
    Consumer consumer = emitMember(piece, narrow(instance));
    auto walk = [&](const Piece &pass) {
      return walkVectors(pass, consumer, work, instance);
    };
    if (failed(emitSummaryPass(work, piece, walk)))
      return failure();
    return walk(piece);
  });
}
