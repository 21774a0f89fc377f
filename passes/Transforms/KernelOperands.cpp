// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/KernelOperands.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

SmallVector<Value> KernelOperands::listTensors() {
  SmallVector<Value> tensors;
  for (Value operand : scan.getOperands())
    if (!matchPattern(operand, m_Constant()))
      tensors.push_back(operand);
  tensors.append(scan->result_begin(), scan->result_end());
  return tensors;
}

void KernelOperands::bindPointers(ArrayRef<Value> tensors) {
  for (auto [tensor, parameter] : llvm::zip(tensors, function.getArguments()))
    pointers[tensor] = parameter;
}

/// A constant tensor is part of the kernel: a global of its module.
Value KernelOperands::embedConstant(DenseElementsAttr elements) {
  OpBuilder::InsertionGuard guard(b);
  Type element = elements.getElementType();
  auto type = LLVM::LLVMArrayType::get(element, elements.getNumElements());
  auto flat = DenseElementsAttr::getFromRawBuffer(
      RankedTensorType::get(elements.getNumElements(), element),
      elements.getRawData());
  if (elements.isSplat())
    flat = DenseElementsAttr::get(flat.getType(),
                                  elements.getSplatValue<Attribute>());
  std::string symbol = (name + "_constant" + Twine(numConstants++)).str();
  b.setInsertionPointToStart(module.getBody());
  auto global = LLVM::GlobalOp::create(b, type, /*isConstant=*/true,
                                       LLVM::Linkage::Internal, symbol, flat,
                                       /*alignment=*/16, /*addrSpace=*/1);
  b.setInsertionPointToStart(&function.getBody().front());
  return LLVM::AddressOfOp::create(b, global);
}

/// The kernel parameter that points to `tensor`.
Value KernelOperands::getPointer(Value tensor) {
  DenseElementsAttr constant;
  if (matchPattern(tensor, m_Constant(&constant)))
    return embedConstant(constant);
  return pointers.lookup(tensor);
}

Access KernelOperands::makeAccess(Value tensor, ArrayRef<DimRole> roles) {
  return {getPointer(tensor), cast<RankedTensorType>(tensor.getType()),
          SmallVector<DimRole>(roles)};
}

Value KernelOperands::mul(Value value, int64_t factor) {
  if (factor == 1)
    return value;
  Value constant =
      arith::ConstantOp::create(b, b.getIntegerAttr(value.getType(), factor));
  return arith::MulIOp::create(b, value, constant);
}

Access KernelOperands::stateAccess(Value tensor, unsigned i) {
  auto tile = cast<RankedTensorType>(scan.getStateArgument(i).getType());
  auto type =
      RankedTensorType::get({ShapedType::kDynamic, int64_t(scan.getHeads()),
                             tile.getDimSize(0), tile.getDimSize(1)},
                            tile.getElementType());
  return {getPointer(tensor),
          type,
          {DimRole::Batch, DimRole::Head, DimRole::Channel, DimRole::State}};
}

/// The element at `offset` elements from the operand's start.
Value KernelOperands::loadScalar(const Access &access, Value offset) {
  Value wide = arith::IndexCastOp::create(b, b.getI64Type(), offset);
  Type element = access.type.getElementType();
  Value address = LLVM::GEPOp::create(b, access.pointer.getType(), element,
                                      access.pointer, wide);
  return LLVM::LoadOp::create(b, element, address);
}
