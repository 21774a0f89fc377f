// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Orders the accesses to the stages of a slot and the arrivals on its barriers.

#include "dialect/Tile/PipelineProtocol.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mamba::tile {

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

/// The pipeline whose slot a stage is taken with; null if by another index.
static TypedValue<PipelineType> guardOf(StageOp stage) {
  if (auto acquire = stage.getIndex().getDefiningOp<AcquireOp>())
    return acquire.getPipeline();
  if (auto wait = stage.getIndex().getDefiningOp<WaitOp>())
    return wait.getPipeline();
  return nullptr;
}

/// Rule (C6).
static LogicalResult verifyBuffers(RolesOp roles) {
  llvm::MapVector<Value, Value> guards;
  WalkResult walk = roles.walk([&](StageOp stage) -> WalkResult {
    TypedValue<PipelineType> pipeline = guardOf(stage);
    if (!pipeline)
      return success();
    int64_t stages = stage.getBuffer().getType().getStages();
    int64_t slots =
        pipeline.getType().getStages() * pipeline.getType().getGroups();
    if (stages != slots)
      return breaksProtocol(stage, pipeline,
                            "(C6) a slot is one of " + Twine(slots) +
                                ", the buffer has " + Twine(stages) +
                                " stages");
    guards.try_emplace(stage.getBuffer(), pipeline);
    return success();
  });
  if (walk.wasInterrupted())
    return failure();
  for (auto [buffer, pipeline] : guards)
    for (Operation *user : buffer.getUsers()) {
      auto stage = dyn_cast<StageOp>(user);
      if (roles->isAncestor(user) && (!stage || guardOf(stage) != pipeline))
        return breaksProtocol(user, pipeline,
                              "(C6) reaches a buffer without a slot of the "
                              "pipeline that guards it");
    }
  return success();
}

