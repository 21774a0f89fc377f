// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The choice of one mixer's schedule: candidates, their legality on a target
// and their predicted times.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Analysis/CostModel.h"

#include <optional>

namespace mamba {

struct RoleShape;
struct TeamShape;

/// What a schedule is chosen for, and what is forced.
struct ScheduleRequest {
  const Target *target = nullptr;
  ProblemSize assumed;
  std::optional<ssd::Form> form;
  std::optional<ssd::WeightSide> weights;
  /// Forced numbers; 0: chosen.
  int64_t chunk = 0;
  int64_t subBlock = 0;
  int64_t channels = 0;
  int64_t warps = 0;
  int64_t stages = 0;
  /// Consumer warpgroups of a thread block; 0: kernels without roles; negative:
  /// chosen.
  int64_t consumers = -1;
  /// Fewest chunks of a segment of a sequence; 0: sequences are cut into
  /// ranges; none: chosen.
  std::optional<int64_t> segment;
};

/// The kernels of a chunk program on a GPU. A CPU has the plain ones.
enum class KernelKind {
  Plain, ///< A thread block a head, operands of products through shared memory.
  Recurrent, ///< Token by token, without products.
  Teams,     ///< A thread block for several heads, one a team of warps.
  Roles      ///< Warps with roles (the schedule's consumers may be still open).
};

/// One schedule that was considered.
struct ScheduleCandidate {
  ssd::ScheduleAttr schedule;
  KernelKind kind = KernelKind::Plain;
  double seconds = 0;
  ScanWork work;
  /// Why it is not legal, with the number that says so; empty: it is.
  std::string rejection;
};

class ScheduleSelector {
public:
  /// Of its remarks.
  static constexpr llvm::StringLiteral kCategory = "ssd-select-schedule";

  ScheduleSelector(ssd::ApplyOp apply, const ScheduleRequest &request);

  /// Checks what no schedule can change: support, sizes, element types.
  llvm::LogicalResult checkMixer();

  /// Considers every candidate; fails with a diagnostic when none is legal.
  llvm::FailureOr<ssd::ScheduleAttr> select();

  /// Checks a schedule written by the user and fills in fields that are 0.
  llvm::FailureOr<ssd::ScheduleAttr> complete(ssd::ScheduleAttr schedule);

private:
  /// A chunk program of the mixer on a copy of its function.
  struct Trial {
    mlir::OwningOpRef<mlir::func::FuncOp> function;
    ssd::ChunkScanOp scan;
  };
  llvm::FailureOr<Trial> decomposeCopy(ssd::ScheduleAttr schedule);
  llvm::LogicalResult findOperandType(ssd::ChunkScanOp scan);

  llvm::SmallVector<ScheduleCandidate> listCandidates();
  llvm::SmallVector<KernelKind, 3> listChunkedKinds();
  KernelKind getKind(ssd::ScheduleAttr schedule);
  ssd::ScheduleAttr makeSchedule(ssd::Form form, int64_t chunk,
                                 KernelKind kind = KernelKind::Plain);
  std::string rejectForm(ssd::ScheduleAttr schedule);
  /// What the kernels of a kind fix, and what they decide and cost.
  std::string rejectForKind(const ScheduleCandidate &candidate);
  /// What several kinds of kernels fix: sub-blocks and operands, slices of the
  /// headdim.
  std::string rejectTiles(ssd::ScheduleAttr schedule);
  std::string rejectChannels(ssd::ScheduleAttr schedule);
  std::string rejectForPlain(ssd::ScheduleAttr schedule);
  void evaluatePlain(ScheduleCandidate &candidate, ssd::ChunkScanOp scan);
  std::string rejectForRecurrent(ssd::ScheduleAttr schedule);
  void evaluateRecurrent(ScheduleCandidate &candidate, ssd::ChunkScanOp scan);
  /// What is known of a persistent kernel.
  struct PersistentShape {
    /// Of its schedule, and its thread blocks' share of the work.
    int64_t channels, warps, stages, gang, sets, chunk, segment;
    double seconds;
  };
  /// Those that are written, or each number of consumers with ranges and with
  /// segments of the usual length (0: not possible), or the forced one of them.
  llvm::SmallVector<ssd::Alternative>
  listKernels(ssd::ScheduleAttr schedule, llvm::ArrayRef<int64_t> consumers,
              int64_t usualSegment);
  /// Whether there are sizes for which a kernel splits sequences.
  bool splitsSequences(const PersistentShape &shape);
  /// Completes the candidate's schedule with the fastest of the kernels or,
  /// where sizes are dynamic, with all of them, between which a launch chooses.
  /// `getShape` says why there is no such kernel in the candidate's rejection.
  void chooseKernels(
      ScheduleCandidate &candidate, llvm::ArrayRef<int64_t> consumers,
      int64_t usualSegment,
      llvm::function_ref<std::optional<PersistentShape>(ssd::Alternative)>
          getShape);
  std::string rejectForTeams(ssd::ScheduleAttr schedule);
  void evaluateTeams(ScheduleCandidate &candidate, ssd::ChunkScanOp scan);
  std::string rejectForRoles(ssd::ScheduleAttr schedule);
  /// Considers kernels with every number of consumers, for ranges and for
  /// segments, unless they are forced.
  void evaluateRoles(ScheduleCandidate &candidate, ssd::ChunkScanOp scan);
  void remarkOn(const RoleShape &shape, double seconds);
  void remarkOn(const TeamShape &shape, double seconds);
  /// Decomposes, fills in the block's shape and predicts the time.
  llvm::LogicalResult evaluate(ScheduleCandidate &candidate);
  void remarkOn(const ScheduleCandidate &candidate,
                const ScheduleCandidate *best);

  /// Whether the user asks for this form, by an option or a schedule.
  bool isForced(ssd::Form form);
  int64_t getLength();
  /// The sizes of the mixer, assumed where they are dynamic.
  ProblemSize getSizes();
  /// The same, and on a GPU further ones where only a launch knows them.
  llvm::SmallVector<ProblemSize, 4> listSizes();
  /// The geometric mean of the predicted seconds over all sizes.
  double
  predict(ssd::ChunkScanOp scan,
          llvm::function_ref<double(const ScanWork &, ProblemSize)> predictAt);
  /// Whether only a launch knows the sizes.
  bool hasDynamicSizes();

  ssd::ApplyOp apply;
  ScheduleRequest request;
  const Target &target;
  /// Element type that dot operands are rounded to.
  mlir::Type operandType;
};

} // namespace mamba
