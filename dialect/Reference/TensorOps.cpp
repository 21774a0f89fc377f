// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Shape operations of the tensor dialect.

#include "dialect/Reference/Evaluator.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;

namespace mamba::ssd {
namespace {

/// Run-time values of a list of static and dynamic numbers.
SmallVector<int64_t> resolve(ArrayRef<OpFoldResult> numbers,
                             const Frame &frame) {
  SmallVector<int64_t> result;
  for (OpFoldResult number : numbers)
    if (auto value = dyn_cast<Value>(number))
      result.push_back(int64_t(frame.get(value).getScalar()));
    else
      result.push_back(cast<IntegerAttr>(cast<Attribute>(number)).getInt());
  return result;
}

/// An empty tensor holds NaN, so that a read of what nobody wrote shows.
LogicalResult evaluateEmpty(Evaluator &, Operation *op, Frame &frame) {
  auto shape = resolve(cast<tensor::EmptyOp>(op).getMixedSizes(), frame);
  frame.values[op->getResult(0)] =
      ReferenceTensor(shape, std::numeric_limits<double>::quiet_NaN());
  return success();
}

LogicalResult evaluateDim(Evaluator &evaluator, Operation *op, Frame &frame) {
  auto dim = cast<tensor::DimOp>(op);
  const ReferenceTensor &source = frame.get(dim.getSource());
  double index = frame.get(dim.getIndex()).getScalar();
  if (index < 0 || index >= source.getRank())
    return evaluator.fail(op, "asks for dimension " + Twine(int64_t(index)) +
                                  " of a tensor of rank " +
                                  Twine(source.getRank()));
  frame.values[dim.getResult()] =
      ReferenceTensor::scalar(source.getDimSize(unsigned(index)));
  return success();
}

LogicalResult evaluateCast(Evaluator &, Operation *op, Frame &frame) {
  ReferenceTensor source = frame.get(op->getOperand(0));
  frame.values[op->getResult(0)] = std::move(source);
  return success();
}

LogicalResult evaluateSplat(Evaluator &, Operation *op, Frame &frame) {
  auto splat = cast<tensor::SplatOp>(op);
  SmallVector<int64_t> shape(splat.getType().getShape());
  unsigned next = 0;
  for (int64_t &size : shape)
    if (ShapedType::isDynamic(size))
      size = frame.get(splat.getDynamicSizes()[next++]).getScalar();
  frame.values[op->getResult(0)] =
      ReferenceTensor(shape, frame.get(splat.getInput()).getScalar());
  return success();
}

LogicalResult evaluateExtract(Evaluator &evaluator, Operation *op,
                              Frame &frame) {
  auto extract = cast<tensor::ExtractOp>(op);
  const ReferenceTensor &source = frame.get(extract.getTensor());
  SmallVector<int64_t> index;
  for (Value value : extract.getIndices())
    index.push_back(int64_t(frame.get(value).getScalar()));
  for (auto [position, size] : llvm::zip_equal(index, source.getShape()))
    if (position < 0 || position >= size)
      return evaluator.fail(op, "reads index " + Twine(position) +
                                    " of a dimension of size " + Twine(size));
  frame.values[op->getResult(0)] = ReferenceTensor::scalar(source.at(index));
  return success();
}

LogicalResult reshape(Evaluator &evaluator, Operation *op, Frame &frame,
                      ArrayRef<int64_t> shape) {
  const ReferenceTensor &source = frame.get(op->getOperand(0));
  if (countElements(shape) != source.getNumElements())
    return evaluator.fail(op, "cannot give shape " + describeShape(shape) +
                                  " to a tensor of shape " +
                                  describeShape(source.getShape()));
  ReferenceTensor result = source.reshaped(shape);
  frame.values[op->getResult(0)] = std::move(result);
  return success();
}

LogicalResult evaluateCollapse(Evaluator &evaluator, Operation *op,
                               Frame &frame) {
  auto collapse = cast<tensor::CollapseShapeOp>(op);
  const ReferenceTensor &source = frame.get(collapse.getSrc());
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : collapse.getReassociationIndices()) {
    int64_t &size = shape.emplace_back(1);
    for (int64_t dim : group)
      size *= source.getDimSize(dim);
  }
  return reshape(evaluator, op, frame, shape);
}

LogicalResult evaluateExpand(Evaluator &evaluator, Operation *op,
                             Frame &frame) {
  auto expand = cast<tensor::ExpandShapeOp>(op);
  return reshape(evaluator, op, frame,
                 resolve(expand.getMixedOutputShape(), frame));
}

LogicalResult evaluateExtractSlice(Evaluator &evaluator, Operation *op,
                                   Frame &frame) {
  auto slice = cast<tensor::ExtractSliceOp>(op);
  const ReferenceTensor &source = frame.get(slice.getSource());
  SmallVector<int64_t> offsets = resolve(slice.getMixedOffsets(), frame);
  SmallVector<int64_t> sizes = resolve(slice.getMixedSizes(), frame);
  SmallVector<int64_t> strides = resolve(slice.getMixedStrides(), frame);
  for (size_t dim = 0; dim < sizes.size(); ++dim)
    if (offsets[dim] < 0 || sizes[dim] < 0 ||
        (sizes[dim] > 0 && offsets[dim] + (sizes[dim] - 1) * strides[dim] >=
                               source.getDimSize(dim)))
      return evaluator.fail(op, "leaves dimension " + Twine(dim) + " of size " +
                                    Twine(source.getDimSize(dim)));
  std::vector<double> values;
  forEachIndex(sizes, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t, 4> from(index);
    for (size_t dim = 0; dim < from.size(); ++dim)
      from[dim] = offsets[dim] + from[dim] * strides[dim];
    values.push_back(source.at(from));
  });
  SmallVector<int64_t> shape;
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  for (size_t dim = 0; dim < sizes.size(); ++dim)
    if (!dropped.test(dim))
      shape.push_back(sizes[dim]);
  frame.values[op->getResult(0)] = ReferenceTensor(shape, std::move(values));
  return success();
}

