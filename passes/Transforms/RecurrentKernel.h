// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Builds the recurrent kernel of a chunk program with one token a chunk: a
// thread block reads the initial state of a headdim slice of one head into
// registers, walks the tokens, and writes the final state. The operands of a
// token are loaded while the token before it is computed.

#pragma once

#include "passes/Transforms/KernelOperands.h"
#include "passes/Transforms/RecurrentEmitter.h"

namespace mamba {

class RecurrentKernel : private KernelOperands {
public:
  RecurrentKernel(ssd::ChunkScanOp scan, mlir::gpu::GPUModuleOp module,
                  llvm::StringRef name)
      : KernelOperands(scan, module, name), axes(scan),
        schedule(*scan.getSchedule()) {}

  mlir::LogicalResult build();

private:
  mlir::LogicalResult check();
  RecurrentEmitter makeEmitter() {
    return RecurrentEmitter(b, axes, warps, channels);
  }
  mlir::Value load(const Access &access, mlir::Type type, mlir::Value offset);
  void store(mlir::Value value, const Access &access, mlir::Value offset);
  mlir::Value loadState(unsigned i);
  mlir::Value tokenOffset(const Access &access, mlir::Value token);
  llvm::SmallVector<mlir::Value> loadToken(mlir::Value step);
  llvm::SmallVector<mlir::Value> loadFirstToken();
  mlir::LogicalResult emitToken(mlir::Value step, mlir::ValueRange carried,
                                llvm::SmallVectorImpl<mlir::Value> &next);
  mlir::LogicalResult createLoop();

  TileAxes axes;
  ssd::ScheduleAttr schedule;
  int64_t warps = 0, headdim = 0, channels = 0;
  BlockPlace place;
  llvm::SmallVector<Access> inputs;
  /// Values of the operands without time, null for the others.
  llvm::SmallVector<mlir::Value> constants;
};

} // namespace mamba
