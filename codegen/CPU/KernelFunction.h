// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The frame every CPU kernel shares: its C signature, its loop over work items
// and access to the tensors behind its pointers.

#ifndef MAMBA_CODEGEN_CPU_KERNELFUNCTION_H
#define MAMBA_CODEGEN_CPU_KERNELFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mamba::codegen {

/// A kernel under construction:
///
///   func @name(%pointers: !llvm.ptr, %batch: i64, %length: i64,
///              %begin: i64, %end: i64) {
///     for %item = %begin to %end { <insertion point> }
///     return
///   }
class KernelFunction {
public:
  /// Appends the function to `module`. There is one pointer for each of
  /// `tensors` that is not a constant, in their order; a constant becomes a
  /// global of the module.
  KernelFunction(mlir::ModuleOp module, llvm::StringRef name,
                 mlir::Location loc, mlir::ValueRange tensors);

  mlir::ImplicitLocOpBuilder &builder() { return b; }
  mlir::Value getBatch() const { return batch; }
  mlir::Value getLength() const { return length; }
  mlir::Value getItem() const { return item; }

  /// Elements of tensor `index` from `offset` (in elements, index type) on, as
  /// a buffer of these sizes and strides.
  mlir::Value slice(unsigned index, mlir::Value offset,
                    llvm::ArrayRef<int64_t> sizes,
                    llvm::ArrayRef<int64_t> strides);

  /// Index arithmetic; products with one and sums with nothing fold away.
  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value c);
  mlir::Value mul(mlir::Value a, int64_t factor);
  mlir::Value mul(mlir::Value a, mlir::Value c);

private:
  mlir::Value loadBuffer(mlir::Value pointers, unsigned index,
                         mlir::Type elementType);
  mlir::Value loadConstant(mlir::ModuleOp module, llvm::StringRef name,
                           mlir::DenseElementsAttr elements);

  mlir::ImplicitLocOpBuilder b;
  mlir::Value batch, length, item;
  llvm::SmallVector<mlir::Value> buffers;
};

/// The elements of a constant tensor; null for every other value.
mlir::DenseElementsAttr getConstantTensor(mlir::Value tensor);

/// Copies `source` to `target`, two buffers of one static shape (of each
/// other's transposed shape if `transposed`) whose float element types may
/// differ.
void emitCopy(mlir::ImplicitLocOpBuilder &b, mlir::Value source,
              mlir::Value target, bool transposed = false);

/// The part of a buffer at `row` of its first dimension, without it.
mlir::Value getRow(mlir::ImplicitLocOpBuilder &b, mlir::Value buffer,
                   mlir::Value row);

/// Row-major strides of a shape, in elements.
llvm::SmallVector<int64_t> getCompactStrides(llvm::ArrayRef<int64_t> shape);

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_KERNELFUNCTION_H
