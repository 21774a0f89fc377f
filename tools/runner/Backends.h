// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The ways to execute that are compiled in; Executable.cpp has one row each.

#pragma once

#include "runtime/Status.h"
#include "tools/runner/Executable.h"

namespace mamba::tools {

using CreatedExecutable = llvm::Expected<std::unique_ptr<Executable>>;

/// Compiles for the CPU of this machine.
CreatedExecutable createCpuExecutable(mlir::func::FuncOp function,
                                      const Target &target);

/// Compiles for the first GPU of this machine, with the code of `target`; null:
/// of the row that fits the GPU best.
CreatedExecutable createGpuExecutable(mlir::func::FuncOp function,
                                      const Target *target);

/// The row for a GPU: the greatest capability at or below its own; rows for one
/// architecture only ("sm_90a") need that very capability. Fails where no row
/// serves it.
llvm::Expected<const Target *> chooseGpuTarget(const mamba_device_info &device);

/// A module with a copy of `function` alone.
mlir::OwningOpRef<mlir::ModuleOp> isolate(mlir::func::FuncOp function);

/// Lowers the functions of a module to chunk programs for `target`.
llvm::Error lowerToChunks(mlir::ModuleOp module, const Target &target);

/// A runtime status as an error.
llvm::Error toError(const rt::Status &status);

} // namespace mamba::tools
