// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#pragma once

#include "codegen/Oracle/TensorPrinter.h"
#include "codegen/Plan/PlanBuilder.h"

namespace mamba::codegen {

/// Threads a block of every oracle kernel.
inline constexpr int64_t kOracleBlockSize = 64;

/// The launch plan of an oracle: every kernel takes every param and symbol.
class OraclePlan {
public:
  /// An output that another value's kernel does not fill.
  struct Copy {
    mlir::Value tensor;
    int32_t param;
  };

  /// Makes params of the function's arguments, of its results, and of what
  /// kernels exchange, and tells `tensors` which values are in memory. Fails
  /// with a diagnostic.
  llvm::LogicalResult addParams(mlir::func::FuncOp function,
                                TensorPrinter &tensors);

  llvm::ArrayRef<Copy> copies() const { return outputCopies; }
  const mamba_param &param(int32_t index) const {
    return owned->params[size_t(index)];
  }

  /// Adds a kernel with this grid; returns the text up to its body, in which
  /// `m` is the Memory of all params.
  std::string addKernel(llvm::ArrayRef<mamba_dim> grid);

  std::unique_ptr<OwnedPlan> take(mlir::func::FuncOp function);

private:
  llvm::LogicalResult addParam(mlir::Value tensor, const std::string &name,
                               int32_t kind, int32_t dtype,
                               TensorPrinter &tensors);
  llvm::LogicalResult addInputs(mlir::func::FuncOp function,
                                TensorPrinter &tensors);
  llvm::LogicalResult addOutputs(mlir::func::FuncOp function,
                                 TensorPrinter &tensors);
  llvm::LogicalResult addTemporaries(mlir::func::FuncOp function,
                                     TensorPrinter &tensors);
  void addSymbols();
  std::optional<int32_t> findInputWith(int32_t symbol) const;

  std::unique_ptr<OwnedPlan> owned = std::make_unique<OwnedPlan>();
  llvm::SmallVector<Copy> outputCopies;
};

} // namespace mamba::codegen
