// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Builds the tile kernel of one chunk program: addresses of its operands, the
// pipeline of copies, and the loop over chunks around the emitted body.

#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Transforms/TileEmitter.h"
#include "llvm/ADT/DenseMap.h"

namespace mamba {

/// A kernel operand and where its elements stand in memory. Every dimension
/// but the batch has a static stride, because only time, the second dimension,
/// has a dynamic size.
struct Access {
  mlir::Value pointer;
  mlir::RankedTensorType type;
  llvm::SmallVector<ssd::DimRole> roles;

  bool has(ssd::DimRole role) const { return llvm::is_contained(roles, role); }
  int64_t getSize(ssd::DimRole role) const {
    return type.getDimSize(llvm::find(roles, role) - roles.begin());
  }
  /// Elements from one index of `role` to the next (for the batch: of one
  /// token, when there is a time dimension).
  int64_t getStride(ssd::DimRole role) const {
    int64_t stride = 1;
    for (size_t i = roles.size(); i-- > 0 && roles[i] != role;)
      if (roles[i] != ssd::DimRole::Time)
        stride *= type.getDimSize(i);
    return stride;
  }
};

class KernelBuilder {
public:
  KernelBuilder(ssd::ChunkScanOp scan, mlir::gpu::GPUModuleOp module,
                llvm::StringRef name)
      : scan(scan), module(module), name(name), axes(scan),
        b(scan.getLoc(), scan.getContext()), entry(scan.getContext()),
        schedule(*scan.getSchedule()) {}

  mlir::LogicalResult build();

private:
  mlir::LogicalResult checkProgram();
  mlir::LogicalResult chooseShape();
  void createFunction();
  void createSetup();
  Access makeAccess(mlir::Value tensor, llvm::ArrayRef<ssd::DimRole> roles);
  mlir::Value getPointer(mlir::Value tensor);
  mlir::Value embedConstant(mlir::DenseElementsAttr elements);
  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, value);
  }
  mlir::Value mul(mlir::Value value, int64_t factor);
  mlir::Value baseOffset(const Access &access);
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
  mlir::Value loadScalar(const Access &access);
  mlir::Value loadState(unsigned i);
  void storeFinals(mlir::ValueRange states);
  Access stateAccess(mlir::Value tensor, unsigned i);

  ssd::ChunkScanOp scan;
  mlir::gpu::GPUModuleOp module;
  llvm::StringRef name;
  TileAxes axes;
  mlir::ImplicitLocOpBuilder b;
  mlir::OpBuilder entry;
  ssd::ScheduleAttr schedule;
  TileShape shape;
  mlir::gpu::GPUFuncOp function;
  mlir::scf::ForOp loop;
  /// Kernel parameters, by the tensor they point to.
  llvm::DenseMap<mlir::Value, mlir::Value> pointers;
  llvm::SmallVector<Access> inputs;
  /// Buffers of the pipelined operands (null for others), by operand.
  llvm::SmallVector<mlir::Value> pipelined;
  llvm::SmallVector<mlir::Value> outBuffers;
  /// Operands that are vectors of tokens.
  llvm::SmallVector<unsigned> vectors;
  mlir::Value batch, head, slice, length, numChunks, sliceWidth;
  int64_t slices = 1;
  int64_t channels = 0;
  unsigned numConstants = 0;
};

} // namespace mamba
