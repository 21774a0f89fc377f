// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Builds the tile kernel of one chunk program: addresses of its operands, the
// pipeline of copies, and the loop over chunks around the emitted body.

#pragma once

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/KernelOperands.h"
#include "passes/Transforms/TileEmitter.h"

namespace mamba {

class KernelBuilder : private KernelOperands {
public:
  KernelBuilder(ssd::ChunkScanOp scan, mlir::gpu::GPUModuleOp module,
                llvm::StringRef name)
      : KernelOperands(scan, module, name), axes(scan),
        entry(scan.getContext()), schedule(*scan.getSchedule()) {}

  mlir::LogicalResult build();

private:
  mlir::LogicalResult checkProgram();
  mlir::LogicalResult chooseShape();
  void createSetup();
  mlir::Value baseOffset(const Access &access) {
    return KernelOperands::baseOffset(access, place);
  }
  mlir::Value tokenOffset(const Access &access, mlir::Value firstToken);
  mlir::Value columnBound(const Access &access);
  mlir::Value getRows(mlir::Value chunkIndex);
  mlir::Value toChunk(mlir::Value step);
  void startCopies(mlir::Value step, mlir::Value stage);
  llvm::SmallVector<mlir::Value> loadVectors(mlir::Value step);
  void openChunk(mlir::Value step);
  mlir::LogicalResult emitChunk(mlir::Value step, mlir::ValueRange carried,
                                llvm::SmallVectorImpl<mlir::Value> &next);
  mlir::LogicalResult bindArguments(TileEmitter &emitter, mlir::Value step,
                                    mlir::ValueRange carried);
  mlir::LogicalResult storeOutput(TileEmitter &emitter, unsigned i,
                                  mlir::Value chunk);
  mlir::LogicalResult createLoop();
  mlir::Value loadState(unsigned i);
  void storeFinals(mlir::ValueRange states);

  TileAxes axes;
  mlir::OpBuilder entry;
  ssd::ScheduleAttr schedule;
  TileShape shape;
  mlir::scf::ForOp loop;
  llvm::SmallVector<Access> inputs;
  /// Buffers of the pipelined operands (null for others), by operand.
  llvm::SmallVector<mlir::Value> pipelined;
  llvm::SmallVector<mlir::Value> outBuffers;
  /// Operands that are vectors of tokens.
  llvm::SmallVector<unsigned> vectors;
  BlockPlace place;
  mlir::Value numChunks;
  int64_t channels = 0;
};

} // namespace mamba
