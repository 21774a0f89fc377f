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
#include "passes/Transforms/TileKernel.h"

namespace mamba {
#define GEN_PASS_DEF_ASSIGNTILES
#include "passes/Passes.h.inc"
} // namespace mamba

using namespace mlir;
using namespace mamba;

namespace {
struct AssignTiles : mamba::impl::AssignTilesBase<AssignTiles> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<ssd::ChunkScanOp> scans;
    module.walk([&](ssd::ChunkScanOp op) { scans.push_back(op); });
    if (scans.empty())
      return;
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto kernels =
        gpu::GPUModuleOp::create(builder, module.getLoc(), "kernels");
    for (auto [index, scan] : llvm::enumerate(scans)) {
      if (!scan.getSchedule()) {
        scan.emitOpError("has no schedule; a tile program needs its warps and "
                         "stages");
        return signalPassFailure();
      }
      auto function = scan->getParentOfType<func::FuncOp>();
      std::string name = (function.getName() + "_" + Twine(index)).str();
      bool roles = scan.getSchedule()->getConsumers() > 0;
      if (failed(roles ? buildRoleKernel(scan, kernels, name)
                       : buildTileKernel(scan, kernels, name)))
        return signalPassFailure();
      scan->setAttr(kKernelAttr,
                    SymbolRefAttr::get(
                        builder.getContext(), kernels.getName(),
                        FlatSymbolRefAttr::get(builder.getContext(), name)));
      ++numKernels;
    }
  }
};
} // namespace
