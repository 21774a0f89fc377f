// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Emits the body of a chunk program with one token a chunk. Axes of time have
// one element and are dropped: what remains are scalars, vectors over channels
// or states, and tiles of the state's shape. Products become sums along a row,
// outer products and scalings, in f32 and without tensor cores.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "dialect/Tile/TileDialect.h"
#include "passes/Analysis/TileAxes.h"
#include "llvm/ADT/DenseMap.h"

namespace mamba {

class RecurrentEmitter {
public:
  /// The thread block has `warps` warps and `channels` of the headdim.
  RecurrentEmitter(mlir::OpBuilder &builder, const TileAxes &axes,
                   int64_t warps, int64_t channels)
      : builder(builder), axes(axes), warps(warps), channels(channels) {}

  /// Roles of the axes that are no time.
  llvm::SmallVector<ssd::DimRole> getRoles(mlir::Value value);
  /// A scalar, or a register tile; channels and states padded to whole
  /// fragments of all warps.
  mlir::Type getType(mlir::Value value);

  /// Binds an argument of the body.
  void bind(mlir::Value tile, mlir::Value emitted) { values[tile] = emitted; }
  /// Emits a value at the builder's insertion point.
  mlir::FailureOr<mlir::Value> emit(mlir::Value value);

private:
  mlir::FailureOr<mlir::Value> emitOperation(mlir::Operation &op);
  mlir::FailureOr<mlir::Value> emitElementwise(mlir::Operation &op);
  mlir::FailureOr<mlir::Value> emitDot(ssd::DotOp op);
  mlir::FailureOr<mlir::Value> emitOperand(mlir::Value value);
  mlir::Value emitConstant(mlir::TypedAttr scalar, mlir::Type type);
  mlir::Value spread(mlir::Value value, mlir::Type type);
  mlir::Value clearPadding(mlir::Value tile, int64_t states);

  mlir::OpBuilder &builder;
  const TileAxes &axes;
  int64_t warps, channels;
  llvm::DenseMap<mlir::Value, mlir::Value> values;
};

} // namespace mamba
