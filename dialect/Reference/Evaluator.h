// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the parts of the interpreter share: the values of a block under
// evaluation, and one handler for each operation.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "dialect/Reference/Interpreter.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <atomic>

namespace mamba::ssd {

/// Run-time batch and time sizes of a matrix; −1 where nothing fixes them.
struct MatrixExtent {
  int64_t batch = -1;
  int64_t length = -1;
};

/// Values of the block under evaluation.
struct Frame {
  llvm::DenseMap<mlir::Value, ReferenceTensor> values;
  llvm::DenseMap<mlir::Value, MatrixExtent> extents;
  /// In a chunk body: how many of the chunk's tokens exist.
  int64_t validRows = -1;

  const ReferenceTensor &get(mlir::Value value) const {
    auto found = values.find(value);
    assert(found != values.end() && "value is used before its definition");
    return found->second;
  }
};

class Evaluator;

/// Evaluates one operation: reads its operands from the frame and writes its
/// results to it. Fails after Evaluator::fail.
using OpHandler = llvm::LogicalResult (*)(Evaluator &evaluator,
                                          mlir::Operation *op, Frame &frame);

class Evaluator {
public:
  explicit Evaluator(const InterpreterOptions &options);

  /// Evaluates all operations of `block` but its terminator, whose operands
  /// are returned.
  llvm::FailureOr<llvm::SmallVector<ReferenceTensor>>
  evaluateBlock(mlir::Block &block, Frame &frame);

  /// Reports an error of the interpreted program at `op`. Only the first one
  /// of an evaluation is printed, since several threads may meet the same.
  llvm::LogicalResult fail(mlir::Operation *op, const llvm::Twine &message);

  /// Fails unless all values are log decays: finite and ≤ 0.
  llvm::LogicalResult checkLogDecay(mlir::Operation *op, mlir::Value value,
                                    const ReferenceTensor &tensor);

  /// Registers the handler of an operation class.
  template <typename OpTy>
  void add(OpHandler handler) {
    handlers[OpTy::getOperationName()] = handler;
  }

  const InterpreterOptions options;

private:
  llvm::LogicalResult evaluate(mlir::Operation *op, Frame &frame);

  llvm::StringMap<OpHandler> handlers;
  std::atomic<bool> hasFailed = false;
};

/// Fails unless `tensor` has the static sizes of `type`.
llvm::LogicalResult checkShape(Evaluator &evaluator, mlir::Operation *op,
                               const llvm::Twine &what, mlir::Type type,
                               const ReferenceTensor &tensor);

/// A value in words: argument 'x' by its ssd.name, argument 2, or the result
/// of an operation.
std::string describeValue(mlir::Value value);

/// "2x7x24"; "scalar" for rank 0.
std::string describeShape(llvm::ArrayRef<int64_t> shape);

/// Handlers, by dialect.
void addTensorHandlers(Evaluator &evaluator);
void addMatrixHandlers(Evaluator &evaluator);
void addTileHandlers(Evaluator &evaluator);
llvm::LogicalResult evaluateConstant(Evaluator &evaluator, mlir::Operation *op,
                                     Frame &frame);
llvm::LogicalResult evaluateElementwise(Evaluator &evaluator,
                                        mlir::Operation *op, Frame &frame);
llvm::LogicalResult evaluateMatrix(Evaluator &evaluator, mlir::Operation *op,
                                   Frame &frame);
llvm::LogicalResult evaluateLinalg(Evaluator &evaluator, mlir::Operation *op,
                                   Frame &frame);

} // namespace mamba::ssd
