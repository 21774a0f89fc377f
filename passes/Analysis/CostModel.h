// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Predicted time of a chunk program: its work is counted on its body, so that
// a fused prologue, several carried states or a new mixer need no formula of
// their own, and divided by the rates of a target's row.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "passes/Targets/Targets.h"

namespace mamba {

/// Batch size and sequence length to assume where they are dynamic.
struct ProblemSize {
  int64_t batch = 0;
  int64_t length = 0;
};

/// Work of a chunk program over the whole problem.
struct ScanWork {
  double bytes = 0;      ///< Every input read once, every output written once.
  double stateBytes = 0; ///< The part of them that are carried states.
  double flops = 0;      ///< Of matrix products, 2 a multiply-add.
  double scoreFlops = 0; ///< Those over two time axes, which slices repeat.
  double simpleOps = 0;  ///< Element-wise operations.
  double exps = 0;       ///< Exponentials, logarithms and the like.
  double items = 0;      ///< Batches × heads, which are independent.
  double chunks = 0;     ///< Chunks of one item, which follow each other.
  /// Flops weighted by how far small products fall behind the full rate of
  /// the target they were counted for.
  double weightedFlops = 0;
  /// Bytes of the tiles one work item needs: operands and product results.
  int64_t scratchBytes = 0;
};

/// Counts the work of `scan` on `target`. A product with a decay mask counts
/// only the sub-blocks that are not zero.
ScanWork countWork(ssd::ChunkScanOp scan, const Target &target,
                   ProblemSize size);

/// Predicted seconds of `work` on `target`.
double predictSeconds(const ScanWork &work, const Target &target);

} // namespace mamba
