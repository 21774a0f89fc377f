// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Sums and decay masks of a chunk as loops over vectors, on tensors.

#ifndef MAMBA_CODEGEN_CPU_TILESCANS_H
#define MAMBA_CODEGEN_CPU_TILESCANS_H

#include "dialect/IR/SsdOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mamba::codegen {

/// Prefix sums by doubling within a vector and a carry between vectors.
mlir::Value emitCumsum(mlir::ImplicitLocOpBuilder &b, ssd::CumsumOp op);

/// Sum of a tile, as a tensor of rank 0.
mlir::Value emitReduceSum(mlir::ImplicitLocOpBuilder &b, ssd::ReduceSumOp op);

/// Decay mask by rows of sub-blocks: exponentials of sums that grow row by row
/// in the diagonal sub-block, rank one to its left, zero to its right.
mlir::Value emitSegmentDecay(mlir::ImplicitLocOpBuilder &b,
                             ssd::SegmentDecayOp op);

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_TILESCANS_H
