// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where dynamic sizes come from: dimension 0 of an argument is the batch,
// dimension 1 the length, and everything else is traced back to those.

#include "codegen/Oracle/TensorPrinter.h"
#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mamba::codegen {

namespace {

using Size = FailureOr<mamba_dim>;

Size unknownSize(Location loc, unsigned dim) {
  return emitError(loc) << "dynamic dimension " << dim
                        << " is neither batch nor length to the oracle";
}

Size symbolSize(Value tensor, unsigned dim) {
  if (dim > LengthSymbol)
    return unknownSize(tensor.getLoc(), dim);
  return mamba_dim MAMBA_DIM_SYMBOL(int32_t(dim));
}

/// The dimension of `group` that is not 1; none if there are several.
std::optional<int64_t> onlyDimension(ArrayRef<int64_t> group,
                                     ArrayRef<int64_t> shape) {
  std::optional<int64_t> only;
  for (int64_t dim : group) {
    if (shape[dim] == 1)
      continue;
    if (only)
      return std::nullopt;
    only = dim;
  }
  return only;
}

} // namespace

Size TensorPrinter::size(Value tensor, unsigned dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return mamba_dim MAMBA_DIM_STATIC(type.getDimSize(dim));
  if (isa<BlockArgument>(tensor))
    return symbolSize(tensor, dim);
  return dynamicSize(tensor.getDefiningOp(), cast<OpResult>(tensor), dim);
}

Size TensorPrinter::dynamicSize(Operation *op, OpResult tensor, unsigned dim) {
  return llvm::TypeSwitch<Operation *, Size>(op)
      .Case([&](ssd::ApplyOp) { return symbolSize(tensor, dim); })
      .Case([&](linalg::LinalgOp linalgOp) {
        AffineMap map = linalgOp.getIndexingMapMatchingResult(tensor);
        return loopSize(linalgOp, map.getDimPosition(dim));
      })
      .Case([&](tensor::EmptyOp empty) {
        return numberSize(empty.getMixedSizes()[dim], op);
      })
      .Case([&](tensor::ExtractSliceOp slice) -> Size {
        if (slice.getDroppedDims().any())
          return unknownSize(op->getLoc(), dim);
        return numberSize(slice.getMixedSizes()[dim], op);
      })
      .Case([&](tensor::CastOp cast) { return size(cast.getSource(), dim); })
      .Case([&](tensor::CollapseShapeOp collapse) -> Size {
        std::optional<int64_t> source =
            onlyDimension(collapse.getReassociationIndices()[dim],
                          collapse.getSrcType().getShape());
        return source ? size(collapse.getSrc(), *source)
                      : unknownSize(op->getLoc(), dim);
      })
      .Case([&](tensor::ExpandShapeOp expand) -> Size {
        for (auto [source, group] :
             llvm::enumerate(expand.getReassociationIndices()))
          if (onlyDimension(group, expand.getResultType().getShape()) == dim)
            return size(expand.getSrc(), source);
        return unknownSize(op->getLoc(), dim);
      })
      .Default([&](Operation *other) -> Size {
        for (Value operand : other->getOperands())
          if (other->hasTrait<OpTrait::Elementwise>() &&
              isa<RankedTensorType>(operand.getType()))
            return size(operand, dim);
        return unknownSize(op->getLoc(), dim);
      });
}

/// A loop's size is that of an operand's dimension it walks.
Size TensorPrinter::loopSize(linalg::LinalgOp op, unsigned loop) {
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expression] : llvm::enumerate(map.getResults()))
      if (expression == getAffineDimExpr(loop, op.getContext()) &&
          isa<RankedTensorType>(operand.get().getType()))
        return size(operand.get(), dim);
  }
  return unknownSize(op.getLoc(), loop);
}

/// A size given as a constant or by tensor.dim.
Size TensorPrinter::numberSize(OpFoldResult number, Operation *op) {
  if (std::optional<int64_t> constant = getConstantIntValue(number))
    return mamba_dim MAMBA_DIM_STATIC(*constant);
  auto dim = cast<Value>(number).getDefiningOp<tensor::DimOp>();
  std::optional<int64_t> index =
      dim ? dim.getConstantIndex() : std::optional<int64_t>();
  if (!index)
    return op->emitError("has a size that is neither constant nor a "
                         "tensor.dim, which the oracle does not read");
  return size(dim.getSource(), unsigned(*index));
}

} // namespace mamba::codegen
