// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Predicted times of kernels with teams.

#include "passes/Transforms/RoleShape.h"
#include "passes/Transforms/TeamShape.h"
#include "runtime/abi/WorkDivision.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

/// Measured on an H100 80GB HBM3 on 2026-11-23 with code for sm_80, fitted to
/// the times in codegen/PERFORMANCE.md: chunks of 64 tokens (S1 to S8, other
/// sizes) and of 32, whole and split sequences. A plain kernel's chunk took 2.5
/// us.
mamba_cost predictTeamCost(ChunkScanOp scan, const Target &target,
                           const TeamShape &shape, const ScanWork &work) {
  constexpr double kFlopsPerSecond = 2.12e12, kChunkEnds = 1.25e-6;
  // Of chunks that are long or wait for their own copies: estimated from S1
  // with chunks that do both.
  constexpr double kLongEnds = 3 * kChunkEnds;
  constexpr int64_t kLongChunk = 128;
  constexpr double kSummary = 0.27, kPlainChunk = 2.5e-6;
  // Teams read and write states in pieces of 32 bytes (an assumption).
  constexpr double kPieces = 1.25;
  constexpr double kLaunch = 4e-6, kJoin = 1.5e-6, kPicoseconds = 1e12;
  bool sharesScores =
      llvm::all_of(llvm::seq<unsigned>(scan.getIns().size()), [&](unsigned i) {
        return !isTokenTile(scan, i) ||
               llvm::is_contained(scan.getInRole(i).getRoles(),
                                  DimRole::Channel) ||
               isSharedOperand(scan, i, shape.teams, shape.slices);
      });
  auto teams = double(shape.teams), slices = double(shape.slices);
  double flops = (work.flops - work.scoreFlops) / slices * teams +
                 work.scoreFlops * (sharesScores ? 1 : teams);
  flops /= work.items * work.chunks;
  // Fewer warps leave schedulers idle.
  double idle = double(kMostTeamWarps) / double(shape.getWarps());
  bool isLong = shape.chunk >= kLongChunk || shape.stages == 1;
  double ends = isLong ? kLongEnds : kChunkEnds;
  // Kernels wait for latencies, which the clocks of a target scale.
  double chunk = target.chunkSeconds / kPlainChunk *
                 (flops / kFlopsPerSecond * idle + ends);
  return {
      int64_t(kPicoseconds * kLaunch), int64_t(kPicoseconds * chunk),
      int64_t(kPicoseconds * kSummary * chunk), int64_t(kPicoseconds * kJoin),
      int64_t(kPieces * double(predictStateCost(scan, target, shape.teams)))};
}

double predictTeamSeconds(ChunkScanOp scan, const Target &target,
                          const TeamShape &shape, const ScanWork &work,
                          ProblemSize size) {
  constexpr double kShareOfBandwidth = 0.91;
  int64_t chunks = llvm::divideCeil(size.length, shape.chunk);
  rt::WorkDivision division = rt::dividePersistentWork(
      {size.batch * shape.sets, chunks, shape.gang, shape.segmentChunks},
      target.units);
  mamba_cost cost = predictTeamCost(scan, target, shape, work);
  return std::max(1e-12 * rt::predictTime(division, cost),
                  work.bytes / (kShareOfBandwidth * target.bytesPerSecond));
}

} // namespace mamba
