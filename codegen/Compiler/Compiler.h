// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The compiler as a library: MLIR text in, a launch plan and code out. The C
// interface of the same is mamba_compiler.h.

#pragma once

#include "codegen/CPU/CpuCompiler.h"
#include "codegen/GPU/GpuCompiler.h"
#include "mlir/IR/DialectRegistry.h"

namespace mamba::codegen {

/// Everything a source file may hold, and what its lowering needs.
void registerDialects(mlir::DialectRegistry &registry);

/// A function compiled for one target.
class CompiledFunction {
public:
  explicit CompiledFunction(std::unique_ptr<CpuExecutable> cpu)
      : cpu(std::move(cpu)) {}
  explicit CompiledFunction(GpuProgram gpu) : gpu(std::move(gpu)) {}

  const mamba_plan &getPlan() const {
    return cpu ? cpu->getPlan() : gpu.plan->get();
  }
  /// PTX text; null on the CPU.
  const char *getPtx() const { return cpu ? nullptr : gpu.ptx.c_str(); }
  /// The code in this process; null for a GPU.
  CpuExecutable *getCpu() const { return cpu.get(); }

private:
  std::unique_ptr<CpuExecutable> cpu;
  GpuProgram gpu;
};

/// Compiles the function `entry` of the module `text` (its only function when
/// `entry` is empty) for `target`, a name of the target table. For the CPU
/// the code is loaded into this process, to run on `threads` threads (0: one a
/// core). The error holds the diagnostics with their places in the text.
/// What was compiled for a GPU is kept in `cacheDirectory`, unless that is
/// empty, and read from there (CompileCache.h).
llvm::Expected<std::unique_ptr<CompiledFunction>>
compileSource(llvm::StringRef text, llvm::StringRef entry,
              llvm::StringRef target, unsigned threads = 0,
              llvm::StringRef cacheDirectory = "");

} // namespace mamba::codegen
