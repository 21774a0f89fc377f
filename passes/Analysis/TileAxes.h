// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What every axis of every tile in a chunk body ranges over, and how large it
// is once padded to whole tensor-core fragments.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/IntEqClasses.h"

namespace mamba {

/// The warp grid a tile of P rows and N columns is cut into.
struct WarpGridChoice {
  int64_t rows = 1;
  int64_t columns = 1;
  /// Extents padded to whole fragments of every warp.
  int64_t paddedRows = 0;
  int64_t paddedColumns = 0;
};

/// The grid of `warps` warps that pads a P×N state least; columns first on a
/// tie, since then each warp reads only its own columns of B.
WarpGridChoice chooseStateGrid(int64_t channels, int64_t stateSize,
                               int64_t warps);

/// Roles of the axes of the tiles in the body of a scan, found by joining the
/// axes that operations force to be equal.
class TileAxes {
public:
  explicit TileAxes(ssd::ChunkScanOp scan);

  /// Role of an axis; nullopt where nothing determines it.
  std::optional<ssd::DimRole> getRole(mlir::Value value, unsigned axis) const;

private:
  unsigned getNode(mlir::Value value, unsigned axis);
  void join(mlir::Value a, unsigned aAxis, mlir::Value b, unsigned bAxis);
  void joinAll(mlir::Value a, mlir::Value b);
  void joinOperation(mlir::Operation &op);
  void assign(mlir::Value value, unsigned axis, ssd::DimRole role);
  void assignTile(mlir::Value value, ssd::RolesAttr roles);

  llvm::DenseMap<std::pair<mlir::Value, unsigned>, unsigned> nodes;
  llvm::SmallVector<std::pair<unsigned, unsigned>> edges;
  llvm::SmallVector<std::pair<unsigned, ssd::DimRole>> seeds;
  llvm::SmallVector<std::optional<ssd::DimRole>> roles;
};

} // namespace mamba
