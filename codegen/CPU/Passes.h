// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_CODEGEN_CPU_PASSES_H
#define MAMBA_CODEGEN_CPU_PASSES_H

#include "mlir/Pass/Pass.h"
#include "passes/KernelAttr.h"

namespace mlir {
class DialectRegistry;
class ModuleOp;
class OpPassManager;
} // namespace mlir

namespace mamba::codegen {

struct CpuTarget;

/// Name of the nested module that holds the kernels.
inline constexpr llvm::StringLiteral kKernelModule = "cpu";

/// Attributes of a contraction ("lower" or "upper"): its first operand is zero
/// on the other side of the diagonal; its result is only read on that side.
inline constexpr llvm::StringLiteral kLhsTriangleAttr = "ssd.lhs_triangle";
inline constexpr llvm::StringLiteral kResultTriangleAttr =
    "ssd.result_triangle";

#define GEN_PASS_DECL
#include "codegen/CPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "codegen/CPU/Passes.h.inc"

/// Chunk programs to buffers: kernels outlined, tile operations as linalg,
/// fused, bufferized, vectorised for `target`, local memory planned.
void buildCpuTilePipeline(mlir::OpPassManager &pm, const CpuTarget &target);

/// What buildCpuTilePipeline leaves, to the LLVM dialect.
void buildCpuLoweringPipeline(mlir::OpPassManager &pm);

/// Dialects, interfaces and translations the two pipelines need.
void registerCpuDialects(mlir::DialectRegistry &registry);

/// `ssd-cpu-tiles` and `ssd-cpu-llvm`, for the command line.
void registerCpuPipelines();

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_PASSES_H
