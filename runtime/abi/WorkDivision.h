// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How the work of a kernel falls to a device, and the time that follows: the
// rules of LaunchPlan.h as functions. The compiler predicts with them which
// kernels are worth generating, the runtime which of them a launch runs.

#ifndef MAMBA_RUNTIME_ABI_WORKDIVISION_H
#define MAMBA_RUNTIME_ABI_WORKDIVISION_H

#include "runtime/abi/LaunchPlan.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace mamba::rt {

/// The work of a persistent kernel. All numbers are positive, except
/// `segmentChunks`, which may be 0.
struct PersistentWork {
  int64_t sets;          ///< Sequence sets: each takes one gang at a time.
  int64_t chunks;        ///< Of a sequence.
  int64_t gang;          ///< Thread blocks that work on one set together.
  int64_t segmentChunks; ///< The least chunks of a segment; 0: ranges.
};

/// What one launch of a kernel does on a device.
struct WorkDivision {
  int64_t blocks = 0;   ///< The grid.
  int64_t segments = 1; ///< Of a sequence.
  /// Chunks that the thread block with most of them walks, one after the other.
  double chunks = 0;
  /// Sequences whose states it reads or writes; a part of one counts as such a
  /// part, but one at least.
  double sequences = 1;
  /// Whether sequences are cut, so that thread blocks hand over states.
  bool cuts = false;
};

/// How a persistent kernel divides `work` on a device of `units`
/// multiprocessors, `work.gang` at least.
inline WorkDivision dividePersistentWork(const PersistentWork &work,
                                         int64_t units) {
  assert(work.gang > 0 && work.gang <= units && "no gang fits on the device");
  int64_t groups = units / work.gang;
  WorkDivision division;
  if (work.segmentChunks > 0)
    division.segments = std::max<int64_t>(
        1, std::min(groups / work.sets, work.chunks / work.segmentChunks));
  // Splitting never needs more gangs than there are groups: segments <= groups
  // / sets.
  int64_t gangs = division.segments > 1 ? work.sets * division.segments
                                        : std::min(groups, work.sets);
  division.blocks = work.gang * gangs;
  auto sets = static_cast<double>(work.sets);
  if (work.segmentChunks > 0) {
    division.cuts = division.segments > 1;
    // Whole sequences in turn: the gang with most of them.
    if (division.segments == 1)
      sets = std::ceil(sets / static_cast<double>(gangs)) *
             static_cast<double>(gangs);
  } else {
    division.cuts = work.sets % gangs != 0;
  }
  // Divided last: a quotient that is whole stays so. The product may exceed 64
  // bits.
  division.chunks = std::ceil(sets * static_cast<double>(work.chunks) /
                              static_cast<double>(gangs));
  division.sequences = std::max(1.0, sets / static_cast<double>(gangs));
  return division;
}

/// The same for a kernel of `blocks` thread blocks that each walk a sequence of
/// `chunks` chunks, one block a multiprocessor.
inline WorkDivision divideBlocks(int64_t blocks, int64_t chunks,
                                 int64_t units) {
  double rounds = std::ceil(static_cast<double>(blocks) / double(units));
  return {.blocks = blocks,
          .chunks = rounds * static_cast<double>(chunks),
          .sequences = rounds};
}

/// Predicted picoseconds.
inline double predictTime(const WorkDivision &division,
                          const mamba_cost &cost) {
  double time = double(cost.launch) + division.chunks * double(cost.chunk) +
                division.sequences * double(cost.state);
  if (division.segments > 1)
    time += division.chunks * double(cost.summary) +
            double(division.segments - 1) * double(cost.join);
  return time;
}

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_ABI_WORKDIVISION_H
