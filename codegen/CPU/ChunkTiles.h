// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Tiles of a chunk program: where they lie, how they come into local buffers,
// which way round a state is carried.

#ifndef MAMBA_CODEGEN_CPU_CHUNKTILES_H
#define MAMBA_CODEGEN_CPU_CHUNKTILES_H

#include "dialect/IR/SsdOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mamba::codegen {

/// Where the tile of a chunk lies in a compact tensor.
struct TileAccess {
  TileAccess(mlir::RankedTensorType type, ssd::RolesAttr roles);

  /// Elements of one head of one token, and of one token.
  int64_t getHeadStride() const;
  int64_t getTokenStride() const { return heads * getHeadStride(); }

  /// Strides of the tile: of its rows if it has a time dimension, then of the
  /// sizes behind.
  llvm::SmallVector<int64_t> getTileStrides() const;

  bool hasBatch = false, hasTime = false;
  int64_t heads = 1;
  llvm::SmallVector<int64_t> inner; // sizes behind the batch, time and head
};

/// Whether products read the state along its second dimension more often than
/// along its first: a product wants its second operand contracted along rows.
bool isCarriedTransposed(mlir::BlockArgument state);

/// Copies the first `valid` rows of a buffer and fills the others with zero.
void loadRows(mlir::ImplicitLocOpBuilder &b, mlir::Value source,
              mlir::Value buffer, mlir::Value valid);

/// `pad` on the tensor `input` in a chunk of `valid` tokens.
mlir::Value emitPad(mlir::ImplicitLocOpBuilder &b, ssd::PadOp pad,
                    mlir::Value input, mlir::Value valid);

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_CHUNKTILES_H
