// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The shape of a warp-specialised kernel: consumers, stages, register budgets
// and how thread blocks divide the work; and which chunk programs have one.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "passes/Analysis/CostModel.h"
#include "passes/Targets/Targets.h"
#include "runtime/abi/LaunchPlan.h"

#include <optional>
#include <string>

namespace mamba {

struct RoleShape {
  /// Consumer warpgroups of a thread block.
  int64_t consumers = 0;
  /// Slices of 64 that the headdim is cut into.
  int64_t slices = 1;
  /// Thread blocks that walk the same chunks side by side, because they read
  /// the same shared operands, and sets of them that a sequence has.
  int64_t gang = 1;
  int64_t sets = 1;
  /// How much longer a chunk takes than in a gang of all blocks that could
  /// share.
  double rereading = 1;
  /// Stages of the pipelines of shared operands, of each consumer's own, and
  /// of its masks.
  int64_t sharedStages = 0, ownStages = 0, maskStages = 0;
  /// Registers a thread of the producers, the mask maker, the consumers.
  int64_t loadRegisters = 0, maskRegisters = 0, consumeRegisters = 0;
  /// Fewest chunks of a segment; 0: sequences are cut into ranges.
  int64_t segmentChunks = 0;
  /// Bytes of shared memory.
  int64_t sharedBytes = 0;
  /// Predicted picoseconds, by which a launch chooses between kernels.
  mamba_cost cost = {};

  /// Warps of a thread block: producers, mask maker, consumers.
  int64_t getWarps() const { return 4 * (2 + consumers); }
};

/// Channels of a consumer, tokens of a chunk, and columns of a panel: the rows
/// of a warpgroup's product.
inline constexpr int64_t kRoleChannels = 64;
/// Chunks of vectors over tokens that are on their way: steps are gathered from
/// 32-byte sectors and need the longest run-up.
inline constexpr int64_t kRingStages = 4;
/// A segment of a split sequence has at least so many chunks: with fewer, the
/// second reading of its operands and the look-back cost more than they spread
/// (measured: codegen/PERFORMANCE.md, segments).
inline constexpr int64_t kSegmentChunks = 8;
/// A segment with more chunks is searched for those that have decayed to zero
/// at its end before it is summed up.
inline constexpr int64_t kSearchedChunks = 32;
/// Stages of the output tiles.
inline constexpr int64_t kOutStages = 2;

/// The carried state's transition: state' = decay · state + …; null where it is
/// the identity, nullopt where it is something else.
std::optional<mlir::Value> getScalarTransition(ssd::ChunkScanOp scan);

/// A vector over tokens that weights what a chunk adds to the state, once: with
/// weights a times as large, a chunk adds a times as much. Null if there is
/// none.
mlir::Value getStateWeights(ssd::ChunkScanOp scan);

/// Whether an operand has a dimension of this role.
bool hasRole(ssd::ChunkScanOp scan, unsigned operand, ssd::DimRole role);
/// Heads of an operand; 1 where it has no head dimension.
int64_t countHeads(ssd::ChunkScanOp scan, unsigned operand);

/// Whether all consumers of a thread block read the same part of an operand.
bool isSharedOperand(ssd::ChunkScanOp scan, unsigned operand, int64_t consumers,
                     int64_t slices);

/// The time×time tiles that products with values over channels read.
llvm::SmallVector<mlir::Value> getMasks(ssd::ChunkScanOp scan);

/// Whether segments of a sequence can be summed up before it is walked.
bool canSplit(ssd::ChunkScanOp scan);
/// Why one whose state has no scalar transition has no kernel for segments.
std::string rejectSegment(int64_t segment);

/// The shape of the kernel of a chunk program with the consumers (one at least)
/// and the segments of `request`. None if there is none; `rejection` says why.
std::optional<RoleShape> chooseRoleShape(ssd::ChunkScanOp scan,
                                         const Target &target,
                                         ssd::Alternative request,
                                         std::string &rejection);

/// Picoseconds in which a thread block reads and writes the carried states of
/// `heads` heads, or slices of one, while all multiprocessors do.
int64_t predictStateCost(ssd::ChunkScanOp scan, const Target &target,
                         int64_t heads);

/// Numbers of consumers that a kernel may have, the largest first.
inline constexpr int64_t kConsumerChoices[] = {2, 1};

/// Predicted seconds of the kernel: the larger of its bytes and of the chunks
/// that one thread block walks.
double predictRoleSeconds(ssd::ChunkScanOp scan, const Target &target,
                          const RoleShape &shape, const ScanWork &work,
                          ProblemSize size);

} // namespace mamba
