// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ssd-assign-tiles: chunk programs become tile programs.

#include "dialect/Tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Passes.h"
#include "passes/Transforms/RecurrentKernel.h"
#include "passes/Transforms/RoleKernel.h"
#include "passes/Transforms/TeamKernel.h"
#include "passes/Transforms/TileKernel.h"

namespace mamba {
#define GEN_PASS_DEF_ASSIGNTILES
#include "passes/Passes.h.inc"
} // namespace mamba

using namespace mlir;
using namespace mamba;

namespace {
struct AssignTiles : mamba::impl::AssignTilesBase<AssignTiles> {
  LogicalResult buildKernels(ssd::ChunkScanOp scan, gpu::GPUModuleOp kernels,
                             StringRef name);
  void runOnOperation() override;
};
} // namespace

/// The target whose kernels have roles.
static const Target &getRoleTarget() {
  const Target *row = llvm::find_if(
      getTargets(), [](const Target &target) { return target.hasWgmma; });
  assert(row != getTargets().end() && "a target row has warpgroup products");
  return *row;
}

/// One that all kernels with teams run on. Predictions for it choose between
/// kernels of one program, whose times depend on the target alike.
static const Target &getTeamTarget() {
  const Target *row = llvm::find_if(
      getTargets(), [](const Target &target) { return target.isGpu(); });
  assert(row != getTargets().end() && "a target row is a GPU");
  return *row;
}

static DenseI64ArrayAttr makeCost(MLIRContext *context,
                                  const mamba_cost &cost) {
  return DenseI64ArrayAttr::get(
      context, {cost.launch, cost.chunk, cost.summary, cost.join, cost.state});
}

/// Emits the warp-specialised kernel of `scan` that `request` asks for:
/// persistent blocks with roles and the attributes of passes/KernelAttr.h.
/// Behind the tensors' pointers come those of the workspaces, then batch and
/// length, then the tensor maps.
static LogicalResult buildRoleKernel(ssd::ChunkScanOp scan,
                                     gpu::GPUModuleOp kernels, StringRef name,
                                     ssd::Alternative request) {
  std::string rejection;
  std::optional<RoleShape> shape =
      chooseRoleShape(scan, getRoleTarget(), request, rejection);
  if (!shape)
    return scan.emitOpError("has no kernel with roles: ") << rejection;
  if (failed(RoleKernel(scan, kernels, name, *shape).build()))
    return failure();
  kernels.lookupSymbol(name)->setAttr(kCostAttr,
                                      makeCost(scan.getContext(), shape->cost));
  return success();
}

/// The same with teams; it has no tensor maps.
static LogicalResult buildTeamKernel(ssd::ChunkScanOp scan,
                                     gpu::GPUModuleOp kernels, StringRef name,
                                     int64_t segment) {
  std::string rejection;
  std::optional<TeamShape> shape = chooseTeamShape(
      scan, /*target=*/nullptr, *scan.getSchedule(), segment, rejection);
  if (!shape)
    return scan.emitOpError("has no kernel with teams: ") << rejection;
  if (failed(TeamKernel(scan, kernels, name, *shape).build()))
    return failure();
  const Target &target = getTeamTarget();
  mamba_cost cost = predictTeamCost(scan, target, *shape,
                                    countWork(scan, target, {1, shape->chunk}));
  kernels.lookupSymbol(name)->setAttr(kCostAttr,
                                      makeCost(scan.getContext(), cost));
  return success();
}

/// Builds a kernel of the scan's schedule.
static LogicalResult buildKernel(ssd::ChunkScanOp scan,
                                 gpu::GPUModuleOp kernels, StringRef name,
                                 ssd::Alternative request) {
  ssd::ScheduleAttr schedule = *scan.getSchedule();
  if (request.consumers > 0)
    return buildRoleKernel(scan, kernels, name, request);
  if (schedule.getForm() == ssd::Form::Recurrent)
    return RecurrentKernel(scan, kernels, name).build();
  if (schedule.getWeights() == ssd::WeightSide::Values)
    return buildTeamKernel(scan, kernels, name, request.segment);
  if (request.segment)
    return scan.emitOpError("has segments of ")
           << request.segment << " chunks; plain kernels split no sequences";
  return buildTileKernel(scan, kernels, name);
}

/// The name of an alternative to the kernel `name`.
static std::string nameAlternative(StringRef name,
                                   const ssd::Alternative &kernel) {
  std::string text = name.str();
  if (kernel.consumers)
    text += "_consumers" + std::to_string(kernel.consumers);
  if (!kernel.segment)
    return text + "_ranges";
  return text + "_segments" + std::to_string(kernel.segment);
}

/// Builds the kernel of the schedule and its alternatives, and names them in
/// `scan`.
LogicalResult AssignTiles::buildKernels(ssd::ChunkScanOp scan,
                                        gpu::GPUModuleOp kernels,
                                        StringRef name) {
  ssd::ScheduleAttr schedule = *scan.getSchedule();
  auto refer = [&](StringRef kernel) -> Attribute {
    return SymbolRefAttr::get(&getContext(), kernels.getName(),
                              FlatSymbolRefAttr::get(&getContext(), kernel));
  };
  if (failed(buildKernel(scan, kernels, name,
                         {schedule.getConsumers(), schedule.getSegment()})))
    return failure();
  scan->setAttr(kKernelAttr, refer(name));
  ++numKernels;
  SmallVector<Attribute> alternatives;
  for (const ssd::Alternative &alternative : schedule.getAlternatives()) {
    std::string other = nameAlternative(name, alternative);
    if (failed(buildKernel(scan, kernels, other, alternative)))
      return failure();
    alternatives.push_back(refer(other));
    ++numKernels;
  }
  if (!alternatives.empty())
    scan->setAttr(kAlternativesAttr,
                  ArrayAttr::get(&getContext(), alternatives));
  return success();
}

void AssignTiles::runOnOperation() {
  ModuleOp module = getOperation();
  SmallVector<ssd::ChunkScanOp> scans;
  module.walk([&](ssd::ChunkScanOp op) { scans.push_back(op); });
  if (scans.empty())
    return;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto kernels = gpu::GPUModuleOp::create(builder, module.getLoc(), "kernels");
  for (auto [index, scan] : llvm::enumerate(scans)) {
    if (!scan.getSchedule()) {
      scan.emitOpError("has no schedule; a tile program needs its warps and "
                       "stages");
      return signalPassFailure();
    }
    auto function = scan->getParentOfType<func::FuncOp>();
    std::string name = (function.getName() + "_" + Twine(index)).str();
    if (failed(buildKernels(scan, kernels, name)))
      return signalPassFailure();
  }
}
