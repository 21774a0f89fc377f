// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_FUNCTION_H
#define MAMBA_RUNTIME_FUNCTION_H

#include "runtime/Grid.h"
#include "runtime/RecentValues.h"

namespace mamba::rt {

/// What a launch does that depends on its sizes alone.
struct LaunchChoice {
  /// The kernels of the first steps. A function of more chooses those again.
  std::array<ChosenKernel, 8> kernels;
  /// Whether one of them relies on what flags hold.
  bool readsFlags = false;
};

/// Arguments that passed all checks, and what is done with them.
struct PreparedLaunch {
  CheckedArguments checked;
  LaunchChoice choice;
};

/// What functions of every device have in common: a plan, the device its
/// arguments live on, and the validation before a launch.
class Function {
public:
  const Plan &plan() const { return launchPlan; }

  /// Fills `launch` from `arguments` but for the places of temporaries; all
  /// rules of `mamba_function_check`.
  Status check(ArgumentList arguments, PreparedLaunch &launch) const;

  /// Size of the workspace for these arguments in bytes.
  Result<int64_t> workspaceBytes(ArgumentList arguments) const;

  /// The name of the kernel that `step` runs for these arguments; null if there
  /// is no such step.
  Result<const char *> kernelName(ArgumentList arguments, int32_t step) const;

protected:
  Function(Plan plan, Placement place, int64_t gridLimit)
      : launchPlan(std::move(plan)), place(place), gridLimit(gridLimit),
        recent(std::make_unique<RecentChoices>()) {}

  /// `check`, then the temporaries' places in the workspace.
  Status prepare(ArgumentList arguments, void *workspace, uint64_t bytes,
                 PreparedLaunch &launch) const;

  /// The kernel that runs as the step `index`.
  ChosenKernel chosen(const PreparedLaunch &launch, size_t index) const {
    if (index < launch.choice.kernels.size())
      return launch.choice.kernels[index];
    return *chooseKernel(launchPlan, launchPlan.steps()[index], launch.checked,
                         gridLimit);
  }

private:
  using Sizes = std::array<int64_t, MAMBA_MAX_SYMBOLS>;
  using RecentChoices = RecentValues<Sizes, LaunchChoice, 4>;

  /// Chooses the kernels for sizes that none was chosen for lately, and checks
  /// that tensor maps can address their tensors.
  Status choose(const CheckedArguments &checked, LaunchChoice &choice) const;

  Plan launchPlan;
  Placement place;
  int64_t gridLimit;
  /// Of sizes for which `choose` succeeded.
  std::unique_ptr<RecentChoices> recent;
};

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_FUNCTION_H
