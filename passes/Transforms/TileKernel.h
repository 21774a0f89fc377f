// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Builds the GPU kernel of one chunk program: which thread block owns what,
// the pipeline that feeds it, and the loop over the chunks.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/KernelAttr.h"

namespace mamba {

/// Emits the kernel of `scan` as `name` at the end of `module`. The kernel's
/// parameters are the pointers of ins, inits, outs and finals (constants are
/// part of the kernel and have none), then batch and length (i64). Thread block
/// i works on headdim slice i mod slices of head (i / slices) mod H of batch i
/// / (slices·H). Fails with a diagnostic where the program has no form in the
/// mma.sync family.
llvm::LogicalResult buildTileKernel(ssd::ChunkScanOp scan,
                                    mlir::gpu::GPUModuleOp module,
                                    llvm::StringRef name);

} // namespace mamba
