// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Emits the part of a chunk body that one role of a warp-specialised kernel
// computes. Products are asynchronous and are started as late as their depth in
// the body allows, level by level, so that operands of the next level are
// prepared, and results of the level before are scaled, while tensor cores
// work. Outputs are computed transposed, [channel, time], so that the state is
// a left operand in registers and never passes through shared memory.

#pragma once

#include "passes/Transforms/MaskProduct.h"
#include "passes/Transforms/TileEmitter.h"

namespace mamba {

/// What a role finds in shared memory, guarded by pipelines. A slot is waited
/// for when something in it is asked for first.
class RoleInputs {
public:
  virtual ~RoleInputs() = default;
  /// Whether a 2-D value of the body stands in a buffer.
  virtual bool holdsTile(mlir::Value tile) = 0;
  /// The buffer stage of such a value.
  virtual mlir::Value getTile(mlir::Value tile) = 0;
  /// Which form of a value over tokens another role computes.
  enum class Form {
    Value,  ///< The vector or scalar itself.
    Prefix, ///< Inclusive prefix sums of the vector.
    High,   ///< The vector, rounded to bf16.
    Low     ///< What that rounding left, rounded to bf16.
  };
  /// The stage of the vector buffer that holds it (a scalar: element 0).
  virtual mlir::Value getVector(mlir::Value value, Form form) = 0;
  /// The same of the factors of a mask's columns in front of its rows 16 ·
  /// `block` … + 15 (tile.segment_decay), scaled by `scale` if it is not null.
  /// Null where no other role computes them.
  virtual mlir::Value getFactors(ssd::SegmentDecayOp mask, mlir::Value scale,
                                 int64_t block) {
    return {};
  }
};

/// A vector over tokens in the form that is wanted of it.
mlir::Value emitForm(mlir::ImplicitLocOpBuilder &builder, mlir::Value vector,
                     RoleInputs::Form form);

class RoleEmitter : public TileEmitter {
public:
  /// Where left operands of products come from that are whole buffers.
  enum class LeftOperands { Registers, Buffers };

  RoleEmitter(mlir::OpBuilder &builder, mlir::OpBuilder &entry,
              ssd::ChunkScanOp scan, const TileAxes &axes, RoleInputs &inputs,
              LeftOperands left)
      : TileEmitter(builder, entry, scan, axes, TileShape()), inputs(inputs),
        left(left) {}

  /// Starts every product that `sinks` need, in an order that serves the first
  /// of them first. Waits come with the emission of the sinks.
  mlir::LogicalResult startProducts(llvm::ArrayRef<mlir::Value> sinks);

  mlir::Attribute getNaturalLayout(mlir::Value value) override;
  bool isNaturallyTransposed(mlir::Value value) override;
  int64_t getExtent(mlir::Value value, unsigned axis) override;

  /// The registers of a value that stand for it from now on.
  void bindRegisters(mlir::Value value, mlir::Value registers) {
    bindState(value, registers);
  }
  /// What a product begins with, whatever the body says.
  void bindAccumulator(ssd::DotOp op, mlir::Value sum) {
    accumulators[op] = sum;
  }

protected:
  mlir::FailureOr<mlir::Value> emitVector(mlir::Value value,
                                          mlir::Attribute layout) override;
  mlir::FailureOr<mlir::Value> emitScalar(mlir::Value value) override;
  mlir::FailureOr<mlir::Value> emitDot(ssd::DotOp op) override;
  mlir::FailureOr<mlir::Value>
  emitSegmentDecay(ssd::SegmentDecayOp op) override;
  mlir::Value getBuffer(mlir::Value value) override;
  mlir::FailureOr<mlir::Value> emitPointwise(mlir::Operation &op,
                                             mlir::Attribute layout,
                                             bool transposed) override;

private:
  mlir::FailureOr<mlir::Value>
  emitWeighted(mlir::Location loc, mlir::Value tile, ssd::BroadcastOp weights,
               mlir::Attribute layout, bool transposed);
  mlir::FailureOr<mlir::Value> emitMask(ssd::SegmentDecayOp op,
                                        mlir::Value scale, mlir::Value scores);
  /// The operands of a product in the orientation in which it is computed.
  struct Operands {
    mlir::Value left, right;
    bool transposeLeft, transposeRight;
  };
  Operands getOperands(ssd::DotOp op);
  mlir::Value getAddend(ssd::DotOp op);
  ssd::DotOp getProductWithAddend(mlir::Operation *sum);
  mlir::FailureOr<mlir::Value> emitAccumulator(ssd::DotOp op);
  void reuseOperands(mlir::Value value);
  mlir::LogicalResult start(ssd::DotOp op);
  mlir::FailureOr<mlir::Value> emitLeft(const Operands &operands);
  mlir::LogicalResult prefetch(ssd::DotOp op);
  mlir::LogicalResult prefetchTile(mlir::Value value, mlir::Attribute layout,
                                   bool transposed);
  bool isEmitted(mlir::Value value);
  bool isIndependent(mlir::Value value);
  mlir::Attribute getLeftLayout();

  RoleInputs &inputs;
  LeftOperands left;
  /// Products in flight or waited for, and how many had been started before.
  llvm::DenseMap<mlir::Value, std::pair<mlir::Value, int64_t>> started;
  /// What products begin with.
  llvm::DenseMap<mlir::Operation *, mlir::Value> accumulators;
};

/// The products that `sinks` need in levels: a product is in the last level
/// that is early enough for those that need it. `isGiven` ends the search.
llvm::SmallVector<llvm::SmallVector<ssd::DotOp>>
levelProducts(llvm::ArrayRef<mlir::Value> sinks,
              llvm::function_ref<bool(mlir::Value)> isGiven);

} // namespace mamba
