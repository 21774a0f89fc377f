// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_PLAN_H
#define MAMBA_RUNTIME_PLAN_H

#include "runtime/Status.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mamba::rt {

/// "float32", "bfloat16", ...; "an unknown dtype" for other numbers.
const char *dtypeName(int32_t dtype);

/// Size of an element in bytes; 0 for an unknown dtype.
int64_t dtypeBytes(int32_t dtype);

/// Kernels of a plan of which a launch runs one: a series of alternatives, or a
/// kernel that has none.
struct PlanStep {
  int32_t first; ///< Of the plan's kernels.
  int32_t count;
};

/// A verified launch plan that owns everything it points to.
class Plan {
public:
  /// Copies `source` (which may be null: an error). MAMBA_INVALID_ARGUMENT
  /// names the entry that breaks a rule of LaunchPlan.h, and the rule.
  static Result<Plan> copy(const mamba_plan *source);

  const std::string &name() const { return functionName; }
  const std::string &target() const { return targetName; }
  bool onGpu() const { return minCapability > 0; }

  /// Whether a device of compute capability `capability` (10 * major + minor)
  /// runs the kernels; MAMBA_UNSUPPORTED names both.
  Status checkCapability(int32_t capability) const;

  std::span<const mamba_param> params() const { return paramList; }
  std::span<const mamba_symbol> symbols() const { return symbolList; }
  std::span<const mamba_kernel> kernels() const { return kernelList; }
  std::span<const PlanStep> steps() const { return stepList; }

  /// Whether a kernel takes flags.
  bool takesFlags(int32_t kernel) const { return flagTakers[kernel]; }

  /// How many arguments a caller passes: the inputs and outputs.
  size_t argumentCount() const { return static_cast<size_t>(numArguments); }

  /// Position of a param among the caller's arguments, -1 for a temporary.
  int32_t positionOf(int32_t param) const { return positions[param]; }

private:
  Plan() = default;

  const char *keep(const char *string);

  std::string functionName;
  std::string targetName;
  int32_t minCapability = 0;
  bool exactCapability = false;
  std::vector<mamba_param> paramList;
  std::vector<mamba_symbol> symbolList;
  std::vector<mamba_kernel> kernelList;
  std::vector<PlanStep> stepList;
  std::vector<bool> flagTakers;
  std::vector<int32_t> positions;
  int32_t numArguments = 0;
  // Pointers into the strings stay valid when the plan moves.
  std::vector<std::unique_ptr<std::string>> strings;
};

/// Checks a plan against the rules of LaunchPlan.h.
Status verifyPlan(const mamba_plan *plan);

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_PLAN_H