namespace {

bool readsStage(Operation *op) {
  return isa<LoadSharedOp, LoadElementOp, MmaOp, WgmmaOp, CopyOutOp,
             StoreBulkOp, SegmentDecayOp>(op);
}

bool writesStage(Operation *op) {
  return isa<StoreSharedOp, CopyVectorOp, CopyAsyncOp, CopyBulkOp>(op);
}

/// The ops that read or write a stage taken with the slot.
SmallVector<Operation *> accessesTo(Value slot) {
  SmallVector<Operation *> accesses;
  for (Operation *user : slot.getUsers())
    if (auto stage = dyn_cast<StageOp>(user); stage && stage.getIndex() == slot)
      llvm::append_range(accesses, stage->getUsers());
  return accesses;
}

/// True if `op`, or what holds it in the block of `other`, stands before it.
bool standsBefore(Operation *op, Operation *other) {
  Operation *ancestor = other->getBlock()->findAncestorOpInBlock(*op);
  return ancestor && ancestor->isBeforeInBlock(other);
}

/// The op of this kind on the slot; the counts have been verified.
template <typename ArriveOp>
ArriveOp arrivalOn(Value slot) {
  for (Operation *user : slot.getUsers())
    if (auto arrive = dyn_cast<ArriveOp>(user))
      return arrive;
  return nullptr;
}

/// Rule (C6): ops that are not known to be done with a stage keep it from being
/// followed.
LogicalResult verifyKnown(Value pipeline, ArrayRef<Operation *> accesses) {
  for (Operation *op : accesses)
    if (!readsStage(op) && !writesStage(op))
      return breaksProtocol(op, pipeline,
                            "(C6) a stage of a slot is read and written where "
                            "it is taken, not handed on");
  return success();
}

//===----------------------------------------------------------------------===//
// Producers
//===----------------------------------------------------------------------===//

/// Whether the copies of this thread that `copy` started have landed in front
/// of `end`: a wait has left only groups that were closed later.
bool hasLanded(Operation *copy, Operation *end) {
  Operation *op = end->getBlock()->findAncestorOpInBlock(*copy);
  int64_t closed = 0;
  for (; op != end; op = op->getNextNode()) {
    closed += isa<CommitCopiesOp>(op);
    if (auto wait = dyn_cast<WaitCopiesOp>(op))
      if (closed > static_cast<int64_t>(wait.getPending()))
        return true;
  }
  return false;
}

LogicalResult verifyProducer(AcquireOp acquire) {
  Value pipeline = acquire.getPipeline();
  auto commit = arrivalOn<CommitOp>(acquire.getSlot());
  SmallVector<Operation *> accesses = accessesTo(acquire.getSlot());
  if (failed(verifyKnown(pipeline, accesses)))
    return failure();
  for (Operation *op : accesses) {
    if (isa<CopyBulkOp>(op))
      continue;
    if (!commit)
      return breaksProtocol(op, pipeline,
                            "(C1) works on a slot that its role acquires and "
                            "never commits");
    if (!standsBefore(op, commit))
      return breaksProtocol(op, pipeline,
                            "(C1) works on a slot after its tile.commit");
    if (isa<CopyVectorOp, CopyAsyncOp>(op) && !hasLanded(op, commit))
      return breaksProtocol(op, pipeline,
                            "(C2) may be in flight at the tile.commit of its "
                            "slot; needs tile.commit_copies and "
                            "tile.wait_copies in front");
  }
  return success();
}

LogicalResult verifyBulkCopy(CopyBulkOp copy) {
  auto acquire = copy.getSlot().getDefiningOp<AcquireOp>();
  auto stage = copy.getBuffer().getDefiningOp<StageOp>();
  ExpectOp expect = acquire ? arrivalOn<ExpectOp>(copy.getSlot()) : ExpectOp();
  if (expect && expect.getPipeline() == copy.getPipeline() &&
      expect->getBlock() == copy->getBlock() && expect->isBeforeInBlock(copy) &&
      stage && stage.getIndex() == copy.getSlot())
    return success();
  return breaksProtocol(copy, copy.getPipeline(),
                        "(C4) needs a stage taken with its slot, and a "
                        "tile.expect of the slot in front in its block");
}

//===----------------------------------------------------------------------===//
// Consumers
//===----------------------------------------------------------------------===//

/// Whether the product is complete in front of `end`: products complete in
/// order, and a wait has left only later ones.
bool isComplete(WgmmaOp product, Operation *end) {
  if (product->getBlock() != end->getBlock())
    return standsBefore(product, end);
  int64_t later = 0;
  for (Operation *op = product->getNextNode(); op && op != end;
       op = op->getNextNode()) {
    later += isa<WgmmaOp>(op);
    if (auto wait = dyn_cast<WgmmaWaitOp>(op))
      if (later >= static_cast<int64_t>(wait.getPending()))
        return true;
  }
  return false;
}

/// Follows a value that was loaded from a slot to what consumes it in front of
/// the slot's release.
class Consumption {
public:
  explicit Consumption(ReleaseOp release) : release(release) {}

  /// True if an op has surely received all registers of the value before the
  /// release, or if nothing uses it.
  bool covers(Value loaded);

private:
  void visit(OpOperand &use);
  void follow(Value value) { work.push_back(value); }
  void followYield(OpOperand &use);
  bool isFront(Operation *op) {
    return op->getBlock() == release->getBlock() &&
           op->isBeforeInBlock(release);
  }

