// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ssd-select-schedule: decides, and writes the decision as an attribute.

#include "passes/Passes.h"
#include "passes/Transforms/ScheduleSelector.h"

namespace mamba {
#define GEN_PASS_DEF_SELECTSCHEDULE
#include "passes/Passes.h.inc"
} // namespace mamba

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

namespace {

struct SelectSchedule : mamba::impl::SelectScheduleBase<SelectSchedule> {
  using SelectScheduleBase::SelectScheduleBase;

  FailureOr<ScheduleRequest> parseOptions();
  LogicalResult schedule(ApplyOp apply, const ScheduleRequest &request);
  void runOnOperation() override;
};

} // namespace

FailureOr<ScheduleRequest> SelectSchedule::parseOptions() {
  Location loc = getOperation().getLoc();
  ScheduleRequest request;
  request.target = lookupTarget(target);
  if (!request.target)
    return emitError(loc, "ssd-select-schedule: unknown target '")
           << target.getValue() << "'; known are " << listTargets();
  if (!form.empty()) {
    request.form = symbolizeForm(form);
    if (!request.form)
      return emitError(loc, "ssd-select-schedule: unknown form '")
             << form.getValue() << "'; known are recurrent, chunked, quadratic";
  }
  if (!weights.empty()) {
    request.weights = symbolizeWeightSide(weights);
    if (!request.weights)
      return emitError(loc, "ssd-select-schedule: unknown weights '")
             << weights.getValue() << "'; known are values, keys";
  }
  if (assumeBatch < 1 || assumeLength < 1)
    return emitError(loc, "ssd-select-schedule: assume-batch and assume-length "
                          "must be at least 1, but are ")
           << assumeBatch.getValue() << " and " << assumeLength.getValue();
  for (int64_t number :
       {chunk.getValue(), subBlock.getValue(), channels.getValue(),
        warps.getValue(), stages.getValue()})
    if (number < 0)
      return emitError(loc, "ssd-select-schedule: a forced number must not be "
                            "negative, but one is ")
             << number;
  if (consumers < -1 || segment < -1)
    return emitError(loc,
                     "ssd-select-schedule: consumers and segment must be -1 "
                     "(chosen) or more, but are ")
           << consumers.getValue() << " and " << segment.getValue();
  request.assumed = {assumeBatch, assumeLength};
  request.chunk = chunk;
  request.subBlock = subBlock;
  request.channels = channels;
  request.warps = warps;
  request.stages = stages;
  request.consumers = consumers;
  if (segment >= 0)
    request.segment = segment;
  return request;
}

LogicalResult SelectSchedule::schedule(ApplyOp apply,
                                       const ScheduleRequest &request) {
  ScheduleSelector selector(apply, request);
  if (failed(selector.checkMixer()))
    return failure();
  std::optional<ScheduleAttr> written = apply.getSchedule();
  FailureOr<ScheduleAttr> chosen =
      written ? selector.complete(*written) : selector.select();
  if (failed(chosen))
    return failure();
  apply.setScheduleAttr(*chosen);
  ++(written ? numKept : numSelected);
  return success();
}

void SelectSchedule::runOnOperation() {
  FailureOr<ScheduleRequest> request = parseOptions();
  if (failed(request))
    return signalPassFailure();
  WalkResult result = getOperation().walk([&](ApplyOp apply) {
    return failed(schedule(apply, *request)) ? WalkResult::interrupt()
                                             : WalkResult::advance();
  });
  if (result.wasInterrupted())
    signalPassFailure();
}
