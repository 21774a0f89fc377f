// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Functions, blocks, and the dispatch of operations to their handlers.

#include "dialect/Reference/Evaluator.h"
#include "dialect/Reference/ScalarFunctions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;

namespace mamba::ssd {

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

std::string describeValue(Value value) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument) {
    stream << "result of '" << value.getDefiningOp()->getName() << "'";
    return text;
  }
  stream << "argument ";
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  StringAttr name = function ? function.getArgAttrOfType<StringAttr>(
                                   argument.getArgNumber(), kNameAttr)
                             : StringAttr();
  if (name)
    stream << "'" << name.getValue() << "'";
  else
    stream << argument.getArgNumber();
  return text;
}

std::string describeShape(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "scalar";
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(shape, stream, "x");
  return text;
}

LogicalResult Evaluator::fail(Operation *op, const Twine &message) {
  if (!hasFailed.exchange(true))
    op->emitOpError(message);
  return failure();
}

LogicalResult checkShape(Evaluator &evaluator, Operation *op, const Twine &what,
                         Type type, const ReferenceTensor &tensor) {
  SmallVector<int64_t> expected;
  if (auto shaped = dyn_cast<RankedTensorType>(type))
    expected.append(shaped.getShape().begin(), shaped.getShape().end());
  bool fits = expected.size() == tensor.getShape().size();
  for (size_t dim = 0; fits && dim < expected.size(); ++dim)
    fits = ShapedType::isDynamic(expected[dim]) ||
           expected[dim] == tensor.getDimSize(dim);
  if (fits)
    return success();
  std::string typeText;
  llvm::raw_string_ostream(typeText) << type;
  return evaluator.fail(
      op, what + " has shape " + describeShape(tensor.getShape()) +
              ", which contradicts its type '" + typeText + "'");
}

LogicalResult Evaluator::checkLogDecay(Operation *op, Value value,
                                       const ReferenceTensor &tensor) {
  LogicalResult result = success();
  forEachIndex(tensor.getShape(), [&](ArrayRef<int64_t> index) {
    double log = tensor.at(index);
    if (failed(result) || (log <= 0 && std::isfinite(log)))
      return;
    std::string text;
    llvm::raw_string_ostream stream(text);
    stream << "log decay (" << describeValue(value) << ") is "
           << llvm::format("%g", log) << " at [";
    llvm::interleaveComma(index, stream);
    stream << "], but must be finite and <= 0";
    result = fail(op, text);
  });
  return result;
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

Evaluator::Evaluator(const InterpreterOptions &options) : options(options) {
  add<arith::ConstantOp>(evaluateConstant);
  addTensorHandlers(*this);
  addMatrixHandlers(*this);
  addTileHandlers(*this);
}

LogicalResult Evaluator::evaluate(Operation *op, Frame &frame) {
  if (OpHandler handler = handlers.lookup(op->getName().getStringRef()))
    return handler(*this, op, frame);
  if (isa<StructuredMatrixOpInterface>(op))
    return evaluateMatrix(*this, op, frame);
  if (isa<linalg::LinalgOp>(op))
    return evaluateLinalg(*this, op, frame);
  return evaluateElementwise(*this, op, frame);
}

FailureOr<SmallVector<ReferenceTensor>> Evaluator::evaluateBlock(Block &block,
                                                                 Frame &frame) {
  for (Operation &op : block.without_terminator()) {
    if (failed(evaluate(&op, frame)))
      return failure();
    for (OpResult result : op.getResults())
      if (!isa<MatrixType>(result.getType()) &&
          failed(checkShape(*this, &op,
                            "result " + Twine(result.getResultNumber()),
                            result.getType(), frame.get(result))))
        return failure();
  }
  SmallVector<ReferenceTensor> results;
  for (Value operand : block.getTerminator()->getOperands())
    results.push_back(frame.get(operand));
  return results;
}

LogicalResult evaluateConstant(Evaluator &evaluator, Operation *op,
                               Frame &frame) {
  auto toDouble = [](Attribute attribute) {
    if (auto number = dyn_cast<FloatAttr>(attribute))
      return number.getValueAsDouble();
    auto integer = cast<IntegerAttr>(attribute);
    return integer.getType().isInteger(1)
               ? double(integer.getValue().getZExtValue())
               : double(integer.getValue().getSExtValue());
  };
  Attribute value = cast<arith::ConstantOp>(op).getValue();
  if (isa<FloatAttr, IntegerAttr>(value)) {
    frame.values[op->getResult(0)] = ReferenceTensor::scalar(toDouble(value));
    return success();
  }
  auto elements = dyn_cast<DenseElementsAttr>(value);
  if (!elements)
    return evaluator.fail(op, "has a value that is neither a number nor a "
                              "dense tensor");
  ReferenceTensor tensor(elements.getType().getShape());
  for (auto [out, in] :
       llvm::zip_equal(tensor.getValues(), elements.getValues<Attribute>()))
    out = toDouble(in);
  frame.values[op->getResult(0)] = std::move(tensor);
  return success();
}

/// An arith or math operation on scalars or on tensors of one shape. A scalar
/// operand (the condition of a select) goes with every element.
LogicalResult evaluateElementwise(Evaluator &evaluator, Operation *op,
                                  Frame &frame) {
  ScalarFunction function = lookupScalarFunction(op);
  if (!function)
    return evaluator.fail(op, "is not known to the reference interpreter");
  SmallVector<const ReferenceTensor *, 3> operands;
  ArrayRef<int64_t> shape;
  for (Value operand : op->getOperands()) {
    operands.push_back(&frame.get(operand));
    if (isa<RankedTensorType>(operand.getType()))
      shape = operands.back()->getShape();
  }
  for (auto [index, operand] : llvm::enumerate(operands))
    if (isa<RankedTensorType>(op->getOperand(index).getType()) &&
        operand->getShape() != shape)
      return evaluator.fail(op, "has operands of shapes " +
                                    describeShape(shape) + " and " +
                                    describeShape(operand->getShape()));
  ReferenceTensor result(shape);
  SmallVector<double, 3> scalars(operands.size());
  for (int64_t i = 0; i < result.getNumElements(); ++i) {
    for (auto [scalar, operand] : llvm::zip_equal(scalars, operands))
      scalar = operand->getValues()[operand->getNumElements() == 1 ? 0 : i];
    result.getValues()[i] = function(scalars);
  }
  frame.values[op->getResult(0)] = std::move(result);
  return success();
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<ReferenceTensor>>
interpret(func::FuncOp function, ArrayRef<ReferenceTensor> arguments,
          const InterpreterOptions &options) {
  Evaluator evaluator(options);
  if (!function.getBody().hasOneBlock()) {
    (void)evaluator.fail(function, "must have a body of one block");
    return failure();
  }
  if (arguments.size() != function.getNumArguments()) {
    (void)evaluator.fail(function,
                         "takes " + Twine(function.getNumArguments()) +
                             " arguments, but got " + Twine(arguments.size()));
    return failure();
  }
  Frame frame;
  for (auto [value, tensor] :
       llvm::zip_equal(function.getArguments(), arguments)) {
    if (failed(checkShape(evaluator, function, describeValue(value),
                          value.getType(), tensor)))
      return failure();
    frame.values[value] = tensor;
  }
  return evaluator.evaluateBlock(function.getBody().front(), frame);
}

} // namespace mamba::ssd
