// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Tensor values as device functions of their index: what is in memory is
// loaded, everything else is computed again wherever it is used.

#pragma once

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "runtime/abi/LaunchPlan.h"
#include "llvm/ADT/DenseMap.h"

#include <string>

namespace mamba::codegen {

/// Symbols of an oracle's sizes.
enum OracleSymbol : int32_t { BatchSymbol = 0, LengthSymbol = 1 };

/// Whether elements of an operation's results take a loop to compute, so that
/// they are computed once and stored.
bool isReduction(mlir::Operation *op);

class TensorPrinter {
public:
  using Text = llvm::FailureOr<std::string>;
  using Texts = llvm::SmallVector<std::string>;

  /// Lets `tensor` be read from param `param` of element type `dtype`.
  void addStored(mlir::Value tensor, int32_t param, int32_t dtype) {
    stored[tensor] = {param, dtype};
  }
  bool isStored(mlir::Value tensor) const { return stored.count(tensor); }
  int32_t storedParam(mlir::Value tensor) const {
    return stored.lookup(tensor).param;
  }

  /// The expression of an element. The expressions of `index` are evaluated
  /// once. Fails with a diagnostic.
  Text element(mlir::Value tensor, llvm::ArrayRef<std::string> index);

  /// The same, computed although the tensor may be stored.
  Text computedElement(mlir::Value tensor, llvm::ArrayRef<std::string> index);

  /// The place that element `index` of a stored tensor has in memory.
  Text place(mlir::Value tensor, llvm::ArrayRef<std::string> index);

  /// A size; dynamic ones are symbols. Fails with a diagnostic where it is
  /// neither batch nor length.
  llvm::FailureOr<mamba_dim> size(mlir::Value tensor, unsigned dim);

  /// The functions that the expressions so far call.
  const std::string &functions() const { return printed; }

  static std::string sizeText(const mamba_dim &size);

private:
  struct Storage {
    int32_t param;
    int32_t dtype;
  };

  /// A function under construction.
  struct Scope {
    std::string lines;
    llvm::DenseMap<mlir::Value, std::string> names;
    Texts loops; ///< Expressions of the linalg operation's loop indices.
  };

  Text call(mlir::Value tensor, bool compute,
            llvm::ArrayRef<std::string> index);
  Text define(mlir::Value tensor, bool compute);
  Text load(mlir::Value tensor, llvm::ArrayRef<std::string> index);
  Text compute(mlir::Value tensor, llvm::ArrayRef<std::string> index,
               Scope &scope);
  Text constantElement(mlir::Value tensor, llvm::ArrayRef<std::string> index);
  Text elementwiseElement(mlir::Operation *op,
                          llvm::ArrayRef<std::string> index, Scope &scope);
  Text sliceElement(mlir::tensor::ExtractSliceOp op,
                    llvm::ArrayRef<std::string> index);
  Text collapsedElement(mlir::tensor::CollapseShapeOp op,
                        llvm::ArrayRef<std::string> index);
  Text expandedElement(mlir::tensor::ExpandShapeOp op,
                       llvm::ArrayRef<std::string> index);
  Text linalgElement(mlir::OpResult result, llvm::ArrayRef<std::string> index,
                     Scope &scope);
  llvm::LogicalResult openLoops(mlir::OpResult result, Scope &scope);
  llvm::LogicalResult nameOperands(mlir::OpResult result, bool reduces,
                                   Scope &scope);
  Text scalar(mlir::Value value, Scope &scope);
  Text scalarOf(mlir::Operation *op, Scope &scope);

  llvm::FailureOr<mamba_dim> loopSize(mlir::linalg::LinalgOp op, unsigned loop);
  llvm::FailureOr<mamba_dim> numberSize(mlir::OpFoldResult number,
                                        mlir::Operation *op);
  llvm::FailureOr<mamba_dim> dynamicSize(mlir::Operation *op,
                                         mlir::OpResult tensor, unsigned dim);

  std::string uniqueName(llvm::StringRef prefix) {
    return (prefix + llvm::Twine(nameCount++)).str();
  }

  llvm::DenseMap<mlir::Value, Storage> stored;
  /// Names of functions, by value and whether it is computed.
  llvm::DenseMap<std::pair<mlir::Value, int>, std::string> defined;
  std::string printed;
  unsigned nameCount = 0;
};

} // namespace mamba::codegen
