// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Roles, and barriers of their instances.
//
// While the ops in a role are converted the role stays around them, so that
// ThreadBuilder counts threads from its first. Only then it becomes a branch.

#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mamba::codegen {

using tile::kLanes;
using tile::RoleOp;
using tile::RolesOp;

/// Hardware barriers of a CTA; 0 is that of all its threads.
static constexpr int64_t kHardwareBarriers = 16;
static constexpr int64_t kWarpsPerGroup = 4;
/// What setmaxnreg can give a thread.
static constexpr int64_t kMostRegisters = 256;

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

LogicalResult assignBarriers(gpu::GPUFuncOp function, KernelInfo &kernel) {
  auto allRoles = llvm::to_vector(function.getOps<RolesOp>());
  if (allRoles.empty())
    return success();
  if (!kernel.target->hasWgmma)
    return allRoles.front().emitError("target ")
           << kernel.target->name
           << " cannot divide a CTA into roles; sm_90a can";
  if (allRoles.size() > 1)
    return allRoles[1].emitError("a kernel divides its warps into roles once");
  int64_t next = 1;
  for (RoleOp role : allRoles.front().getRoles()) {
    // A role of one warp does without.
    if (role.getWarps() == 1)
      continue;
    kernel.barriers[role] = next;
    next += static_cast<int64_t>(role.getInstances());
  }
  if (next > kHardwareBarriers)
    return allRoles.front().emitError("roles of several warps have ")
           << next - 1 << " instances, there are barriers for "
           << kHardwareBarriers - 1;
  return success();
}

void emitBarrier(ThreadBuilder &b, const KernelInfo &kernel) {
  RoleOp role = RoleOp::getEnclosing(b.getInsertionBlock()->getParentOp());
  if (!role) {
    gpu::BarrierOp::create(b);
  } else if (role.getWarps() == 1) {
    b.intrinsic("llvm.nvvm.bar.warp.sync", {}, b.i32(-1));
  } else {
    Value barrier = b.add(b.instance(), kernel.barriers.lookup(role));
    b.intrinsic("llvm.nvvm.barrier.cta.sync.aligned.count", {},
                {barrier, b.i32(role.getWarps() * kLanes)});
  }
}

namespace {

struct BarrierLowering : TilePattern<tile::BarrierOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::BarrierOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    emitBarrier(b, kernel);
    rewriter.eraseOp(op);
    return success();
  }
};

