// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of roles and of the single ops on pipelines. The protocol of a
// whole pipeline is checked in PipelineProtocol.cpp.

#include "dialect/Tile/TileDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace mamba::tile {

static constexpr int64_t kWarpsPerGroup = 4;
static constexpr int64_t kRegistersPerUnit = 65536;

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
  if (registers < 24 || registers > 256 || registers % 8 != 0)
    return emitOpError("(C2) registers are a multiple of 8 from 24 to 256, got ")
           << registers;
  if (getBody().getNumArguments() != 1 ||
      !getBody().getArgument(0).getType().isIndex())
    return emitOpError("(C3) the region has one argument, an index");
  return success();
}

LogicalResult RolesOp::verify() {
  auto function = dyn_cast_or_null<FunctionOpInterface>((*this)->getParentOp());
  if (!function)
    return emitOpError("(C1) stands in the body of a function");
  int64_t warp = 0, total = 0, budget = 0;
  for (Operation &op : getBody().front()) {
    auto role = dyn_cast<RoleOp>(op);
    if (!role)
      return op.emitOpError("stands in tile.roles, which hold tile.role only");
    int64_t registers = role.getRegisters();
    for (int64_t i = 0; i < role.getTotalWarps(); ++i, ++warp) {
      if (warp % kWarpsPerGroup == 0) {
        budget = registers;
        total += budget * kWarpsPerGroup * kLanes;
      } else if (budget != registers) {
        return role.emitOpError("(C2) has ")
               << registers << " registers, but shares a warpgroup with a role "
               << "of " << budget;
      }
    }
  }
  if (total > kRegistersPerUnit)
    return emitOpError("(C2) roles need ")
           << total << " registers, a multiprocessor has " << kRegistersPerUnit;
  auto block = function->getAttrOfType<DenseI32ArrayAttr>("known_block_size");
  if (!block || block.size() != 3 || block[0] != warp * kLanes)
    return emitOpError("(C1) has ")
           << warp << " warps, which known_block_size must state as "
           << warp * kLanes << " threads";
  return success();
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

} // namespace mamba::tile
