// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Function.h"

#include "runtime/TensorMap.h"

using namespace mamba::rt;

Status Function::check(ArgumentList arguments,
                       CheckedArguments &checked) const {
  Status status = checkArguments(launchPlan, place, arguments, checked);
  for (const PlanStep &step : launchPlan.steps()) {
    if (!status.isOk())
      break;
    Result<ChosenKernel> chosen =
        chooseKernel(launchPlan, step, checked, gridLimit);
    if (!chosen.isOk())
      return chosen.takeStatus();
    const mamba_kernel &kernel = launchPlan.kernels()[chosen->index];
    if (launchPlan.takesZeros(chosen->index))
      checked.readsZeros |= kernel.gang == 0 || chosen->work.cuts;
    TensorMapShape shape;
    for (int32_t i = 0; status.isOk() && i < kernel.num_tensor_maps; ++i)
      status =
          shapeTensorMap(launchPlan, kernel.tensor_maps[i], checked, shape);
  }
  return status;
}

Result<int64_t> Function::workspaceBytes(ArgumentList arguments) const {
  CheckedArguments checked;
  Status status = checkArguments(launchPlan, place, arguments, checked);
  if (!status.isOk())
    return status;
  return checked.workspaceBytes;
}

Result<const char *> Function::kernelName(ArgumentList arguments,
                                          int32_t step) const {
  CheckedArguments checked;
  Status status = check(arguments, checked);
  if (!status.isOk())
    return status;
  auto steps = launchPlan.steps();
  if (step < 0 || static_cast<size_t>(step) >= steps.size())
    return static_cast<const char *>(nullptr);
  return launchPlan.kernels()[choose(steps[step], checked).index].name;
}

Status Function::prepare(ArgumentList arguments, void *workspace,
                         uint64_t bytes, CheckedArguments &checked) const {
  Status status = check(arguments, checked);
  if (!status.isOk())
    return status;
  return placeTemporaries(launchPlan, workspace, bytes, checked);
}
