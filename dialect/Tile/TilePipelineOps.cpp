// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of roles and of the single ops on pipelines. The protocol of a
// whole pipeline is checked in PipelineProtocol.cpp and SlotOrder.cpp.

#include "dialect/Tile/PipelineProtocol.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace mamba::tile {

static constexpr int64_t kWarpsPerGroup = 4;
static constexpr int64_t kRegistersPerUnit = 65536;
static constexpr int64_t kMaxRegisters = 256;

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

SmallVector<RoleOp> RolesOp::getRoles() {
  return llvm::to_vector(getBody().getOps<RoleOp>());
}

int64_t RoleOp::getFirstWarp() {
  int64_t first = 0;
  for (RoleOp role : cast<RolesOp>((*this)->getParentOp()).getRoles()) {
    if (role == *this)
      break;
    first += role.getTotalWarps();
  }
  return first;
}

RoleOp RoleOp::getEnclosing(Operation *op) {
  if (auto role = dyn_cast<RoleOp>(op))
    return role;
  return op->getParentOfType<RoleOp>();
}

LogicalResult RoleOp::verify() {
  int64_t warps = getWarps(), registers = getRegisters();
  if (warps < 1 || (warps > 2 && warps % kWarpsPerGroup != 0))
    return emitOpError("(C1) has 1, 2 or a multiple of 4 warps, got ") << warps;
  if (static_cast<int64_t>(getInstances()) < 1)
    return emitOpError("(C1) has at least one instance, got ")
           << static_cast<int64_t>(getInstances());
  if (registers < 24 || registers > kMaxRegisters || registers % 8 != 0)
    return emitOpError(
               "(C2) registers are a multiple of 8 from 24 to 256, got ")
           << registers;
  if (getBody().getNumArguments() != 1 ||
      !getBody().getArgument(0).getType().isIndex())
    return emitOpError("(C3) the region has one argument, an index");
  WalkResult walk = getBody().walk([](Operation *op) -> WalkResult {
    if (op->getNumRegions() == 0 || isa<scf::ForOp, scf::IfOp>(op))
      return success();
    return op->emitOpError("(C4) a role holds scf.for and scf.if only");
  });
  return failure(walk.wasInterrupted());
}

/// Registers that each thread of a CTA has at its start.
static int64_t registersAtStart(int64_t warps) {
  int64_t share = kRegistersPerUnit / std::max<int64_t>(warps * kLanes, 1);
  return std::min(share - share % 8, kMaxRegisters);
}

/// Rule (C2), and the part of (C1) that is about warpgroups.
static LogicalResult verifyWarpgroups(RolesOp roles, int64_t warps) {
  int64_t share = registersAtStart(warps);
  int64_t grouped = warps - warps % kWarpsPerGroup;
  int64_t warp = 0, total = 0, budget = 0;
  for (RoleOp role : roles.getRoles()) {
    int64_t registers = role.getRegisters();
    if (role.getWarps() >= kWarpsPerGroup && warp % kWarpsPerGroup != 0)
      return role.emitOpError("(C1) has whole warpgroups, but starts inside of "
                              "one, at warp ")
             << warp;
    for (int64_t i = 0; i < role.getTotalWarps(); ++i, ++warp) {
      if (warp % kWarpsPerGroup == 0)
        budget = registers;
      if (budget != registers)
        return role.emitOpError("(C2) has ")
               << registers << " registers, but shares a warpgroup with a role "
               << "of " << budget;
      if (warp >= grouped && registers > share)
        return role.emitOpError("(C2) warps that are no warpgroup keep the ")
               << share << " registers they start with, got " << registers;
      if (warp < grouped)
        total += registers * kLanes;
    }
  }
  int64_t available = grouped * kLanes * share;
  if (total > available)
    return roles.emitOpError("(C2) warpgroups need ")
           << total << " registers, " << grouped << " of " << warps
           << " warps start with " << available;
  return success();
}

LogicalResult RolesOp::verify() {
  if (!isa_and_present<FunctionOpInterface>((*this)->getParentOp()))
    return emitOpError("(C1) stands in the body of a function");
  for (Operation &op : getBody().front())
    if (!isa<RoleOp>(op))
      return op.emitOpError("stands in tile.roles, which hold tile.role only");
  return success();
}

