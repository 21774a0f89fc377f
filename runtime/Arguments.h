// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_ARGUMENTS_H
#define MAMBA_RUNTIME_ARGUMENTS_H

#include "runtime/Plan.h"

#include <array>
#include <cstdint>
#include <span>

namespace mamba::rt {

/// Alignment of the workspace and of each temporary inside it, in bytes.
constexpr int64_t workspaceAlignment = 256;

using ArgumentList = std::span<const DLTensor *const>;

/// Arguments that have been checked against a plan: everything a launch needs,
/// without allocation.
struct CheckedArguments {
  /// Value of each symbol of the plan.
  std::array<int64_t, MAMBA_MAX_SYMBOLS> symbols = {};
  /// Data of each param of the plan. Temporaries are null until
  /// `placeTemporaries`.
  std::array<void *, MAMBA_MAX_PARAMS> pointers = {};
  /// Size of each param of the plan in bytes.
  std::array<int64_t, MAMBA_MAX_PARAMS> bytes = {};
  /// How much workspace the temporaries need in bytes.
  int64_t workspaceBytes = 0;
};

/// Checks `arguments`, the plan's inputs and outputs in order, which must be
/// on `device`, and fills `checked`. MAMBA_INVALID_ARGUMENT names the argument,
/// the value found and the one expected.
Status checkArguments(const Plan &plan, DLDevice device, ArgumentList arguments,
                      CheckedArguments &checked);

/// Cuts the temporaries from `workspace`. MAMBA_INVALID_ARGUMENT if it is null,
/// too small or not aligned to `workspaceAlignment`.
Status placeTemporaries(const Plan &plan, void *workspace,
                        uint64_t workspaceBytes, CheckedArguments &checked);

/// The product of the kernel's grid factors, at most `limit`.
Result<int64_t> gridSize(const mamba_kernel &kernel,
                         const CheckedArguments &checked, int64_t limit);

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_ARGUMENTS_H
