// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_CODEGEN_CPU_CHUNKSCANKERNEL_H
#define MAMBA_CODEGEN_CPU_CHUNKSCANKERNEL_H

#include "dialect/IR/SsdOps.h"

namespace mamba::codegen {

/// Appends the kernel of a chunk program to the module. Its tensors are the
/// operands of `scan` in order, then its results; a work item is one head of
/// one batch, w = batch · heads + head.
void emitChunkScanKernel(ssd::ChunkScanOp scan, llvm::StringRef name,
                         mlir::ModuleOp module);

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_CHUNKSCANKERNEL_H