LogicalResult RolesOp::verifyRegions() {
  int64_t warps = 0;
  for (RoleOp role : getRoles())
    warps += role.getTotalWarps();
  if (failed(verifyWarpgroups(*this, warps)))
    return failure();
  auto block = (*this)->getParentOp()->getAttrOfType<DenseI32ArrayAttr>(
      "known_block_size");
  const int32_t threads[] = {static_cast<int32_t>(warps * kLanes), 1, 1};
  if (!block || block.asArrayRef() != ArrayRef(threads))
    return emitOpError("(C1) has ")
           << warps << " warps, which known_block_size must state as "
           << threads[0] << " threads";
  return success(succeeded(verifyPipelines(*this)) &&
                 succeeded(verifySlots(*this)));
}

//===----------------------------------------------------------------------===//
// Pipelines
//===----------------------------------------------------------------------===//

LogicalResult PipelineOp::verify() {
  auto function = dyn_cast_or_null<FunctionOpInterface>((*this)->getParentOp());
  if (!function || (*this)->getBlock() != &function.getFunctionBody().front())
    return emitOpError("(C4) must stand in the entry block of a function");
  if (static_cast<int64_t>(getFull()) < 1 ||
      static_cast<int64_t>(getEmpty()) < 1)
    return emitOpError("needs at least one arrival on full and on empty, got ")
           << static_cast<int64_t>(getFull()) << " and "
           << static_cast<int64_t>(getEmpty());
  return success();
}

static LogicalResult verifySlot(Operation *op, PipelineType pipeline,
                                Value group) {
  IntegerAttr constant;
  if (group && matchPattern(group, m_Constant(&constant)) &&
      (constant.getInt() < 0 || constant.getInt() >= pipeline.getGroups()))
    return op->emitOpError("(C1) group ")
           << constant.getInt() << " is outside of " << pipeline;
  if (!RoleOp::getEnclosing(op))
    return op->emitOpError("(C2) stands in a role");
  return success();
}

LogicalResult AcquireOp::verify() {
  return verifySlot(*this, getPipeline().getType(), getGroup());
}

LogicalResult WaitOp::verify() {
  return verifySlot(*this, getPipeline().getType(), getGroup());
}

LogicalResult ExpectOp::verify() {
  RoleOp role = RoleOp::getEnclosing(*this);
  if (!role || role.getWarps() != 1)
    return emitOpError("(C1) stands in a role of one warp");
  int64_t bytes = 0;
  for (Operation *op = (*this)->getNextNode(); op; op = op->getNextNode())
    if (auto copy = dyn_cast<CopyBulkOp>(op))
      if (copy.getPipeline() == getPipeline() && copy.getSlot() == getSlot())
        bytes += copy.getBuffer().getType().getBytes();
  if (bytes != static_cast<int64_t>(getBytes()))
    return emitOpError("(C2) announces ")
           << static_cast<int64_t>(getBytes())
           << " bytes, the copies that follow have " << bytes;
  return success();
}

//===----------------------------------------------------------------------===//
// Between CTAs
//===----------------------------------------------------------------------===//

LogicalResult FlagsOp::verify() {
  Operation *parent = (*this)->getParentOp();
  if (!isa<FunctionOpInterface, RoleOp>(parent))
    return emitOpError("(C1) stands in the body of a function or of a role, "
                       "got one of '")
           << parent->getName() << "'";
  for (Operation *user : getPointer().getUsers())
    if (user != *this && isa<FlagsOp>(user))
      return emitOpError("(C2) another op opens the same flags");
  return success();
}

/// Rule (C1) of the packed accesses.
static LogicalResult verifyPacked(Operation *op, RankedTensorType tile) {
  RegisterLayout layout = getRegisterLayout(tile);
  if (!tile.getElementType().isF32() || layout.numRegisters() % 4 != 0 ||
      layout.warps.copies != 1)
    return op->emitOpError(
               "(C1) the tile must have f32 elements, a multiple of "
               "4 a thread, and no copies, got ")
           << tile;
  return success();
}

LogicalResult StorePackedOp::verify() {
  return verifyPacked(*this, getTile().getType());
}

LogicalResult LoadPackedOp::verify() {
  return verifyPacked(*this, getResult().getType());
}

} // namespace mamba::tile
