// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What can be proven about the hand-over of stages between roles before a
// kernel runs. A wrong count of arrivals shows as a hang and a release in the
// wrong place as rare wrong numbers, so that neither is left to tests.

#ifndef DIALECT_TILE_PIPELINEPROTOCOL_H
#define DIALECT_TILE_PIPELINEPROTOCOL_H

#include "dialect/Tile/TileDialect.h"

namespace mamba::tile {

/// Rules of `tile.pipeline`: who takes slots, how often, and with how many
/// arrivals, summed over the roles.
llvm::LogicalResult verifyPipelines(RolesOp roles);

/// Rules of `tile.commit`, `tile.release` and `tile.copy_bulk`: what stands in
/// front of an arrival and what behind it, slot by slot.
llvm::LogicalResult verifySlots(RolesOp roles);

/// Reports a violation at `op`, with a note at the pipeline.
llvm::LogicalResult breaksProtocol(mlir::Operation *op, mlir::Value pipeline,
                                   const llvm::Twine &message);

} // namespace mamba::tile

#endif // DIALECT_TILE_PIPELINEPROTOCOL_H
