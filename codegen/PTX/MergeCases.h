// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef CODEGEN_PTX_MERGECASES_H
#define CODEGEN_PTX_MERGECASES_H

#include "mlir/IR/Operation.h"

namespace mamba::codegen {

/// Leaves one of the cases of a `cf.switch` that do the same: warps branch to a
/// code for their part of a tile, and several parts may have the same. LLVM
/// merges no blocks.
void mergeCases(mlir::Operation *function);

} // namespace mamba::codegen

#endif // CODEGEN_PTX_MERGECASES_H
