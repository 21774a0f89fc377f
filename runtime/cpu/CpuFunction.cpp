// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cpu/CpuFunction.h"

using namespace mamba::rt;

namespace {

/// One kernel with its arguments, as `mamba_parallel_for` carries it.
struct Call {
  mamba_cpu_kernel entry;
  void *pointers[MAMBA_MAX_KERNEL_PARAMS];
  int64_t batch;
  int64_t length;
};

void runRange(void *closure, int64_t begin, int64_t end) {
  Call &call = *static_cast<Call *>(closure);
  call.entry(call.pointers, call.batch, call.length, begin, end);
}

} // namespace

CpuFunction::CpuFunction(Plan plan, std::vector<mamba_cpu_kernel> entries)
    : Function(std::move(plan), Placement{{kDLCPU, 0}}, INT64_MAX),
      entries(std::move(entries)) {}

Result<CpuFunction> CpuFunction::create(Plan plan,
                                        const mamba_cpu_kernel *kernels) {
  if (plan.onGpu())
    return error(MAMBA_INVALID_ARGUMENT, "'", plan.name(),
                 "' was compiled for ", plan.target(), ", not for the CPU");
  if (!kernels)
    return error(MAMBA_INVALID_ARGUMENT, "the list of kernels is null");
  std::vector<mamba_cpu_kernel> entries(kernels,
                                        kernels + plan.kernels().size());
  for (size_t i = 0; i < entries.size(); ++i)
    if (!entries[i])
      return error(MAMBA_INVALID_ARGUMENT, "kernel ", i, " '",
                   plan.kernels()[i].name, "' is null");
  return CpuFunction(std::move(plan), std::move(entries));
}

Status CpuFunction::launch(ArgumentList arguments, void *workspace,
                           uint64_t workspaceBytes,
                           mamba_parallel_for parallelFor, void *user) const {
  PreparedLaunch prepared;
  Status status = prepare(arguments, workspace, workspaceBytes, prepared);
  if (!status.isOk())
    return status;
  const CheckedArguments &checked = prepared.checked;
  for (size_t step = 0; step < plan().steps().size(); ++step) {
    ChosenKernel kernelOfStep = chosen(prepared, step);
    const mamba_kernel &kernel = plan().kernels()[kernelOfStep.index];
    Call call = {};
    call.entry = entries[kernelOfStep.index];
    for (int32_t p = 0; p < kernel.num_params; ++p)
      call.pointers[p] = checked.pointers[kernel.params[p]];
    call.batch = checked.symbols[kernel.symbols[0]];
    call.length = checked.symbols[kernel.symbols[1]];
    int64_t items = kernelOfStep.work.blocks;
    if (parallelFor)
      parallelFor(user, items, runRange, &call);
    else
      runRange(&call, 0, items);
  }
  return {};
}
