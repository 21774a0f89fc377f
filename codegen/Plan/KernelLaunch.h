// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How a kernel is launched, as its back end says or its attributes do.

#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "runtime/abi/LaunchPlan.h"

#include <cstdint>
#include <vector>

namespace mamba::codegen {

/// A tensor map of a kernel.
struct KernelTensorMap {
  int64_t parameter = 0;    ///< Of the kernel: whose tensor.
  std::vector<int64_t> box; ///< Innermost dimension first.
};

/// How a back end launches one of its kernels. The grid is batch ×
/// blocksPerBatch, unless the kernel is persistent.
struct KernelLaunch {
  /// Of a persistent kernel: sequence sets of a batch item.
  int64_t blocksPerBatch = 1;
  int32_t blockSize = 0; ///< Threads; 0 on the CPU.
  int32_t sharedBytes = 0;
  std::vector<KernelTensorMap> tensorMaps;
  /// Dynamic sizes are the number of multiprocessors; i32 tensors start as
  /// zeros.
  std::vector<mlir::RankedTensorType> workspaces;
  int32_t gang = 0; ///< Thread blocks; 0: not persistent.
  int32_t segmentChunks = 0;
  int32_t chunk = 0;
  mamba_cost cost = {};
};

/// Adds to `launch` what the attributes of `kernel` (passes/KernelAttr.h) say
/// about tensor maps, workspaces, persistence and cost; without a gang,
/// `blocksPerBatch` stays. Fails with a diagnostic at `kernel` where one is
/// malformed.
llvm::LogicalResult readLaunchAttributes(mlir::Operation *kernel,
                                         KernelLaunch &launch);

} // namespace mamba::codegen
