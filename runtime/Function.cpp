// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Function.h"

#include "runtime/TensorMap.h"

using namespace mamba::rt;

Status Function::choose(const CheckedArguments &checked,
                        LaunchChoice &choice) const {
  auto steps = launchPlan.steps();
  for (size_t step = 0; step < steps.size(); ++step) {
    Result<ChosenKernel> chosen =
        chooseKernel(launchPlan, steps[step], checked, gridLimit);
    if (!chosen.isOk())
      return chosen.takeStatus();
    if (step < choice.kernels.size())
      choice.kernels[step] = *chosen;
    if (launchPlan.takesFlags(chosen->index))
      choice.readsFlags |= chosen->work.cuts;
    const mamba_kernel &kernel = launchPlan.kernels()[chosen->index];
    TensorMapShape shape;
    for (int32_t i = 0; i < kernel.num_tensor_maps; ++i) {
      Status status =
          shapeTensorMap(launchPlan, kernel.tensor_maps[i], checked, shape);
      if (!status.isOk())
        return status;
    }
  }
  return {};
}

Status Function::check(ArgumentList arguments, PreparedLaunch &launch) const {
  CheckedArguments &checked = launch.checked;
  Status status = checkArguments(launchPlan, place, arguments, checked);
  if (!status.isOk())
    return status;
  LaunchChoice &choice = launch.choice;
  if (recent->find(checked.symbols,
                   [&](const LaunchChoice &kept) { choice = kept; }))
    return {};
  status = choose(checked, choice);
  if (status.isOk())
    recent->insert(checked.symbols, [&](LaunchChoice &kept) { kept = choice; });
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
  PreparedLaunch launch;
  Status status = check(arguments, launch);
  if (!status.isOk())
    return status;
  if (step < 0 || static_cast<size_t>(step) >= launchPlan.steps().size())
    return static_cast<const char *>(nullptr);
  ChosenKernel kernel = chosen(launch, static_cast<size_t>(step));
  return launchPlan.kernels()[kernel.index].name;
}

Status Function::prepare(ArgumentList arguments, void *workspace,
                         uint64_t bytes, PreparedLaunch &launch) const {
  Status status = check(arguments, launch);
  if (!status.isOk())
    return status;
  return placeTemporaries(launchPlan, workspace, bytes, launch.checked);
}
