// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Grid.h"

using namespace mamba::rt;

Status mamba::rt::checkGang(const mamba_kernel &kernel, int64_t units) {
  if (kernel.gang <= units)
    return {};
  return error(MAMBA_UNSUPPORTED, "kernel '", kernel.name, "' needs ",
               kernel.gang, " thread blocks that run at the same time, the ",
               "device has ", units, " multiprocessors");
}

Result<WorkDivision> mamba::rt::divideWork(const mamba_kernel &kernel,
                                           const CheckedArguments &checked,
                                           int64_t limit) {
  int64_t size = 1;
  for (int32_t i = 0; i < kernel.num_grid_factors; ++i) {
    int64_t factor = dimValue(kernel.grid[i], checked);
    if (__builtin_mul_overflow(size, factor, &size) || size > limit)
      return error(MAMBA_INVALID_ARGUMENT, "kernel '", kernel.name,
                   "' would need more than ", limit,
                   " work items, the limit of a grid; split the batch");
  }
  if (kernel.chunk == 0)
    return WorkDivision{.blocks = size};
  mamba_dim dim = MAMBA_DIM_CEIL_DIV(kernel.symbols[1], kernel.chunk);
  int64_t chunks = dimValue(dim, checked);
  if (kernel.gang == 0)
    return divideBlocks(size, chunks, checked.units);
  Status status = checkGang(kernel, checked.units);
  if (!status.isOk())
    return status;
  return dividePersistentWork({.sets = size,
                               .chunks = chunks,
                               .gang = kernel.gang,
                               .segmentChunks = kernel.segment_chunks},
                              checked.units);
}

Result<ChosenKernel> mamba::rt::chooseKernel(const Plan &plan,
                                             const PlanStep &step,
                                             const CheckedArguments &checked,
                                             int64_t limit) {
  Status failure;
  std::optional<ChosenKernel> chosen;
  double least = 0;
  for (int32_t i = step.first; i < step.first + step.count; ++i) {
    const mamba_kernel &kernel = plan.kernels()[i];
    Result<WorkDivision> work = divideWork(kernel, checked, limit);
    if (!work.isOk()) {
      if (failure.isOk())
        failure = work.takeStatus();
      continue;
    }
    double time = predictTime(*work, kernel.cost);
    if (chosen && time >= least)
      continue;
    chosen = {i, *work};
    least = time;
  }
  if (!chosen)
    return failure;
  return *chosen;
}
