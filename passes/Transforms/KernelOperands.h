// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where the operands of a chunk program stand in memory: what the builders of
// its kernels share.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
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

/// What a thread block works on, as index values: a headdim slice of a head of
/// a batch entry.
struct BlockPlace {
  mlir::Value batch, head, slice;
  /// Tokens of the sequence, and valid channels of the slice.
  mlir::Value length, width;
  int64_t channels = 0; ///< Of each slice but perhaps the last.
};

/// The parameters and constants of the kernel of one chunk program.
class KernelOperands {
public:
  KernelOperands(ssd::ChunkScanOp scan, mlir::gpu::GPUModuleOp module,
                 llvm::StringRef name)
      : scan(scan), module(module), name(name),
        b(scan.getLoc(), scan.getContext()) {}

protected:
  /// Tensors that become pointer parameters, in order: the operands that are
  /// no constants, then the results.
  llvm::SmallVector<mlir::Value> listTensors();
  /// A tensor that is two operands has two parameters, which agree.
  void bindPointers(llvm::ArrayRef<mlir::Value> tensors);

  /// Checks the sizes of the states: one headdim P, P and N in range.
  llvm::LogicalResult checkStates();

  /// Creates the function of a kernel whose thread block i works on headdim
  /// slice i mod `slices` of head (i / slices) mod H of batch i / (slices·H),
  /// and finds that place.
  void createFunction(int64_t warps, int64_t slices);
  BlockPlace placeBlock(int64_t headdim, int64_t channels);
  /// Where the elements of that place, token 0, start.
  mlir::Value baseOffset(const Access &access, const BlockPlace &place);

  Access makeAccess(mlir::Value tensor, llvm::ArrayRef<ssd::DimRole> roles);
  /// A carried state at a boundary, [batch, head, channel, state].
  Access stateAccess(mlir::Value tensor, unsigned i);
  /// The kernel parameter that points to `tensor`, or a constant's global.
  mlir::Value getPointer(mlir::Value tensor);
  mlir::Value embedConstant(mlir::DenseElementsAttr elements);
  /// The element of `access` at an offset.
  mlir::Value loadScalar(const Access &access, mlir::Value offset);

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, value);
  }
  mlir::Value add(mlir::Value lhs, mlir::Value rhs) {
    return mlir::arith::AddIOp::create(b, lhs, rhs);
  }
  mlir::Value mul(mlir::Value value, int64_t factor);

  ssd::ChunkScanOp scan;
  mlir::gpu::GPUModuleOp module;
  llvm::StringRef name;
  mlir::ImplicitLocOpBuilder b;
  mlir::gpu::GPUFuncOp function;
  /// Kernel parameters, by the tensor they point to.
  llvm::DenseMap<mlir::Value, mlir::Value> pointers;

private:
  unsigned numConstants = 0;
};

} // namespace mamba
