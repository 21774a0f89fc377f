// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the programs that work on one function of a file have in common.

#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

namespace mamba::tools {

/// Parses `file` and calls `body` on its function `entry` (empty: the only
/// public one). Diagnostics and errors go to standard error, the latter behind
/// "`tool`: error: ". Returns the exit status: the body's, 1 after an error.
int runOnEntry(
    llvm::StringRef tool, llvm::StringRef file, llvm::StringRef entry,
    llvm::function_ref<llvm::Expected<int>(mlir::func::FuncOp)> body);

} // namespace mamba::tools
