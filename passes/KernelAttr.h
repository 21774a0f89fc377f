// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The one thing that back ends and the launch plan agree on in the IR.

#pragma once

#include "llvm/ADT/StringRef.h"

namespace mamba {

/// Attribute of an operation that has become a kernel: the kernel's symbol.
inline constexpr llvm::StringLiteral kKernelAttr = "ssd.kernel";

} // namespace mamba
