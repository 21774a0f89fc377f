// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The shape of a kernel with teams: the warps of a thread block in equal
// groups, each of which carries the state of one head (or headdim slice); and
// which chunk programs have one.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "passes/Analysis/CostModel.h"
#include "passes/Targets/Targets.h"
#include "runtime/abi/LaunchPlan.h"

#include <optional>
#include <string>

namespace mamba {

/// Warps of a thread block at most: two on each scheduler, which may then have
/// all 255 registers.
inline constexpr int64_t kMostTeamWarps = 8;

struct TeamShape {
  /// Tokens a chunk.
  int64_t chunk = 0;
  /// Teams of a thread block, and warps of a team.
  int64_t teams = 1, warps = 1;
  /// Channels of a team: padded to whole fragments of its warps, and how many
  /// the slice has. Slices that the headdim is cut into.
  int64_t paddedChannels = 0, channels = 0, slices = 1;
  /// How far ahead operands are copied: 1: not at all; 2: those that are read
  /// up to the masks' barrier only, from there on (they need room for one
  /// chunk), the others a chunk ahead (for two chunks); 3: all a chunk ahead.
  int64_t stages = 3;
  /// Thread blocks that walk the same chunks side by side, because they read
  /// the same operands, and sets of them that a sequence has.
  int64_t gang = 1, sets = 1;
  /// Fewest chunks of a segment; 0: sequences are cut into ranges.
  int64_t segmentChunks = 0;
  /// Predictions.
  int64_t registers = 0, sharedBytes = 0;

  /// Warps of a thread block.
  int64_t getWarps() const { return teams * warps; }
};

/// The warp grid of a time×time tile over all warps: rows, columns. What is
/// left of the warps repeats it.
std::pair<int64_t, int64_t> chooseScoreGrid(int64_t chunk, int64_t warps);

/// Whether `operand` of the scan is a tile of the chunk's tokens.
bool isTokenTile(ssd::ChunkScanOp scan, unsigned operand);

/// The chunks of an operand that shared memory holds.
int64_t countTileStages(ssd::ChunkScanOp scan, const TeamShape &shape,
                        unsigned operand);

/// Fewest chunks of a segment unless they are forced; 0: a sequence cannot be
/// split.
int64_t getUsualTeamSegment(ssd::ChunkScanOp scan);

/// The shape of the kernel of a chunk program with segments of at least so many
/// chunks, 0: with ranges; the numbers in `schedule` that are not 0 are kept.
/// None if it has no such kernel, or with a target if that cannot hold it;
/// `rejection` says why.
std::optional<TeamShape> chooseTeamShape(ssd::ChunkScanOp scan,
                                         const Target *target,
                                         ssd::ScheduleAttr schedule,
                                         int64_t segment,
                                         std::string &rejection);

/// Predicted picoseconds, by which a launch chooses between kernels.
mamba_cost predictTeamCost(ssd::ChunkScanOp scan, const Target &target,
                           const TeamShape &shape, const ScanWork &work);

/// Predicted seconds of the kernel.
double predictTeamSeconds(ssd::ChunkScanOp scan, const Target &target,
                          const TeamShape &shape, const ScanWork &work,
                          ProblemSize size);

} // namespace mamba
