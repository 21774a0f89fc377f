// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of tiles as loops over register tiles.

#ifndef MAMBA_CODEGEN_CPU_PRODUCTTILES_H
#define MAMBA_CODEGEN_CPU_PRODUCTTILES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace mamba::codegen {

/// How a product is cut for vector registers: `rows` × `columns` accumulators,
/// columns being a multiple of the vector width.
struct RegisterTile {
  int64_t rows, columns;
};

/// The register tile of an M×N product on a machine with `registers` vector
/// registers of `lanes` elements: two vectors side by side and as many rows as
/// leave registers for the operands; wider where there are fewer rows.
RegisterTile chooseRegisterTile(int64_t m, int64_t n, int64_t lanes,
                                int64_t registers);

/// Whether `op` is a product of two matrices of static sizes on buffers.
bool isProduct(mlir::linalg::GenericOp op);

/// Replaces a product by loops. An operand contracted along its rows is
/// transposed into a new buffer, by a generic which is left to the caller.
void lowerProduct(mlir::IRRewriter &rewriter, mlir::linalg::GenericOp op,
                  int64_t lanes, int64_t registers);

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_PRODUCTTILES_H
