// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_CODEGEN_CPU_POINTWISEKERNEL_H
#define MAMBA_CODEGEN_CPU_POINTWISEKERNEL_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mamba::codegen {

/// Parts that a point-wise loop over time is cut into, for as many threads.
inline constexpr int64_t kLengthSlices = 64;

/// Work items that the kernel of `op` has for every batch: kLengthSlices where
/// it loops over time, else one.
int64_t getPointwiseItemsPerBatch(mlir::linalg::GenericOp op);

/// Appends the kernel of a point-wise operation on tensors to the module. Its
/// tensors are the inputs in order, then the results. Dynamic sizes are the
/// batch (dimension 0) and the length (dimension 1). Fails with a diagnostic
/// where an operand has another dynamic dimension, where the operation reduces,
/// or where its body uses a value from outside that is not a constant.
mlir::LogicalResult emitPointwiseKernel(mlir::linalg::GenericOp op,
                                        llvm::StringRef name,
                                        mlir::ModuleOp module);

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_POINTWISEKERNEL_H
