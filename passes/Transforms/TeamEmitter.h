// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Emits the part of a chunk body that the warps of a team, or for time×time
// tiles all warps, compute with synchronous products. Outputs are cut over the
// channels, as the state is: then a warp's part of the state is a right operand
// by renaming registers and never passes through shared memory.

#pragma once

#include "passes/Transforms/RoleEmitter.h"
#include "passes/Transforms/TeamShape.h"

namespace mamba {

class TeamEmitter : public RoleEmitter {
public:
  TeamEmitter(mlir::OpBuilder &builder, mlir::OpBuilder &entry,
              ssd::ChunkScanOp scan, const TileAxes &axes, RoleInputs &inputs,
              const TeamShape &team)
      : RoleEmitter(builder, entry, scan, axes, inputs, LeftOperands::Buffers),
        team(team) {}

  mlir::Attribute getNaturalLayout(mlir::Value value) override;
  bool isNaturallyTransposed(mlir::Value value) override { return false; }
  int64_t getExtent(mlir::Value value, unsigned axis) override;

protected:
  mlir::FailureOr<mlir::Value> emitDot(ssd::DotOp op) override {
    return TileEmitter::emitDot(op);
  }

private:
  TeamShape team;
};

} // namespace mamba
