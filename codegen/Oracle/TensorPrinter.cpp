// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Oracle/TensorPrinter.h"

#include "codegen/Oracle/ScalarText.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mamba::codegen {

namespace {

using Text = TensorPrinter::Text;
using Texts = TensorPrinter::Texts;

StringRef loadFunction(int32_t dtype) {
  switch (dtype) {
  case MAMBA_DTYPE_F16:
    return "loadF16";
  case MAMBA_DTYPE_BF16:
    return "loadBf16";
  case MAMBA_DTYPE_F32:
    return "loadF32";
  case MAMBA_DTYPE_F64:
    return "loadF64";
  case MAMBA_DTYPE_I32:
    return "loadI32";
  default:
    return "loadI64";
  }
}

Text unknown(Operation *op) {
  return op->emitError("is not known to the oracle");
}

/// An affine expression with its dimensions replaced by `loops`.
std::string affineText(AffineExpr expression, ArrayRef<std::string> loops) {
  if (auto dim = dyn_cast<AffineDimExpr>(expression))
    return loops[dim.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return std::to_string(constant.getValue());
  auto binary = cast<AffineBinaryOpExpr>(expression);
  StringRef sign = binary.getKind() == AffineExprKind::Add   ? " + "
                   : binary.getKind() == AffineExprKind::Mul ? " * "
                   : binary.getKind() == AffineExprKind::Mod ? " % "
                                                             : " / ";
  return "(" + affineText(binary.getLHS(), loops) + sign.str() +
         affineText(binary.getRHS(), loops) + ")";
}

} // namespace

bool isReduction(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && linalgOp.getNumReductionLoops() > 0;
}

std::string TensorPrinter::sizeText(const mamba_dim &size) {
  if (size.symbol < 0)
    return std::to_string(size.extent);
  return size.symbol == BatchSymbol ? "m.batch" : "m.length";
}

Text TensorPrinter::element(Value tensor, ArrayRef<std::string> index) {
  return call(tensor, /*compute=*/!isStored(tensor), index);
}

Text TensorPrinter::computedElement(Value tensor, ArrayRef<std::string> index) {
  return call(tensor, /*compute=*/true, index);
}

Text TensorPrinter::call(Value tensor, bool compute,
                         ArrayRef<std::string> index) {
  std::string &name = defined[{tensor, compute}];
  if (name.empty()) {
    Text function = define(tensor, compute);
    if (failed(function))
      return failure();
    // `define` may have moved what `name` refers to.
    defined[{tensor, compute}] = *function;
    return call(tensor, compute, index);
  }
  std::string text = name + "(m";
  for (const std::string &position : index)
    text += ", " + position;
  return text + ")";
}

/// Prints the function of a tensor after those it calls; returns its name.
Text TensorPrinter::define(Value tensor, bool compute) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  Texts index;
  std::string parameters = "const Memory &m";
  for (int64_t i = 0; i < rank; ++i) {
    index.push_back("i" + std::to_string(i));
    parameters += ", long long " + index.back();
  }
  Scope scope;
  Text result =
      compute ? this->compute(tensor, index, scope) : load(tensor, index);
  if (failed(result))
    return failure();
  std::string name = uniqueName("tensor");
  printed += "__device__ " + scalarTypeText(tensor.getType()).str() + " " +
             name + "(" + parameters + ") {\n" + scope.lines + "  return " +
             *result + ";\n}\n\n";
  return name;
}

Text TensorPrinter::place(Value tensor, ArrayRef<std::string> index) {
  std::string offset = "0";
  for (unsigned dim = 0; dim < index.size(); ++dim) {
    FailureOr<mamba_dim> extent = size(tensor, dim);
    if (failed(extent))
      return failure();
    offset = dim == 0 ? index[dim]
                      : "(" + offset + ") * " + sizeText(*extent) + " + " +
                            index[dim];
  }
  return "m.p[" + std::to_string(storedParam(tensor)) + "], " + offset;
}

Text TensorPrinter::load(Value tensor, ArrayRef<std::string> index) {
  Text where = place(tensor, index);
  if (failed(where))
    return failure();
  return loadFunction(stored.lookup(tensor).dtype).str() + "(" + *where + ")";
}

