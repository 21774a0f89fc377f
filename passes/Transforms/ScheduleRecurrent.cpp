// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ScheduleSelector: recurrent kernels.

#include "passes/Transforms/RecurrentShape.h"
#include "passes/Transforms/ScheduleSelector.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

std::string ScheduleSelector::rejectForRecurrent(ScheduleAttr schedule) {
  if (!schedule.getOperand().isF32())
    return llvm::formatv("recurrent kernels compute in f32, not in operand {0}",
                         schedule.getOperand());
  if (ShapedType::isDynamic(getLength()) && !isForced(Form::Recurrent))
    return "the length of the sequence is dynamic";
  return "";
}

void ScheduleSelector::evaluateRecurrent(ScheduleCandidate &candidate,
                                         ChunkScanOp scan) {
  ScheduleAttr schedule = candidate.schedule;
  RecurrentShape shape =
      chooseRecurrentShape(scan, {schedule.getWarps(), schedule.getChannels()});
  candidate.rejection = rejectRecurrentShape(scan, shape);
  candidate.seconds = predict(scan, [&](const ScanWork &work, ProblemSize) {
    return predictRecurrentSeconds(work, target);
  });
  candidate.schedule = ScheduleAttr::get(
      apply.getContext(), schedule.getForm(), schedule.getChunk(),
      schedule.getSubBlock(), schedule.getOperand(), schedule.getWeights(),
      shape.channels, shape.warps, /*stages=*/0, /*consumers=*/0, /*segment=*/0,
      /*alternatives=*/ArrayRef<Alternative>());
}

} // namespace mamba
