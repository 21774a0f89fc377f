// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From a function over chunk programs to code that runs in this process.

#ifndef MAMBA_CODEGEN_CPU_CPUCOMPILER_H
#define MAMBA_CODEGEN_CPU_CPUCOMPILER_H

#include "codegen/CPU/CpuObject.h"
#include "codegen/CPU/CpuTarget.h"
#include "codegen/Plan/PlanBuilder.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/ThreadPool.h"

namespace mamba::codegen {

/// A function compiled for a CPU: how it is called, and its machine code.
struct CpuProgram {
  std::unique_ptr<OwnedPlan> plan;
  CpuObject code;
};

/// Compiles the function `entry` of a module at level L1 (ssd.chunk_scan and
/// point-wise linalg.generic on tensors). The module is consumed: the kernels
/// are added to it and lowered. Point-wise operations outside of chunk programs
/// become loops of their own, with a remark. Fails with diagnostics at the
/// operations concerned and an error that says which step failed.
llvm::Expected<CpuProgram> compileForCpu(mlir::ModuleOp module,
                                         llvm::StringRef entry,
                                         const CpuTarget &target);

/// A program loaded into this process, with the threads that run it.
class CpuExecutable {
public:
  /// `threads` 0 means one for each core. The plan moves along.
  static llvm::Expected<std::unique_ptr<CpuExecutable>>
  load(CpuProgram program, unsigned threads = 0);

  const mamba_plan &getPlan() const { return program.plan->get(); }

  /// One entry for each kernel of the plan, in its order.
  llvm::ArrayRef<mamba_cpu_kernel> getKernels() const { return kernels; }

  /// Text of the optimised LLVM IR, and the relocatable object file.
  const CpuObject &getCode() const { return program.code; }

  /// Runs all kernels. `pointers` holds the data of every param of the plan in
  /// its order, temporaries included; nothing is checked (the runtime does
  /// that). Calls from several threads share the pool.
  void run(llvm::ArrayRef<void *> pointers, int64_t batch, int64_t length);

  /// Calls body(closure, begin, end) on the pool and the calling thread: a
  /// mamba_parallel_for whose `user` is this object.
  static void parallelFor(void *user, int64_t count, mamba_parallel_body body,
                          void *closure);

private:
  CpuExecutable(CpuProgram program, LoadedObject loaded, unsigned threads);

  CpuProgram program;
  LoadedObject loaded;
  llvm::SmallVector<mamba_cpu_kernel> kernels;
  llvm::DefaultThreadPool pool;
};

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_CPUCOMPILER_H
