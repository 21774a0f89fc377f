// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ScheduleSelector: the plain kernels of a chunk program, a thread block a
// head.

#include "passes/Transforms/ScheduleSelector.h"

#include "mlir/IR/Remarks.h"
#include "passes/Analysis/BlockResources.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

std::string ScheduleSelector::rejectTiles(ScheduleAttr schedule) {
  const KernelLimits &limits = getMmaSyncLimits();
  if (schedule.getSubBlock() != limits.rowsPerWarp)
    return llvm::formatv("sub_block {0} is not the {1} rows of a warp",
                         schedule.getSubBlock(), limits.rowsPerWarp);
  if (schedule.getOperand() != operandType)
    return llvm::formatv("operand {0} is not the inputs' type {1}",
                         schedule.getOperand(), operandType);
  return "";
}

std::string ScheduleSelector::rejectChannels(ScheduleAttr schedule) {
  const KernelLimits &limits = getMmaSyncLimits();
  int64_t headdim = apply.getX().getType().getDimSize(3);
  int64_t channels = schedule.getChannels();
  if (channels && (channels > headdim || channels % limits.dimMultiple))
    return llvm::formatv("{0} channels are not a multiple of {1} up to the "
                         "headdim {2}",
                         channels, limits.dimMultiple, headdim);
  return "";
}

/// What the kernels of the target's instruction family fix.
std::string ScheduleSelector::rejectForPlain(ScheduleAttr schedule) {
  const KernelLimits &limits = getMmaSyncLimits();
  if (schedule.getSegment() || !schedule.getAlternatives().empty())
    return "plain kernels have neither segments nor alternatives";
  if (schedule.getForm() != Form::Chunked ||
      schedule.getChunk() != limits.getChunk())
    return llvm::formatv("kernels have {0} warps of {1} token rows, {2} "
                         "tokens a chunk",
                         limits.warps, limits.rowsPerWarp, limits.getChunk());
  if (schedule.getSubBlock() != limits.rowsPerWarp)
    return llvm::formatv("sub_block {0} is not the {1} rows of a warp",
                         schedule.getSubBlock(), limits.rowsPerWarp);
  if (schedule.getWarps() && schedule.getWarps() != limits.warps)
    return llvm::formatv("{0} warps, but kernels have {1}", schedule.getWarps(),
                         limits.warps);
  if (schedule.getStages() > limits.maxStages)
    return llvm::formatv("{0} stages exceed {1}", schedule.getStages(),
                         limits.maxStages);
  if (std::string rejection = rejectChannels(schedule); !rejection.empty())
    return rejection;
  if (schedule.getWeights() != WeightSide::Keys)
    return "kernels without teams put the state weights on the keys";
  if (schedule.getOperand() != operandType)
    return llvm::formatv("operand {0} is not the inputs' type {1}",
                         schedule.getOperand(), operandType);
  return "";
}

/// Predicted seconds with a thread block for each slice of a head.
/// `chunkSeconds` are those of Mamba-2 with 64 channels and 128 states, whose
/// products are most of a chunk.
static double predictPlainSeconds(const ScanWork &work, const Target &target,
                                  int64_t slices) {
  constexpr double kFlops = 3.05e6, kShareOfProducts = 0.75;
  ScanWork sliced = work;
  sliced.items *= double(slices);
  double flops =
      (work.scoreFlops + (work.flops - work.scoreFlops) / double(slices)) /
      (work.items * work.chunks);
  Target row = target;
  row.chunkSeconds *= 1 - kShareOfProducts + kShareOfProducts * flops / kFlops;
  // The first copies of a block and its last stores overlap with nothing.
  return predictSeconds(sliced, row) + row.chunkSeconds;
}

void ScheduleSelector::evaluatePlain(ScheduleCandidate &candidate,
                                     ChunkScanOp scan) {
  ScheduleAttr schedule = candidate.schedule;
  const KernelLimits &limits = getMmaSyncLimits();
  std::optional<BlockShape> shape = chooseBlockShape(
      scan, target, limits, {schedule.getChannels(), schedule.getStages()},
      candidate.rejection);
  if (!shape)
    return;
  candidate.rejection.clear();
  int64_t slices =
      llvm::divideCeil(apply.getX().getType().getDimSize(3), shape->channels);
  candidate.seconds = predict(scan, [&](const ScanWork &work, ProblemSize) {
    return predictPlainSeconds(work, target, slices);
  });
  candidate.schedule = ScheduleAttr::get(
      apply.getContext(), schedule.getForm(), schedule.getChunk(),
      schedule.getSubBlock(), schedule.getOperand(), schedule.getWeights(),
      shape->channels, limits.warps, shape->stages, /*consumers=*/0,
      /*segment=*/0,
      /*alternatives=*/ArrayRef<Alternative>());
  BlockResources resources =
      predictBlockResources(scan, shape->channels, limits.warps, shape->stages);
  remark::analysis(apply.getLoc(),
                   remark::RemarkOpts::name("Resources").category(kCategory))
      << remark::add("predicted {0} registers a thread (limit {1}), {2} B of "
                     "shared memory (limit {3} B)",
                     resources.registersPerThread, target.registersPerThread,
                     resources.sharedBytes, target.sharedBytesPerBlock);
}

} // namespace mamba
