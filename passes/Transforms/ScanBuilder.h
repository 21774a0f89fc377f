// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Builds the body of an ssd.chunk_scan operation: provides the tiles of
// level-L0 tensors, inlining the point-wise code that produces them.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace mamba {

/// Whether `op` is point-wise code that can move into a chunk body: all
/// loops parallel, maps projected permutations in loop order, a body of
/// scalar element-wise operations that ignores the initial output.
bool isFusiblePointwise(mlir::linalg::GenericOp op);

class ScanBuilder : public ssd::ChunkContext {
public:
  /// Builds into `body`, a detached block, at its end.
  ScanBuilder(mlir::OpBuilder &builder, mlir::Location loc,
              ssd::ScheduleAttr schedule, mlir::Block &body);

  mlir::Value getTile(mlir::Value tensor,
                      llvm::ArrayRef<ssd::DimRole> roles) override;

  /// Declares `tile` to be the tile of `tensor`, which this scan computes.
  void setTile(mlir::Value tensor, llvm::ArrayRef<ssd::DimRole> roles,
               mlir::Value tile);

  /// Inlines `op`, one of whose results has the dimensions `roles`; the tile
  /// of result `index`. `op` is fusible.
  mlir::Value inlineGeneric(mlir::linalg::GenericOp op, unsigned index,
                            llvm::ArrayRef<ssd::DimRole> roles);

  /// Operands of the scan, in the order of the body's arguments.
  llvm::ArrayRef<mlir::Value> getOperands() const { return operands; }
  llvm::ArrayRef<mlir::Attribute> getRoles() const { return operandRoles; }

  /// Loops that produce operands and could not be inlined.
  llvm::ArrayRef<mlir::Operation *> getUnfused() const {
    return unfused.getArrayRef();
  }

private:
  mlir::Value addOperand(mlir::Value tensor, ssd::RolesAttr roles);
  mlir::Value getTileOrSplat(mlir::Value input,
                             llvm::ArrayRef<ssd::DimRole> roles,
                             llvm::ArrayRef<int64_t> shape);
  mlir::Value expandTile(mlir::Value tile, llvm::ArrayRef<ssd::DimRole> roles,
                         llvm::ArrayRef<ssd::DimRole> wantedRoles,
                         llvm::ArrayRef<int64_t> shape);
  mlir::Value inlineScalar(mlir::Operation &op, mlir::IRMapping &mapping,
                           llvm::ArrayRef<int64_t> shape);

  mlir::Block &body;
  llvm::SmallVector<mlir::Value> operands;
  llvm::SmallVector<mlir::Attribute> operandRoles;
  llvm::SmallSetVector<mlir::Operation *, 4> unfused;
  /// Tiles by tensor and roles (one tensor may be read in two ways).
  llvm::DenseMap<std::pair<mlir::Value, mlir::Attribute>, mlir::Value> tiles;
};

} // namespace mamba
