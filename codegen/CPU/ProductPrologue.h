// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a product's accumulators start from, computed tile by tile in registers
// instead of in a pass over memory of its own.

#ifndef MAMBA_CODEGEN_CPU_PRODUCTPROLOGUE_H
#define MAMBA_CODEGEN_CPU_PRODUCTPROLOGUE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mamba::codegen {

/// The operation before `product` in its block that writes its result buffer,
/// if that can move to the product: a fill, or a point-wise operation that
/// reads whole rows, columns or elements in place. Null if there is none.
mlir::Operation *findPrologue(mlir::linalg::GenericOp product);

/// The values of a prologue at rows i … i+rows−1 and columns j … j+columns−1,
/// as a vector of that shape.
mlir::Value emitPrologue(mlir::ImplicitLocOpBuilder &b,
                         mlir::Operation *prologue, mlir::Value i,
                         mlir::Value j, int64_t rows, int64_t columns);

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_PRODUCTPROLOGUE_H
