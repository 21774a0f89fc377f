// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts the arrivals of all roles on the barriers of each pipeline.

#include "dialect/Tile/PipelineProtocol.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace mamba::tile {

LogicalResult breaksProtocol(Operation *op, Value pipeline,
                             const Twine &message) {
  InFlightDiagnostic error = op->emitOpError(message);
  error.attachNote(pipeline.getLoc()) << "the pipeline is here";
  return error;
}

namespace {

enum class Side { Full, Empty };

/// One acquire or wait, with the arrivals on the slot that it yields.
struct Turn {
  Operation *op = nullptr;
  RoleOp role;
  Side side = Side::Full;
  Value iteration, slot;
  /// The groups of which it takes a slot: one, each instance its own, or all,
  /// one after the other in a loop.
  int64_t firstGroup = 0, groups = 1;
  scf::ForOp groupLoop;
  /// Arrivals on each of these groups in a phase.
  int64_t arrivals = 0;

  bool covers(int64_t group) const {
    return group >= firstGroup && group < firstGroup + groups;
  }
  bool overlaps(const Turn &other) const {
    return covers(other.firstGroup) || other.covers(firstGroup);
  }
};

/// The turns of all roles on one pipeline.
class PipelineUse {
public:
  explicit PipelineUse(PipelineOp pipeline) : pipeline(pipeline) {}

  template <typename SlotOp>
  LogicalResult addTurn(SlotOp op);
  LogicalResult verify();

private:
  LogicalResult readGroup(Turn &turn, Value group);
  LogicalResult countProducer(Turn &turn);
  LogicalResult countConsumer(Turn &turn);
  LogicalResult verifyRole(ArrayRef<Turn *> own);
  LogicalResult verifyPair(const Turn &earlier, const Turn &later);
  LogicalResult verifySum(int64_t group, Side side, int64_t needed);
  LogicalResult verifyIteration(const Turn &turn);
  LogicalResult verifyTotals(int64_t group);
  LogicalResult fail(const Turn &turn, const Twine &message) {
    return breaksProtocol(turn.op, pipeline.getPipeline(),
                          message + " (role \"" + Twine(name(turn)) + "\")");
  }
  static std::string name(const Turn &turn) {
    return RoleOp(turn.role).getName().str();
  }

  PipelineOp pipeline;
  SmallVector<Turn> turns;
};

//===----------------------------------------------------------------------===//
// Reading a turn
//===----------------------------------------------------------------------===//

/// The loop right around a turn, if it counts the groups from 0 on.
scf::ForOp findGroupLoop(const Turn &turn, Value group, int64_t groups) {
  auto loop = dyn_cast<scf::ForOp>(turn.op->getParentOp());
  if (loop && group == loop.getInductionVar() &&
      getConstantIntValue(loop.getLowerBound()) == 0 &&
      getConstantIntValue(loop.getUpperBound()) == groups &&
      getConstantIntValue(loop.getStep()) == 1)
    return loop;
  return nullptr;
}

LogicalResult PipelineUse::readGroup(Turn &turn, Value group) {
  int64_t groups = pipeline.getPipeline().getType().getGroups();
  IntegerAttr constant;
  if (!group)
    return success();
  if (matchPattern(group, m_Constant(&constant))) {
    turn.firstGroup = constant.getInt();
    return success();
  }
  if (auto loop = findGroupLoop(turn, group, groups)) {
    turn.groupLoop = loop;
    turn.groups = groups;
    return success();
  }
  if (group != turn.role.getInstance())
    return fail(turn, "(C3) the group is absent, a constant, the instance of "
                      "the role or the number of the loop around, which has "
                      "all groups");
  int64_t instances = turn.role.getInstances();
  if (instances != groups)
    return fail(turn, "(C3) one group an instance needs as many of both, got " +
                          Twine(groups) + " groups and " + Twine(instances) +
                          " instances");
  turn.groups = groups;
  return success();
}

/// Arrivals of the instances that share a group, if each makes `each`.
int64_t arrivalsOnGroup(const Turn &turn, int64_t each) {
  RoleOp role = turn.role;
  bool isOwn = turn.groups > 1 && !turn.groupLoop;
  return each * (isOwn ? 1 : role.getInstances());
}

LogicalResult PipelineUse::countProducer(Turn &turn) {
  int64_t expects = 0, commits = 0;
  for (Operation *user : turn.slot.getUsers()) {
    expects += isa<ExpectOp>(user);
    commits += isa<CommitOp>(user);
  }
  if (expects + commits == 0)
    return fail(turn, "(C1) no arrival follows on the slot; needs a "
                      "tile.expect or tile.commit in this block");
  if (expects > 1 || commits > 1)
    return fail(turn, "(C1) at most one tile.expect and one tile.commit of the "
                      "slot follow, got " +
                          Twine(expects) + " and " + Twine(commits));
  int64_t warps = turn.role.getWarps();
  turn.arrivals = arrivalsOnGroup(turn, expects + commits * warps);
  return success();
}

LogicalResult PipelineUse::countConsumer(Turn &turn) {
  int64_t releases = llvm::count_if(turn.slot.getUsers(), [](Operation *user) {
    return isa<ReleaseOp>(user);
  });
  if (releases != 1)
    return fail(turn, "(C1) one tile.release of the slot follows in this "
                      "block, got " +
                          Twine(releases));
  turn.arrivals = arrivalsOnGroup(turn, turn.role.getWarps());
  return success();
}

template <typename SlotOp>
LogicalResult PipelineUse::addTurn(SlotOp op) {
  Turn turn;
  turn.op = op;
  turn.role = RoleOp::getEnclosing(op);
  turn.side = std::is_same_v<SlotOp, AcquireOp> ? Side::Full : Side::Empty;
  turn.iteration = op.getIteration();
  turn.slot = op.getSlot();
  if (failed(readGroup(turn, op.getGroup())) || failed(verifyIteration(turn)))
    return failure();
  if (failed(turn.side == Side::Full ? countProducer(turn)
                                     : countConsumer(turn)))
    return failure();
  turns.push_back(turn);
  return success();
}

//===----------------------------------------------------------------------===//
// Iterations
//===----------------------------------------------------------------------===//

/// Whether the value can change from one iteration of the loop to the next: it
/// comes from the induction variable or from a carried value that is not
/// carried unchanged.
bool variesIn(Value value, scf::ForOp loop) {
  SmallVector<Value> work = {value};
  llvm::SmallPtrSet<Value, 16> seen;
  while (!work.empty()) {
    Value current = work.pop_back_val();
    if (!seen.insert(current).second)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(current)) {
      auto owner = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
      if (!owner)
        continue;
      OpOperand *carried = owner.getTiedLoopYieldedValue(argument);
      if (owner == loop && (!carried || carried->get() != argument))
        return true;
      // An inner loop's bounds and initial values may vary in the outer one.
      llvm::append_range(work, owner->getOperands());
      if (carried)
        work.push_back(carried->get());
      continue;
    }
    Operation *op = current.getDefiningOp();
    llvm::append_range(work, op->getOperands());
    for (Region &region : op->getRegions())
      for (Block &block : region)
        if (!block.empty())
          llvm::append_range(work, block.back().getOperands());
  }
  return false;
}

