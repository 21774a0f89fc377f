// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Function.h"

using namespace mamba::rt;

Status Function::check(ArgumentList arguments,
                       CheckedArguments &checked) const {
  Status status = checkArguments(launchPlan, device, arguments, checked);
  for (const mamba_kernel &kernel : launchPlan.kernels())
    if (status.isOk())
      status = gridSize(kernel, checked, gridLimit).takeStatus();
  return status;
}

Result<int64_t> Function::workspaceBytes(ArgumentList arguments) const {
  CheckedArguments checked;
  Status status = checkArguments(launchPlan, device, arguments, checked);
  if (!status.isOk())
    return status;
  return checked.workspaceBytes;
}

Status Function::prepare(ArgumentList arguments, void *workspace,
                         uint64_t bytes, CheckedArguments &checked) const {
  Status status = check(arguments, checked);
  if (!status.isOk())
    return status;
  return placeTemporaries(launchPlan, workspace, bytes, checked);
}
