// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The shape of recurrent kernels, and what they take.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "passes/Analysis/CostModel.h"

#include <optional>

namespace mamba {

/// What the schedule of a recurrent kernel says: warps of a thread block, and
/// its slice of the headdim.
struct RecurrentShape {
  int64_t warps = 0;
  int64_t channels = 0;
};

/// The number of tokens of `scan`, where its types say it.
std::optional<int64_t> getStaticLength(ssd::ChunkScanOp scan);

/// The shape of the recurrent kernel of `scan`; forced fields (not 0) are kept.
RecurrentShape chooseRecurrentShape(ssd::ChunkScanOp scan,
                                    RecurrentShape forced);

/// Why there is no such kernel, with the number that says so; empty: there is.
std::string rejectRecurrentShape(ssd::ChunkScanOp scan, RecurrentShape shape);

/// Predicted seconds: bytes over bandwidth, and the tokens' operations or their
/// latencies one after the other, whichever takes longer.
double predictRecurrentSeconds(const ScanWork &work, const Target &target);

} // namespace mamba
