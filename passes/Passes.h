// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

namespace mamba {

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

/// Upstream preparation of point-wise code: element-wise operations on
/// tensors and named linalg operations become linalg.generic.
void addPreparePipeline(mlir::OpPassManager &manager);

/// From level L0 to chunk programs for `target` (a name of the target table,
/// "cpu" or "sm_…"): preparation, normal form, schedule, decomposition.
void addToChunksPipeline(mlir::OpPassManager &manager, llvm::StringRef target);
/// The same with parts of the schedule forced.
void addToChunksPipeline(mlir::OpPassManager &manager,
                         const SelectScheduleOptions &options);

/// From chunk programs with schedules to tile programs (L2).
void addToTilesPipeline(mlir::OpPassManager &manager);

/// Registers the named pipelines (`ssd-to-chunks`, `ssd-to-tiles`).
void registerPipelines();

#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

} // namespace mamba