  ReleaseOp release;
  SmallVector<Value> work;
  bool used = false, consumed = false;
};

void Consumption::followYield(OpOperand &use) {
  Operation *parent = use.getOwner()->getParentOp();
  unsigned index = use.getOperandNumber();
  // A value for the next iteration or behind the loop is used too late.
  if (!release->getBlock()->findAncestorOpInBlock(*parent)) {
    used = true;
    return;
  }
  follow(parent->getResult(index));
  if (auto loop = dyn_cast<scf::ForOp>(parent))
    follow(loop.getRegionIterArg(index));
}

void Consumption::visit(OpOperand &use) {
  Operation *op = use.getOwner();
  auto extract = dyn_cast<ExtractOp>(op);
  if (isa<scf::YieldOp>(op))
    return followYield(use);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    if (BlockArgument carried = loop.getTiedLoopRegionIterArg(&use)) {
      follow(carried);
      return follow(loop.getTiedLoopResult(&use));
    }
  // One element is one register, and says nothing about the others.
  if (extract && !llvm::all_of(use.get().getUsers(), [](Operation *user) {
        return isa<ExtractOp>(user);
      })) {
    used = true;
    return;
  }
  if (isa<MmaOp>(op) || (isMemoryEffectFree(op) && op->getNumRegions() == 0)) {
    for (Value result : op->getResults())
      follow(result);
    return;
  }
  used = true;
  if (auto product = dyn_cast<WgmmaOp>(op))
    consumed |= standsBefore(op, release) && isComplete(product, release);
  else
    consumed |= op == release || isFront(op);
}

bool Consumption::covers(Value loaded) {
  llvm::SmallPtrSet<Value, 16> seen;
  follow(loaded);
  while (!work.empty() && !consumed) {
    Value value = work.pop_back_val();
    if (seen.insert(value).second)
      for (OpOperand &use : value.getUses())
        visit(use);
  }
  return consumed || !used;
}

/// Rule (C1): nothing that still reads the slot on its own is in flight.
LogicalResult verifyInFlight(Operation *op, ReleaseOp release) {
  auto product = dyn_cast<WgmmaOp>(op);
  if (product && !isComplete(product, release))
    return breaksProtocol(release, release.getPipeline(),
                          "(C1) a product that reads the slot is pending; "
                          "needs its tile.wgmma_wait in front");
  if (!isa<StoreBulkOp>(op))
    return success();
  Operation *next = release->getBlock()->findAncestorOpInBlock(*op);
  while (next != release && !isa<WaitStoresOp>(next))
    next = next->getNextNode();
  if (next == release)
    return breaksProtocol(release, release.getPipeline(),
                          "(C1) a bulk store that reads the slot is in flight; "
                          "needs tile.wait_stores in front");
  return success();
}

LogicalResult verifyConsumer(WaitOp wait) {
  Value pipeline = wait.getPipeline();
  auto release = arrivalOn<ReleaseOp>(wait.getSlot());
  SmallVector<Operation *> accesses = accessesTo(wait.getSlot());
  if (failed(verifyKnown(pipeline, accesses)))
    return failure();
  for (Operation *op : accesses) {
    if (!readsStage(op))
      return breaksProtocol(op, pipeline,
                            "(C4) writes to a slot that its role waits for; "
                            "consumers only read");
    if (!standsBefore(op, release))
      return breaksProtocol(op, pipeline,
                            "(C2) reads a slot after its tile.release");
    if (failed(verifyInFlight(op, release)))
      return failure();
    // A product in flight reads the buffer itself; the other ops load it.
    if (!isa<WgmmaOp>(op) && op->getNumResults() == 1 &&
        !Consumption(release).covers(op->getResult(0)))
      return breaksProtocol(op, pipeline,
                            "(C3) loads from a slot what nothing surely "
                            "consumes before its tile.release, which may "
                            "overtake it; name the value in `after`");
  }
  return success();
}

} // namespace

LogicalResult verifySlots(RolesOp roles) {
  if (failed(verifyBuffers(roles)))
    return failure();
  WalkResult walk = roles.walk([](Operation *op) -> WalkResult {
    if (auto acquire = dyn_cast<AcquireOp>(op))
      return verifyProducer(acquire);
    if (auto copy = dyn_cast<CopyBulkOp>(op))
      return verifyBulkCopy(copy);
    if (auto wait = dyn_cast<WaitOp>(op))
      return verifyConsumer(wait);
    return success();
  });
  return failure(walk.wasInterrupted());
}

} // namespace mamba::tile
