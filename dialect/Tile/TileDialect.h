// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `tile` dialect: GPU kernels whose values say where they live. See
// TileDialect.td for the overview and README.md for the contracts.

#ifndef DIALECT_TILE_TILEDIALECT_H
#define DIALECT_TILE_TILEDIALECT_H

#include "dialect/Tile/RegisterLayout.h"
#include "dialect/Tile/SharedLayout.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mamba::tile {

/// Shared memory of the CTA.
struct SharedResource
    : public mlir::SideEffects::Resource::Base<SharedResource> {
  llvm::StringRef getName() final { return "shared memory"; }
};
/// Everything behind an `!llvm.ptr<1>`.
struct GlobalResource
    : public mlir::SideEffects::Resource::Base<GlobalResource> {
  llvm::StringRef getName() final { return "global memory"; }
};
/// The groups of asynchronous copies in flight.
struct CopyQueueResource
    : public mlir::SideEffects::Resource::Base<CopyQueueResource> {
  llvm::StringRef getName() final { return "copy queue"; }
};

/// The mbarriers of pipelines.
struct PipelineResource
    : public mlir::SideEffects::Resource::Base<PipelineResource> {
  llvm::StringRef getName() final { return "pipelines"; }
};
/// The products of a warpgroup in flight.
struct ProductQueueResource
    : public mlir::SideEffects::Resource::Base<ProductQueueResource> {
  llvm::StringRef getName() final { return "product queue"; }
};

/// True for a ranked tensor whose encoding is a register layout.
bool isRegisterTile(mlir::Type type);
/// The layout of a register tile's type.
RegisterLayout getRegisterLayout(mlir::Type type);
/// The rule on the optional team of a copy.
llvm::LogicalResult verifyTeam(mlir::Operation *op,
                               std::optional<uint64_t> team);

} // namespace mamba::tile

namespace mamba::tile {
class RoleOp;
} // namespace mamba::tile

#include "dialect/Tile/TileDialect.h.inc"

#include "dialect/Tile/TileEnums.h.inc"

#include "dialect/Tile/TileAttrInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/Tile/TileAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/Tile/TileTypes.h.inc"

#define GET_OP_CLASSES
#include "dialect/Tile/TileOps.h.inc"

#endif // DIALECT_TILE_TILEDIALECT_H
