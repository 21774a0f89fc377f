// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ScheduleSelector: persistent kernels, with roles or with teams. A chunk
// program has one for ranges and one for segments of sequences.

#include "passes/Transforms/ScheduleSelector.h"
#include "runtime/abi/WorkDivision.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

SmallVector<Alternative> ScheduleSelector::listKernels(
    ScheduleAttr schedule, ArrayRef<int64_t> consumers, int64_t usualSegment) {
  SmallVector<Alternative> kernels;
  if (apply.getSchedule()) {
    kernels.push_back({schedule.getConsumers(), schedule.getSegment()});
    llvm::append_range(kernels, schedule.getAlternatives());
    return kernels;
  }
  SmallVector<int64_t, 2> segments = {request.segment.value_or(0)};
  if (usualSegment && !request.segment)
    segments.push_back(usualSegment);
  for (int64_t count : consumers)
    for (int64_t segment : segments)
      kernels.push_back({count, segment});
  return kernels;
}

/// With the smallest batch and the longest sequences that there may be.
bool ScheduleSelector::splitsSequences(const PersistentShape &shape) {
  constexpr int64_t kLongest = int64_t(1) << 40;
  int64_t batch = apply.getX().getType().getDimSize(0);
  if (ShapedType::isDynamic(batch))
    batch = 1;
  int64_t length = getLength();
  if (ShapedType::isDynamic(length))
    length = kLongest;
  rt::WorkDivision division = rt::dividePersistentWork(
      {batch * shape.sets, llvm::divideCeilSigned(length, shape.chunk),
       shape.gang, shape.segment},
      target.units);
  return division.segments > 1;
}

void ScheduleSelector::chooseKernels(
    ScheduleCandidate &candidate, ArrayRef<int64_t> consumers,
    int64_t usualSegment,
    llvm::function_ref<std::optional<PersistentShape>(Alternative)> getShape) {
  bool isWritten = apply.getSchedule().has_value();
  bool launchChooses = isWritten || hasDynamicSizes();
  bool segmentIsFree = !isWritten && !request.segment;
  std::optional<PersistentShape> chosen;
  Alternative own;
  SmallVector<Alternative> others;
  double least = std::numeric_limits<double>::infinity();
  ScheduleAttr schedule = candidate.schedule;
  for (Alternative kernel : listKernels(schedule, consumers, usualSegment)) {
    std::optional<PersistentShape> shape = getShape(kernel);
    if (!shape && isWritten)
      return;
    if (!shape || (kernel.segment && segmentIsFree && !splitsSequences(*shape)))
      continue;
    if (!chosen || (!launchChooses && shape->seconds < least)) {
      chosen = shape;
      own = kernel;
    } else if (launchChooses) {
      others.push_back(kernel);
    }
    least = std::min(least, shape->seconds);
  }
  if (!chosen)
    return;
  candidate.rejection.clear();
  candidate.seconds = least;
  candidate.schedule = ScheduleAttr::get(
      apply.getContext(), schedule.getForm(), schedule.getChunk(),
      schedule.getSubBlock(), schedule.getOperand(), schedule.getWeights(),
      chosen->channels, chosen->warps, chosen->stages, own.consumers,
      own.segment, others);
}

} // namespace mamba
