// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_GRID_H
#define MAMBA_RUNTIME_GRID_H

#include "runtime/Arguments.h"

namespace mamba::rt {

/// The work of a persistent kernel. All numbers are positive, except
/// `segmentChunks`, which may be 0.
struct PersistentWork {
  int64_t sets;          ///< Sequence sets: each takes one gang at a time.
  int64_t chunks;        ///< Of a sequence.
  int64_t gang;          ///< Thread blocks that work on one set together.
  int64_t segmentChunks; ///< The least chunks of a segment; 0: never split.
};

/// The grid of a persistent kernel, as LaunchPlan.h defines it, on a device of
/// `units` multiprocessors, `work.gang` at least.
int64_t persistentGrid(const PersistentWork &work, int64_t units);

/// The grid of a kernel: the product of its grid factors, or what
/// `persistentGrid` makes of it. MAMBA_INVALID_ARGUMENT if the product is above
/// `limit`, MAMBA_UNSUPPORTED if the device is smaller than a gang.
Result<int64_t> gridSize(const mamba_kernel &kernel,
                         const CheckedArguments &checked, int64_t limit);

/// MAMBA_UNSUPPORTED if `units` multiprocessors cannot hold a gang of the
/// kernel.
Status checkGang(const mamba_kernel &kernel, int64_t units);

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_GRID_H
