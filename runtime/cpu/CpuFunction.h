// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_CPU_CPUFUNCTION_H
#define MAMBA_RUNTIME_CPU_CPUFUNCTION_H

#include "runtime/Function.h"

#include <vector>

namespace mamba::rt {

/// A plan bound to CPU kernels.
class CpuFunction : public Function {
public:
  /// `kernels` has one entry for each kernel of the plan, none null.
  static Result<CpuFunction> create(Plan plan, const mamba_cpu_kernel *kernels);

  /// Validates and runs. `parallelFor` may be null: the caller's thread then
  /// does everything.
  Status launch(ArgumentList arguments, void *workspace,
                uint64_t workspaceBytes, mamba_parallel_for parallelFor,
                void *user) const;

private:
  CpuFunction(Plan plan, std::vector<mamba_cpu_kernel> entries);

  std::vector<mamba_cpu_kernel> entries;
};

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_CPU_CPUFUNCTION_H
