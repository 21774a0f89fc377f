// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GPU modules to PTX text, in process.

#ifndef CODEGEN_PTX_PTXEMITTER_H
#define CODEGEN_PTX_PTXEMITTER_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/Targets/Targets.h"

#include <string>
#include <vector>

namespace mamba::codegen {

/// What passes and the translation leave is checked in builds with assertions
/// only: it takes a fifth of the time, and what it finds are mistakes of ours.
#ifdef NDEBUG
inline constexpr bool kVerifyPasses = false;
#else
inline constexpr bool kVerifyPasses = true;
#endif

/// What a launch must know about a kernel.
struct PtxKernel {
  std::string name;
  /// Threads a block.
  int64_t blockSize = 0;
  /// Dynamic shared memory in bytes.
  int64_t sharedBytes = 0;
};

struct PtxModule {
  /// PTX, for the driver or ptxas.
  std::string text;
  std::vector<PtxKernel> kernels;
};

/// Lowers a copy of the module (tile, scf, arith, math, gpu, llvm ops) and
/// generates code for the target, which must be a GPU's row. Kernel parameters
/// are bare: pointers, i64 for `index`. Failures, crashes of instruction
/// selection included, become diagnostics at the module. Each kernel is
/// compiled for itself, side by side if the context has threads. With `llvmIR`
/// all are one LLVM module, whose optimised text is left there.
mlir::FailureOr<PtxModule> emitPtx(mlir::gpu::GPUModuleOp module,
                                   const Target &target,
                                   std::string *llvmIR = nullptr);

/// Adds the passes that take a `gpu.module` of tile kernels to LLVM ops.
void addTileToLlvmPipeline(mlir::OpPassManager &gpuModuleManager,
                           llvm::StringRef target);

} // namespace mamba::codegen

#endif // CODEGEN_PTX_PTXEMITTER_H
