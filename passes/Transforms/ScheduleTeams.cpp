// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ScheduleSelector: the kernels with teams of a chunk program.

#include "passes/Transforms/ScheduleSelector.h"

#include "mlir/IR/Remarks.h"
#include "passes/Transforms/TeamShape.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

/// What kernels with teams fix, besides what their checks see in the program.
std::string ScheduleSelector::rejectForTeams(ScheduleAttr schedule) {
  if (schedule.getForm() != Form::Chunked || schedule.getChunk() % 32 != 0)
    return "kernels with teams have chunks of a multiple of 32 tokens";
  std::string rejection = rejectTiles(schedule);
  return rejection.empty() ? rejectChannels(schedule) : rejection;
}

void ScheduleSelector::evaluateTeams(ScheduleCandidate &candidate,
                                     ChunkScanOp scan) {
  ScheduleAttr schedule = candidate.schedule;
  std::optional<TeamShape> shape =
      chooseTeamShape(scan, &target, schedule, candidate.rejection);
  if (!shape)
    return;
  candidate.rejection.clear();
  candidate.seconds =
      predict(scan, [&](const ScanWork &work, ProblemSize size) {
        return predictTeamSeconds(scan, target, *shape, work, size);
      });
  candidate.schedule = ScheduleAttr::get(
      apply.getContext(), schedule.getForm(), schedule.getChunk(),
      schedule.getSubBlock(), schedule.getOperand(), schedule.getWeights(),
      shape->channels, shape->getWarps(), shape->stages, /*consumers=*/0,
      /*segment=*/0,
      /*alternatives=*/ArrayRef<int64_t>());
  remark::analysis(apply.getLoc(),
                   remark::RemarkOpts::name("Resources").category(kCategory))
      << remark::add("{0} teams of {1} warps, predicted {2} registers a thread "
                     "(limit {3}), {4} B of shared memory (limit {5} B)",
                     shape->teams, shape->warps, shape->registers,
                     target.registersPerThread, shape->sharedBytes,
                     target.sharedBytesPerBlock);
}

} // namespace mamba
