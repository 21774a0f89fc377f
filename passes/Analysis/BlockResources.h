// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Registers and shared memory that a GPU thread block needs for a chunk
// program, predicted from the sizes of its tiles.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "passes/Targets/Targets.h"

#include <optional>

namespace mamba {

struct BlockResources {
  int64_t registersPerThread = 0;
  int64_t sharedBytes = 0;
};

/// Resources of a block of `warps` warps that owns `channels` of the headdim
/// and keeps `stages` chunks of operand tiles in flight:
/// - registers: the carried state and the outputs and scores of the warp's
///   rows in f32, spread over the threads, and 64 for fragments and addresses;
/// - shared memory: the operand tiles of every stage, the copy of the state
///   that is multiplied, and the output tile.
BlockResources predictBlockResources(ssd::ChunkScanOp scan, int64_t channels,
                                     int64_t warps, int64_t stages);

/// What a thread block is given: its slice of the headdim and its stages.
struct BlockShape {
  int64_t channels = 0;
  int64_t stages = 0;
};

/// The fewest equal slices of the headdim with which at least two stages fit
/// `target`, failing that one; as many stages as let two blocks share a unit
/// (measured on an H100: 0.73 ms against 0.85 ms with one block of three
/// stages), else as many as fit. Forced fields (not 0) are kept. `rejection`
/// says what no slice fits.
std::optional<BlockShape> chooseBlockShape(ssd::ChunkScanOp scan,
                                           const Target &target,
                                           const KernelLimits &limits,
                                           BlockShape forced,
                                           std::string &rejection);

} // namespace mamba
