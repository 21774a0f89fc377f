// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Grid.h"

#include <algorithm>

using namespace mamba::rt;

int64_t mamba::rt::persistentGrid(const PersistentWork &work, int64_t units) {
  assert(work.gang > 0 && work.gang <= units && "no gang fits on the device");
  int64_t groups = units / work.gang;
  int64_t segments = 1;
  if (work.segmentChunks > 0)
    segments = std::max<int64_t>(
        1, std::min(groups / work.sets, work.chunks / work.segmentChunks));
  // Splitting never needs more gangs than there are groups: segments <= groups
  // / sets.
  int64_t gangs =
      segments > 1 ? work.sets * segments : std::min(groups, work.sets);
  return work.gang * gangs;
}

Status mamba::rt::checkGang(const mamba_kernel &kernel, int64_t units) {
  if (kernel.gang <= units)
    return {};
  return error(MAMBA_UNSUPPORTED, "kernel '", kernel.name, "' needs ",
               kernel.gang, " thread blocks that run at the same time, the ",
               "device has ", units, " multiprocessors");
}

Result<int64_t> mamba::rt::gridSize(const mamba_kernel &kernel,
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
  if (kernel.gang == 0)
    return size;
  Status status = checkGang(kernel, checked.units);
  if (!status.isOk())
    return status;
  mamba_dim chunks = MAMBA_DIM_CEIL_DIV(kernel.symbols[1], kernel.chunk);
  return persistentGrid({.sets = size,
                         .chunks = dimValue(chunks, checked),
                         .gang = kernel.gang,
                         .segmentChunks = kernel.segment_chunks},
                        checked.units);
}