LogicalResult evaluateConcat(Evaluator &evaluator, Operation *op,
                             Frame &frame) {
  auto concat = cast<tensor::ConcatOp>(op);
  unsigned axis = concat.getDim();
  SmallVector<int64_t> shape(frame.get(concat.getInputs()[0]).getShape());
  shape[axis] = 0;
  for (Value input : concat.getInputs()) {
    SmallVector<int64_t> other(frame.get(input).getShape());
    shape[axis] += std::exchange(other[axis], shape[axis]);
    other[axis] = shape[axis];
    if (other != shape)
      return evaluator.fail(op, "joins tensors whose other sizes differ: " +
                                    describeShape(frame.get(input).getShape()));
  }
  ReferenceTensor result(shape);
  int64_t base = 0;
  for (Value input : concat.getInputs()) {
    const ReferenceTensor &source = frame.get(input);
    forEachIndex(source.getShape(), [&](ArrayRef<int64_t> index) {
      SmallVector<int64_t, 4> to(index);
      to[axis] += base;
      result.at(to) = source.at(index);
    });
    base += source.getDimSize(axis);
  }
  frame.values[op->getResult(0)] = std::move(result);
  return success();
}

} // namespace

void addTensorHandlers(Evaluator &evaluator) {
  evaluator.add<tensor::CastOp>(evaluateCast);
  evaluator.add<tensor::CollapseShapeOp>(evaluateCollapse);
  evaluator.add<tensor::ConcatOp>(evaluateConcat);
  evaluator.add<tensor::DimOp>(evaluateDim);
  evaluator.add<tensor::EmptyOp>(evaluateEmpty);
  evaluator.add<tensor::ExpandShapeOp>(evaluateExpand);
  evaluator.add<tensor::ExtractOp>(evaluateExtract);
  evaluator.add<tensor::ExtractSliceOp>(evaluateExtractSlice);
  evaluator.add<tensor::SplatOp>(evaluateSplat);
}

} // namespace mamba::ssd
