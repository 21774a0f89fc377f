// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Loops over static tiles without masks: full tiles in a loop, the remainder
// as a tile of its own size.

#ifndef MAMBA_CODEGEN_CPU_STATICTILES_H
#define MAMBA_CODEGEN_CPU_STATICTILES_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mamba::codegen {

/// What becomes of the elements behind the last full tile: one narrower tile,
/// or one for each power of two in their number (vectors of other sizes are
/// slow).
enum class Remainder { Whole, PowersOfTwo };

/// Calls `body(offset, width)` for the tiles of `step` elements of 0…size,
/// within a loop, then for the remainder. The builder's insertion point is
/// where the body belongs, afterwards it is behind all.
void forStaticTiles(
    mlir::ImplicitLocOpBuilder &b, int64_t size, int64_t step,
    Remainder remainder,
    llvm::function_ref<void(mlir::Value offset, int64_t width)> body);

/// A loop from `begin` to `end` (index values) by `step`; `body` fills it.
void forRange(mlir::ImplicitLocOpBuilder &b, mlir::Value begin, mlir::Value end,
              int64_t step, llvm::function_ref<void(mlir::Value)> body);

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_STATICTILES_H
