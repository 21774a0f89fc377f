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
  /// Multiprocessors of the device, 0 on the CPU.
  int64_t units = 0;
};

/// A device as arguments are checked for it.
struct Placement {
  DLDevice device;
  int64_t units = 0; ///< Multiprocessors, 0 on the CPU.
};

/// The value of a size of a verified plan.
int64_t dimValue(const mamba_dim &dim, const CheckedArguments &checked);

/// Checks `arguments`, the plan's inputs and outputs in order, which must be
/// on the device, and fills `checked`. MAMBA_INVALID_ARGUMENT names the
/// argument, the value found and the one expected.
Status checkArguments(const Plan &plan, Placement place, ArgumentList arguments,
                      CheckedArguments &checked);

/// Bytes of the plan's flags, one param behind the other as in a workspace, on
/// a device of `units` multiprocessors.
Result<int64_t> measureFlags(const Plan &plan, int64_t units);

/// Cuts the temporaries from `workspace`, flags first, so that one memset
/// clears them. MAMBA_INVALID_ARGUMENT if it is null, too small or not aligned
/// to `workspaceAlignment`.
Status placeTemporaries(const Plan &plan, void *workspace,
                        uint64_t workspaceBytes, CheckedArguments &checked);

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_ARGUMENTS_H