/// The expression of an element that is not loaded, after lines in `scope`.
Text TensorPrinter::compute(Value tensor, ArrayRef<std::string> index,
                            Scope &scope) {
  Operation *op = tensor.getDefiningOp();
  assert(op && "function arguments are stored");
  return llvm::TypeSwitch<Operation *, Text>(op)
      .Case([&](linalg::LinalgOp) {
        return linalgElement(cast<OpResult>(tensor), index, scope);
      })
      .Case([&](arith::ConstantOp) { return constantElement(tensor, index); })
      .Case(
          [&](tensor::CastOp cast) { return element(cast.getSource(), index); })
      .Case([&](tensor::SplatOp splat) {
        return scalar(splat.getInput(), scope);
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        return sliceElement(slice, index);
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        return collapsedElement(collapse, index);
      })
      .Case([&](tensor::ExpandShapeOp expand) {
        return expandedElement(expand, index);
      })
      .Case([](tensor::EmptyOp empty) -> Text {
        return empty.emitError("is read, but holds no values");
      })
      .Default([&](Operation *other) {
        return elementwiseElement(other, index, scope);
      });
}

Text TensorPrinter::constantElement(Value tensor, ArrayRef<std::string> index) {
  auto constant = tensor.getDefiningOp<arith::ConstantOp>();
  auto values = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!values)
    return unknown(constant);
  if (values.isSplat())
    return constantText(values.getSplatValue<Attribute>());
  std::string name = uniqueName("constant");
  std::string list;
  for (Attribute value : values.getValues<Attribute>())
    list += (list.empty() ? "" : ", ") + constantText(value);
  printed += "__device__ const " + scalarTypeText(tensor.getType()).str() +
             " " + name + "[] = {" + list + "};\n\n";
  std::string offset = "0";
  for (auto [position, extent] :
       llvm::zip_equal(index, values.getType().getShape()))
    offset = "(" + offset + ") * " + std::to_string(extent) + " + " + position;
  return name + "[" + offset + "]";
}

/// arith and math operations on whole tensors.
Text TensorPrinter::elementwiseElement(Operation *op,
                                       ArrayRef<std::string> index,
                                       Scope &scope) {
  if (!op->hasTrait<OpTrait::Elementwise>())
    return unknown(op);
  Texts operands;
  for (Value operand : op->getOperands()) {
    Text value = isa<RankedTensorType>(operand.getType())
                     ? element(operand, index)
                     : scalar(operand, scope);
    if (failed(value))
      return failure();
    // Named, because a pattern may use an operand twice.
    std::string name = uniqueName("s");
    scope.lines += "  const " + scalarTypeText(operand.getType()).str() + " " +
                   name + " = " + *value + ";\n";
    operands.push_back(name);
  }
  Text text = scalarText(op, operands);
  return failed(text) ? unknown(op) : text;
}

Text TensorPrinter::sliceElement(tensor::ExtractSliceOp op,
                                 ArrayRef<std::string> index) {
  if (llvm::any_of(op.getStaticOffsets(), ShapedType::isDynamic) ||
      llvm::any_of(op.getStaticStrides(), ShapedType::isDynamic))
    return op.emitError("has dynamic offsets or strides, which the oracle "
                        "does not read");
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Texts source;
  unsigned next = 0;
  for (auto [dim, offset, stride] :
       llvm::enumerate(op.getStaticOffsets(), op.getStaticStrides())) {
    std::string position = dropped[dim] ? "0" : index[next++];
    source.push_back(std::to_string(offset) + " + " + std::to_string(stride) +
                     " * " + position);
  }
  return element(op.getSource(), source);
}

Text TensorPrinter::collapsedElement(tensor::CollapseShapeOp op,
                                     ArrayRef<std::string> index) {
  Texts source(op.getSrcType().getRank());
  for (auto [group, position] :
       llvm::zip_equal(op.getReassociationIndices(), index)) {
    // The last dimension of a group moves fastest.
    std::string rest = position;
    for (int64_t dim : llvm::reverse(group)) {
      if (dim == group.front()) {
        source[dim] = rest;
        break;
      }
      FailureOr<mamba_dim> extent = size(op.getSrc(), dim);
      if (failed(extent))
        return failure();
      source[dim] = "(" + rest + ") % " + sizeText(*extent);
      rest = "(" + rest + ") / " + sizeText(*extent);
    }
  }
  return element(op.getSrc(), source);
}

Text TensorPrinter::expandedElement(tensor::ExpandShapeOp op,
                                    ArrayRef<std::string> index) {
  Texts source;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    std::string position = "0";
    for (int64_t dim : group) {
      FailureOr<mamba_dim> extent = size(op.getResult(), dim);
      if (failed(extent))
        return failure();
      position =
          "(" + position + ") * " + sizeText(*extent) + " + " + index[dim];
    }
    source.push_back(position);
  }
  return element(op.getSrc(), source);
}

//===----------------------------------------------------------------------===//
// linalg and scalars
//===----------------------------------------------------------------------===//

