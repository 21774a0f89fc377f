// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_GRID_H
#define MAMBA_RUNTIME_GRID_H

#include "runtime/Arguments.h"
#include "runtime/abi/WorkDivision.h"

namespace mamba::rt {

/// A kernel that a launch runs, and how.
struct ChosenKernel {
  int32_t index = 0; ///< Among the plan's kernels.
  WorkDivision work;
};

/// How `kernel` divides the work of a launch. MAMBA_INVALID_ARGUMENT if the
/// product of its grid factors is above `limit`, MAMBA_UNSUPPORTED if the
/// device is smaller than a gang.
Result<WorkDivision> divideWork(const mamba_kernel &kernel,
                                const CheckedArguments &checked, int64_t limit);

/// The kernel of `step` that a launch runs, by the rule in LaunchPlan.h. The
/// error of the first one if none is possible.
Result<ChosenKernel> chooseKernel(const Plan &plan, const PlanStep &step,
                                  const CheckedArguments &checked,
                                  int64_t limit);

/// MAMBA_UNSUPPORTED if `units` multiprocessors cannot hold a gang of the
/// kernel.
Status checkGang(const mamba_kernel &kernel, int64_t units);

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_GRID_H
