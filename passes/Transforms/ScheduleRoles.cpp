// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ScheduleSelector: the kernels with roles of a chunk program.

#include "passes/Transforms/ScheduleSelector.h"

#include "mlir/IR/Remarks.h"
#include "passes/Transforms/RoleShape.h"
#include "llvm/Support/FormatVariadic.h"

#include <limits>

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

/// What the kernels with roles fix, besides what their checks see in the
/// program.
std::string ScheduleSelector::rejectForRoles(ScheduleAttr schedule) {
  if (schedule.getForm() != Form::Chunked)
    return "kernels with roles are chunked";
  if (std::string rejection = rejectTiles(schedule); !rejection.empty())
    return rejection;
  if (request.channels || request.warps || request.stages ||
      request.weights == WeightSide::Keys)
    return "channels, warps, stages and weights of kernels with roles follow "
           "from their consumers and cannot be forced";
  return "";
}

void ScheduleSelector::remarkOn(const RoleShape &shape, double seconds) {
  remark::analysis(apply.getLoc(),
                   remark::RemarkOpts::name("Resources").category(kCategory))
      << remark::add("{0} consumers of {1} registers a thread, {2} B of shared "
                     "memory (limit {3} B), {4}; {5:F1} us predicted",
                     shape.consumers, shape.consumeRegisters, shape.sharedBytes,
                     target.sharedBytesPerBlock,
                     shape.segmentChunks ? "segments" : "ranges",
                     seconds * 1e6);
}

/// Where the sizes are known, the kernel with the least predicted time. Where
/// they are not, all of them: the launch chooses.
void ScheduleSelector::evaluateRoles(ScheduleCandidate &candidate,
                                     ChunkScanOp scan) {
  ScheduleAttr schedule = candidate.schedule;
  SmallVector<int64_t> consumers(std::begin(kConsumerChoices),
                                 std::end(kConsumerChoices));
  if (schedule.getConsumers())
    consumers = {schedule.getConsumers()};
  chooseKernels(
      candidate, consumers, canSplit(scan) ? kSegmentChunks : 0,
      [&](Alternative kernel) -> std::optional<PersistentShape> {
        std::optional<RoleShape> shape =
            chooseRoleShape(scan, target, kernel, candidate.rejection);
        if (!shape)
          return std::nullopt;
        double seconds =
            predict(scan, [&](const ScanWork &work, ProblemSize size) {
              return predictRoleSeconds(scan, target, *shape, work, size);
            });
        remarkOn(*shape, seconds);
        return PersistentShape{kRoleChannels,       shape->getWarps(),
                               shape->sharedStages, shape->gang,
                               shape->sets,         int64_t(scan.getChunk()),
                               kernel.segment,      seconds};
      });
}

} // namespace mamba
