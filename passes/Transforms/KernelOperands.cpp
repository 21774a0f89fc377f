// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/KernelOperands.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "passes/KernelAttr.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

LogicalResult KernelOperands::checkStates() {
  if (scan.getNumStates() == 0)
    return scan.emitOpError("without a state has no GPU kernel");
  for (unsigned i = 0; i < scan.getNumStates(); ++i) {
    auto type = cast<RankedTensorType>(scan.getStateArgument(i).getType());
    for (auto [what, size] : {std::pair("headdim P", type.getDimSize(0)),
                              std::pair("state size N", type.getDimSize(1))})
      if (size % 8 != 0 || size > 256)
        return scan.emitOpError(what)
               << " is " << size
               << ", but on the GPU it must be a multiple of 8 and at most "
                  "256";
    if (type.getDimSize(0) !=
        cast<RankedTensorType>(scan.getStateArgument(0).getType())
            .getDimSize(0))
      return scan.emitOpError("states must have one headdim P on the GPU");
  }
  return success();
}

void KernelOperands::createFunction(int64_t warps, int64_t slices) {
  SmallVector<Value> tensors = listTensors();
  SmallVector<Type> types(
      tensors.size(), LLVM::LLVMPointerType::get(b.getContext(), /*space=*/1));
  types.append(2, b.getI64Type());
  b.setInsertionPointToEnd(module.getBody());
  function = gpu::GPUFuncOp::create(b, name, b.getFunctionType(types, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({int32_t(32 * warps), 1, 1}));
  function->setAttr(kSlicesAttr, b.getI64IntegerAttr(slices));
  bindPointers(tensors);
  b.setInsertionPointToStart(&function.getBody().front());
}

BlockPlace KernelOperands::placeBlock(int64_t headdim, int64_t channels) {
  int64_t slices = llvm::divideCeil(headdim, channels);
  BlockPlace place;
  place.channels = channels;
  Value argument = function.getArgument(function.getNumArguments() - 1);
  place.length = arith::IndexCastOp::create(b, b.getIndexType(), argument);
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  place.slice = index(0);
  if (slices > 1) {
    place.slice = arith::RemUIOp::create(b, block, index(slices));
    block = arith::DivUIOp::create(b, block, index(slices));
  }
  place.head = arith::RemUIOp::create(b, block, index(scan.getHeads()));
  place.batch = arith::DivUIOp::create(b, block, index(scan.getHeads()));
  place.width = index(channels);
  if (headdim % channels != 0) {
    Value left =
        arith::SubIOp::create(b, index(headdim), mul(place.slice, channels));
    place.width = arith::MinSIOp::create(b, left, place.width);
  }
  return place;
}

Value KernelOperands::baseOffset(const Access &access,
                                 const BlockPlace &place) {
  Value offset = index(0);
  if (access.has(DimRole::Batch)) {
    Value row = mul(place.batch, access.getStride(DimRole::Batch));
    offset = add(offset, access.has(DimRole::Time)
                             ? arith::MulIOp::create(b, row, place.length)
                             : row);
  }
  if (access.has(DimRole::Head)) {
    int64_t sharing = scan.getHeads() / access.getSize(DimRole::Head);
    Value head = place.head;
    if (sharing > 1)
      head = arith::DivUIOp::create(b, head, index(sharing));
    offset = add(offset, mul(head, access.getStride(DimRole::Head)));
  }
  if (access.has(DimRole::Channel))
    offset =
        add(offset, mul(place.slice,
                        place.channels * access.getStride(DimRole::Channel)));
  return offset;
}

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
