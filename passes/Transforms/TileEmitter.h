// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Emits the values of a chunk body as register tiles and shared buffers. A
// value is emitted on demand in the layout its user wants: what is point-wise
// in tiles of shared memory is computed again in each layout (it costs loads
// and arithmetic, no communication); products, masks and states have one
// natural layout and change it by renaming registers or through a buffer.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "dialect/Tile/TileDialect.h"
#include "passes/Analysis/TileAxes.h"
#include "llvm/ADT/DenseMap.h"

namespace mamba {

/// Numbers that fix the layouts of a kernel.
struct TileShape {
  int64_t chunk = 0;    ///< Q, tokens a chunk.
  int64_t warps = 0;    ///< Warps of the thread block.
  int64_t channels = 0; ///< Headdim slice of the thread block.
  WarpGridChoice state; ///< Grid of the states.
};

class TileEmitter {
public:
  /// Emits at `builder`'s insertion point; buffers are allocated through
  /// `entry`, in the kernel's entry block.
  TileEmitter(mlir::OpBuilder &builder, mlir::OpBuilder &entry,
              ssd::ChunkScanOp scan, const TileAxes &axes, TileShape shape);
  virtual ~TileEmitter() = default;

  /// Bind the body's arguments.
  void bindBuffer(mlir::Value tile, mlir::Value buffer);
  void bindScalar(mlir::Value tile, mlir::Value scalar);
  void bindVector(mlir::Value tile, mlir::Value lanes);
  void bindState(mlir::Value tile, mlir::Value registers);
  /// A channel vector is loaded by `load`, outside the chunk loop, in the
  /// layouts that are asked for.
  void bindChannels(mlir::Value tile,
                    std::function<mlir::Value(mlir::RankedTensorType)> load);
  /// Valid tokens of the current chunk (i32).
  void bindValidRows(mlir::Value rows) { validRows = rows; }

  /// Stores the copies of the carried states that products read, so that the
  /// barrier in front of the first reader comes late.
  void stageStates();

  /// The value in its natural layout: rows of tokens over all warps, states
  /// over their grid, vectors of tokens one element a lane.
  mlir::FailureOr<mlir::Value> emit(mlir::Value value);

  /// Layouts and types.
  virtual mlir::Attribute getNaturalLayout(mlir::Value value);
  /// Whether the natural form of a 2-D value is its transpose.
  virtual bool isNaturallyTransposed(mlir::Value value) { return false; }
  mlir::RankedTensorType getType(mlir::Value value, mlir::Attribute layout,
                                 bool transposed = false);
  virtual int64_t getExtent(mlir::Value value, unsigned axis);

protected:
  using Key = std::pair<std::pair<mlir::Value, mlir::Attribute>, unsigned>;

  mlir::FailureOr<mlir::Value>
  emitTile(mlir::Value value, mlir::Attribute layout, bool transposed);
  mlir::FailureOr<mlir::Value>
  emitUncached(mlir::Value value, mlir::Attribute layout, bool transposed);
  mlir::FailureOr<mlir::Value>
  emitBroadcast(ssd::BroadcastOp op, mlir::Attribute layout, bool transposed);
  mlir::FailureOr<mlir::Value> emitPad(ssd::PadOp op, mlir::Attribute layout,
                                       bool transposed);
  virtual mlir::FailureOr<mlir::Value>
  emitPointwise(mlir::Operation &op, mlir::Attribute layout, bool transposed);
  bool isRenamed(mlir::Value value, mlir::Attribute layout, bool transposed);
  mlir::FailureOr<mlir::Value>
  emitConverted(mlir::Value value, mlir::Attribute layout, bool transposed);
  virtual mlir::FailureOr<mlir::Value> emitVector(mlir::Value value,
                                                  mlir::Attribute layout);
  virtual mlir::FailureOr<mlir::Value> emitScalar(mlir::Value value);
  virtual mlir::FailureOr<mlir::Value> emitDot(ssd::DotOp op);
  virtual mlir::FailureOr<mlir::Value> emitSegmentDecay(ssd::SegmentDecayOp op);
  /// A dot operand: a buffer (with `transposed` for the caller to state), or
  /// registers in `layout`, already transposed.
  mlir::FailureOr<mlir::Value>
  emitOperand(mlir::Value value, mlir::Attribute layout, bool transposed);
  /// The buffer that holds a value, null if none does.
  virtual mlir::Value getBuffer(mlir::Value value) {
    return buffers.lookup(value);
  }
  mlir::Value storeStaged(mlir::Value value, mlir::Value registers);
  mlir::FailureOr<mlir::Value> getStaged(mlir::Value value);
  mlir::Value splat(mlir::Value scalar, mlir::RankedTensorType type);
  bool isPointwiseOfBuffers(mlir::Value value);
  bool dependsOnlyOnStates(mlir::Value value);
  tile::Support getSupport(mlir::Value value);
  bool isOnlyReadBelowDiagonal(mlir::Value value, tile::Support support);

  mlir::OpBuilder &builder;
  mlir::OpBuilder &entry;
  ssd::ChunkScanOp scan;
  const TileAxes &axes;
  TileShape shape;
  mlir::Value validRows;
  llvm::DenseMap<Key, mlir::Value> emitted;
  llvm::DenseMap<mlir::Value, mlir::Value> buffers;
  llvm::DenseMap<mlir::Value, mlir::Value> scalars;
  llvm::DenseMap<mlir::Value, mlir::Value> staged;
  llvm::DenseMap<mlir::Value,
                 std::function<mlir::Value(mlir::RankedTensorType)>>
      channelLoads;
  bool barrierPending = false;
};

} // namespace mamba