/// One element of a linalg operation's result: its region at that point, or
/// the loop over what is reduced.
Text TensorPrinter::linalgElement(OpResult result, ArrayRef<std::string> index,
                                  Scope &scope) {
  auto op = cast<linalg::LinalgOp>(result.getOwner());
  AffineMap map = op.getIndexingMapMatchingResult(result);
  if (!map.isProjectedPermutation())
    return op.emitError("has a result map that is not a permutation, which "
                        "the oracle does not read");
  scope.loops.resize(op.getNumLoops());
  for (auto [expression, position] : llvm::zip_equal(map.getResults(), index))
    scope.loops[cast<AffineDimExpr>(expression).getPosition()] = position;
  bool reduces = llvm::any_of(
      scope.loops, [](const std::string &loop) { return loop.empty(); });
  if (reduces) {
    Value init = op.getDpsInitOperand(result.getResultNumber())->get();
    Text start = element(init, index);
    if (failed(start))
      return failure();
    scope.lines += "  " + scalarTypeText(init.getType()).str() +
                   " sum = " + *start + ";\n";
  }
  if (failed(openLoops(result, scope)) ||
      failed(nameOperands(result, reduces, scope)))
    return failure();
  Operation *yield = op.getBlock()->getTerminator();
  Text value = scalar(yield->getOperand(result.getResultNumber()), scope);
  if (failed(value) || !reduces)
    return value;
  scope.lines += "  sum = " + *value + ";\n";
  for (const std::string &loop : scope.loops)
    if (StringRef(loop).starts_with("loop"))
      scope.lines += "  }\n";
  return std::string("sum");
}

/// Opens a loop for each index that the result does not give.
LogicalResult TensorPrinter::openLoops(OpResult result, Scope &scope) {
  auto op = cast<linalg::LinalgOp>(result.getOwner());
  for (auto [loop, name] : llvm::enumerate(scope.loops)) {
    if (!name.empty())
      continue;
    FailureOr<mamba_dim> extent = loopSize(op, loop);
    if (failed(extent))
      return failure();
    name = "loop" + std::to_string(loop);
    scope.lines += "  for (long long " + name + " = 0; " + name + " < " +
                   sizeText(*extent) + "; ++" + name + ") {\n";
  }
  return success();
}

/// Names the elements that the region's arguments stand for.
LogicalResult TensorPrinter::nameOperands(OpResult result, bool reduces,
                                          Scope &scope) {
  auto op = cast<linalg::LinalgOp>(result.getOwner());
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (argument.use_empty())
      continue;
    if (reduces && op.isDpsInit(&operand)) {
      scope.names[argument] = "sum";
      continue;
    }
    Texts position;
    for (AffineExpr expression :
         op.getMatchingIndexingMap(&operand).getResults())
      position.push_back(affineText(expression, scope.loops));
    Text value = isa<RankedTensorType>(operand.get().getType())
                     ? element(operand.get(), position)
                     : scalar(operand.get(), scope);
    if (failed(value))
      return failure();
    std::string name = uniqueName("s");
    scope.lines += "  const " + scalarTypeText(argument.getType()).str() + " " +
                   name + " = " + *value + ";\n";
    scope.names[argument] = name;
  }
  return success();
}

/// The expression of a scalar, its operations printed in front.
Text TensorPrinter::scalar(Value value, Scope &scope) {
  auto found = scope.names.find(value);
  if (found != scope.names.end())
    return found->second;
  Operation *op = value.getDefiningOp();
  if (!op)
    return Text(emitError(value.getLoc(), "the oracle takes tensors only, not "
                                          "an argument of type ")
                << value.getType());
  Text text = scalarOf(op, scope);
  if (failed(text))
    return failure();
  std::string name = uniqueName("s");
  scope.lines += "  const " + scalarTypeText(value.getType()).str() + " " +
                 name + " = " + *text + ";\n";
  scope.names[value] = name;
  return name;
}

Text TensorPrinter::scalarOf(Operation *op, Scope &scope) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return constantText(constant.getValue());
  if (auto index = dyn_cast<linalg::IndexOp>(op))
    return scope.loops[index.getDim()];
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    FailureOr<mamba_dim> extent = numberSize(dim.getResult(), op);
    return failed(extent) ? Text(failure()) : sizeText(*extent);
  }
  Texts operands;
  auto extract = dyn_cast<tensor::ExtractOp>(op);
  for (Value operand :
       extract ? OperandRange(extract.getIndices()) : op->getOperands()) {
    Text text = scalar(operand, scope);
    if (failed(text))
      return failure();
    operands.push_back(*text);
  }
  if (extract)
    return element(extract.getTensor(), operands);
  Text text = scalarText(op, operands);
  return failed(text) ? unknown(op) : text;
}

} // namespace mamba::codegen