LogicalResult PipelineUse::verifyIteration(const Turn &turn) {
  if (turn.groupLoop && variesIn(turn.iteration, turn.groupLoop))
    return fail(turn, "(C5) the iteration changes in the loop over the groups; "
                      "it is the same for all of them");
  for (Operation *around = turn.op->getParentOp(); around != turn.role;
       around = around->getParentOp())
    if (auto loop = dyn_cast<scf::ForOp>(around);
        loop && loop != turn.groupLoop && !variesIn(turn.iteration, loop))
      return fail(turn, "(C5) the iteration stays the same in a loop around; "
                        "it counts the slots that the role has taken");
  return success();
}

/// How often the op runs in its role, where that is a constant.
std::optional<int64_t> runsOf(const Turn &turn) {
  int64_t runs = 1;
  for (Operation *around = turn.op->getParentOp(); around != turn.role;
       around = around->getParentOp()) {
    auto loop = dyn_cast<scf::ForOp>(around);
    if (loop && loop == turn.groupLoop)
      continue;
    std::optional<APInt> trips =
        loop ? loop.getStaticTripCount() : std::nullopt;
    if (!trips)
      return std::nullopt;
    runs *= trips->getSExtValue();
  }
  return runs;
}

/// Rule (C2), in time: where loops are constant, all roles take equally many
/// slots.
LogicalResult PipelineUse::verifyTotals(int64_t group) {
  llvm::MapVector<Operation *, std::optional<int64_t>> totals;
  for (const Turn &turn : turns) {
    if (!turn.covers(group))
      continue;
    std::optional<int64_t> runs = runsOf(turn);
    auto &total = totals.try_emplace(turn.role, 0).first->second;
    total = total && runs ? std::optional(*total + *runs) : std::nullopt;
  }
  std::pair<Operation *, std::optional<int64_t>> known;
  for (auto &[role, total] : totals) {
    if (known.second && total && *total != *known.second)
      return breaksProtocol(role, pipeline.getPipeline(),
                            "(C5) takes " + Twine(*total) + " slots of group " +
                                Twine(group) + ", but role \"" +
                                cast<RoleOp>(known.first).getName() +
                                "\" takes " + Twine(*known.second));
    if (total)
      known = {role, total};
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Counting over turns and roles
//===----------------------------------------------------------------------===//

LogicalResult PipelineUse::verifyPair(const Turn &earlier, const Turn &later) {
  if (earlier.op->getBlock() == later.op->getBlock())
    return fail(later, "(C1) takes a second slot of a group in one block; a "
                       "block takes one");
  if (earlier.side != later.side)
    return fail(later, "(C1) a role either produces or consumes, this one "
                       "does both");
  if (earlier.arrivals != later.arrivals)
    return fail(later,
                "(C2) every turn of a role makes the same arrivals, got " +
                    Twine(earlier.arrivals) + " and then " +
                    Twine(later.arrivals));
  return success();
}

LogicalResult PipelineUse::verifySum(int64_t group, Side side, int64_t needed) {
  bool full = side == Side::Full;
  int64_t sum = 0;
  std::string parts;
  llvm::SmallPtrSet<Operation *, 8> counted;
  for (const Turn &turn : turns)
    if (turn.side == side && turn.covers(group) &&
        counted.insert(turn.role).second) {
      sum += turn.arrivals;
      parts += (parts.empty() ? "\"" : ", \"") + name(turn) + "\" " +
               std::to_string(turn.arrivals);
    }
  if (counted.empty())
    return pipeline.emitOpError("(C3) group ")
           << group << " has no " << (full ? "producer" : "consumer");
  if (sum != needed)
    return pipeline.emitOpError("(C2) arrivals on the ")
           << (full ? "full" : "empty") << " barriers of group " << group
           << " are " << sum << " (" << parts << "), needs " << needed;
  return success();
}

LogicalResult PipelineUse::verify() {
  for (auto [i, later] : llvm::enumerate(turns))
    for (const Turn &earlier : ArrayRef(turns).take_front(i))
      if (earlier.role == later.role && earlier.overlaps(later) &&
          failed(verifyPair(earlier, later)))
        return failure();
  int64_t groups = pipeline.getPipeline().getType().getGroups();
  for (int64_t group = 0; group < groups; ++group)
    if (failed(verifySum(group, Side::Full, pipeline.getFull())) ||
        failed(verifySum(group, Side::Empty, pipeline.getEmpty())) ||
        failed(verifyTotals(group)))
      return failure();
  return success();
}

} // namespace

//===----------------------------------------------------------------------===//
// All pipelines
//===----------------------------------------------------------------------===//

/// An arrival is on a slot that `SlotOp` took in the same block.
template <typename SlotOp>
static LogicalResult verifyArrival(Operation *op, Value pipeline, Value slot) {
  auto taken = slot.getDefiningOp<SlotOp>();
  if (taken && taken.getPipeline() == pipeline &&
      taken->getBlock() == op->getBlock())
    return success();
  return breaksProtocol(op, pipeline,
                        "(C1) arrives on a slot that no " +
                            SlotOp::getOperationName() +
                            " of this pipeline yields in this block (role \"" +
                            RoleOp::getEnclosing(op).getName() + "\")");
}

static LogicalResult verifyArrivals(RolesOp roles) {
  WalkResult walk = roles.walk([](Operation *op) -> WalkResult {
    if (auto expect = dyn_cast<ExpectOp>(op))
      return verifyArrival<AcquireOp>(op, expect.getPipeline(),
                                      expect.getSlot());
    if (auto commit = dyn_cast<CommitOp>(op))
      return verifyArrival<AcquireOp>(op, commit.getPipeline(),
                                      commit.getSlot());
    if (auto release = dyn_cast<ReleaseOp>(op))
      return verifyArrival<WaitOp>(op, release.getPipeline(),
                                   release.getSlot());
    return success();
  });
  return failure(walk.wasInterrupted());
}

LogicalResult verifyPipelines(RolesOp roles) {
  if (failed(verifyArrivals(roles)))
    return failure();
  llvm::MapVector<Operation *, PipelineUse> uses;
  auto add = [&](auto op) -> WalkResult {
    auto pipeline = op.getPipeline().template getDefiningOp<PipelineOp>();
    if (!pipeline)
      return op.emitOpError("(C1) takes a slot of the result of tile.pipeline");
    return uses.try_emplace(pipeline, pipeline).first->second.addTurn(op);
  };
  WalkResult walk = roles.walk([&](Operation *op) -> WalkResult {
    if (auto acquire = dyn_cast<AcquireOp>(op))
      return add(acquire);
    if (auto wait = dyn_cast<WaitOp>(op))
      return add(wait);
    return success();
  });
  if (walk.wasInterrupted())
    return failure();
  for (auto &[pipeline, use] : uses) {
    for (Operation *user : pipeline->getUsers())
      if (!roles->isAncestor(user))
        return breaksProtocol(user, pipeline->getResult(0),
                              "(C1) uses a pipeline of another tile.roles");
    if (failed(use.verify()))
      return failure();
  }
  return success();
}

} // namespace mamba::tile