/// The number of the warp, which is a team's where there are teams.
struct SubgroupIdLowering : TilePattern<gpu::SubgroupIdOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(gpu::SubgroupIdOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOpWithNewOp<arith::IndexCastUIOp>(op, b.getIndexType(),
                                                      b.warp());
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

/// The fewest consecutive roles whose warps are whole warpgroups: setmaxnreg is
/// one instruction for all warps of a warpgroup, in front of their branches.
struct Warpgroups {
  SmallVector<RoleOp> roles;
  int64_t endWarp = 0;
};

SmallVector<Warpgroups> groupRoles(RolesOp roles) {
  SmallVector<Warpgroups> groups;
  int64_t end = 0;
  for (RoleOp role : roles.getRoles()) {
    if (end % kWarpsPerGroup == 0)
      groups.emplace_back();
    end += role.getTotalWarps();
    groups.back().roles.push_back(role);
    groups.back().endWarp = end;
  }
  return groups;
}

/// Branches to `emit(i)` for the first part i whose end is behind the warp.
void emitBranches(ThreadBuilder &b, Value warp, ArrayRef<int64_t> ends,
                  function_ref<void(size_t)> emit) {
  OpBuilder::InsertionGuard guard(b);
  for (auto [i, end] : llvm::enumerate(ends.drop_back())) {
    Value here = b.compare(arith::CmpIPredicate::ult, warp, end);
    auto branch = scf::IfOp::create(b, here, /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    emit(i);
    b.setInsertionPointToStart(branch.elseBlock());
  }
  emit(ends.size() - 1);
}

/// Lets a role whose warps have a code each read the thread number once. ptxas
/// reads the special register again in front of every branch and waits for it;
/// what comes out of a shuffle it keeps. Roles without such branches rather
/// have the register.
void keepThread(ThreadBuilder &b, RoleOp role) {
  constexpr llvm::StringLiteral kRegister = "llvm.nvvm.read.ptx.sreg.tid.x";
  bool branches = false;
  SmallVector<LLVM::CallIntrinsicOp> reads;
  role.walk([&](Operation *op) {
    branches |= isa<scf::IndexSwitchOp>(op);
    auto call = dyn_cast<LLVM::CallIntrinsicOp>(op);
    if (call && call.getIntrin() == kRegister)
      reads.push_back(call);
  });
  if (!branches || reads.empty())
    return;
  Value thread = b.intrinsic(kRegister, b.getI32Type(), {});
  Value kept = b.shuffle(ThreadBuilder::Shuffle::Index, thread,
                         b.bitAnd(thread, kLanes - 1));
  for (LLVM::CallIntrinsicOp read : reads) {
    read->getResult(0).replaceAllUsesWith(kept);
    read.erase();
  }
}

/// Moves the body of a role to where the builder inserts.
void emitRole(ThreadBuilder &b, Value warp, RoleOp role) {
  keepThread(b, role);
  Value instance = b.i32(0);
  if (role.getInstances() > 1)
    instance = b.div(b.add(warp, -role.getFirstWarp()), role.getWarps());
  Value argument = role.getInstance();
  argument.replaceAllUsesWith(
      arith::IndexCastUIOp::create(b, b.getIndexType(), instance));
  b.getInsertionBlock()->getOperations().splice(
      b.getInsertionPoint(), role.getBody().front().getOperations());
}

/// What the launch gives a thread where all of them fit one multiprocessor.
int64_t launchRegisters(const KernelInfo &kernel) {
  int64_t each = kernel.target->registersPerUnit / (kernel.numWarps * kLanes);
  return std::min(each / 8 * 8, kMostRegisters);
}

void emitRegisters(ThreadBuilder &b, int64_t registers, int64_t before) {
  StringRef name = registers < before
                       ? "llvm.nvvm.setmaxnreg.dec.sync.aligned.u32"
                       : "llvm.nvvm.setmaxnreg.inc.sync.aligned.u32";
  b.intrinsic(name, {}, b.immediate(registers));
}

void emitGroup(ThreadBuilder &b, Value warp, Warpgroups &group,
               const KernelInfo &kernel) {
  // Warps that are no whole warpgroup cannot change their registers.
  if (group.endWarp % kWarpsPerGroup == 0)
    emitRegisters(b, group.roles.front().getRegisters(),
                  launchRegisters(kernel));
  SmallVector<int64_t> ends;
  for (RoleOp role : group.roles)
    ends.push_back(role.getFirstWarp() + role.getTotalWarps());
  emitBranches(b, warp, ends,
               [&](size_t i) { emitRole(b, warp, group.roles[i]); });
}

/// What the CTA has done so far is there for all roles, the initialisation of
/// mbarriers also for the copies that complete on them.
void emitStart(ThreadBuilder &b) {
  auto branch = scf::IfOp::create(b, b.isFirstThread(),
                                  /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    b.intrinsic("llvm.nvvm.fence.mbarrier_init.release.cluster", {}, {});
    b.intrinsic("llvm.nvvm.fence.proxy.async.shared_cta", {}, {});
  }
  gpu::BarrierOp::create(b);
}

} // namespace

void lowerRoles(gpu::GPUFuncOp function, const KernelInfo &kernel) {
  auto allRoles = llvm::to_vector(function.getOps<RolesOp>());
  for (RolesOp roles : allRoles) {
    ThreadBuilder b(roles.getLoc(), roles);
    emitStart(b);
    Value warp = b.warp();
    SmallVector<Warpgroups> groups = groupRoles(roles);
    SmallVector<int64_t> ends;
    for (const Warpgroups &group : groups)
      ends.push_back(group.endWarp);
    if (!groups.empty())
      emitBranches(b, warp, ends,
                   [&](size_t i) { emitGroup(b, warp, groups[i], kernel); });
    if (!roles->getNextNode()->hasTrait<OpTrait::IsTerminator>())
      gpu::BarrierOp::create(b);
    roles.erase();
    // ptxas honours setmaxnreg only where the launch's registers are known.
    function->setAttr("nvvm.minctasm", b.getI32IntegerAttr(1));
  }
}

void populateRolePatterns(const TypeConverter &converter,
                          RewritePatternSet &patterns,
                          const KernelInfo &kernel) {
  patterns.add<BarrierLowering, SubgroupIdLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen
