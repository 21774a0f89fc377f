// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/KernelFunction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mamba::codegen {

KernelFunction::KernelFunction(ModuleOp module, StringRef name, Location loc,
                               ValueRange tensors)
    : b(loc, module.getContext()) {
  b.setInsertionPointToEnd(module.getBody());
  Type i64 = b.getI64Type();
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto func = func::FuncOp::create(
      b, name, b.getFunctionType({pointer, i64, i64, i64, i64}, {}));
  Block *entry = func.addEntryBlock();
  b.setInsertionPointToStart(entry);
  auto asIndex = [&](unsigned i) -> Value {
    return arith::IndexCastOp::create(b, b.getIndexType(),
                                      entry->getArgument(i));
  };
  batch = asIndex(1);
  length = asIndex(2);
  Value begin = asIndex(3), end = asIndex(4);
  unsigned pointers = 0;
  for (Value tensor : tensors)
    if (DenseElementsAttr elements = getConstantTensor(tensor))
      buffers.push_back(loadConstant(
          module, (name + "_constant" + Twine(buffers.size())).str(),
          elements));
    else
      buffers.push_back(loadBuffer(entry->getArgument(0), pointers++,
                                   getElementTypeOrSelf(tensor.getType())));
  auto loop = scf::ForOp::create(b, begin, end, constant(1));
  func::ReturnOp::create(b);
  item = loop.getInductionVar();
  b.setInsertionPointToStart(loop.getBody());
}

Value KernelFunction::loadBuffer(Value pointers, unsigned index,
                                 Type elementType) {
  Type pointer = pointers.getType(), i64 = b.getI64Type();
  Value slot = LLVM::GEPOp::create(b, pointer, pointer, pointers,
                                   ArrayRef<LLVM::GEPArg>{int32_t(index)});
  Value data = LLVM::LoadOp::create(b, pointer, slot);
  // A one-dimensional memref descriptor. The size is never read: slices have
  // their own.
  Type sizes = LLVM::LLVMArrayType::get(i64, 1);
  Type type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), {pointer, pointer, i64, sizes, sizes});
  Value zero = LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(0));
  Value one = LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(1));
  Value descriptor = LLVM::PoisonOp::create(b, type);
  auto set = [&](Value value, ArrayRef<int64_t> position) {
    descriptor = LLVM::InsertValueOp::create(b, descriptor, value, position);
  };
  set(data, {0});
  set(data, {1});
  set(zero, {2});
  set(zero, {3, 0});
  set(one, {4, 0});
  auto flat = MemRefType::get({ShapedType::kDynamic}, elementType);
  return UnrealizedConversionCastOp::create(b, flat, descriptor).getResult(0);
}

DenseElementsAttr getConstantTensor(Value tensor) {
  DenseElementsAttr elements;
  if (!matchPattern(tensor, m_Constant(&elements)))
    return {};
  return elements;
}

Value KernelFunction::loadConstant(ModuleOp module, StringRef name,
                                   DenseElementsAttr elements) {
  auto type =
      MemRefType::get({elements.getNumElements()}, elements.getElementType());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    auto flat = RankedTensorType::get(type.getShape(), type.getElementType());
    memref::GlobalOp::create(b, name, b.getStringAttr("private"), type,
                             elements.reshape(flat), /*constant=*/true,
                             /*alignment=*/b.getI64IntegerAttr(64));
  }
  Value global = memref::GetGlobalOp::create(b, type, name);
  auto flat =
      MemRefType::get({ShapedType::kDynamic}, elements.getElementType());
  return memref::CastOp::create(b, flat, global);
}

Value KernelFunction::slice(unsigned index, Value offset,
                            ArrayRef<int64_t> sizes,
                            ArrayRef<int64_t> strides) {
  auto flat = cast<MemRefType>(buffers[index].getType());
  auto layout =
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, strides);
  auto type = MemRefType::get(sizes, flat.getElementType(), layout);
  SmallVector<OpFoldResult> sizeValues, strideValues;
  for (int64_t size : sizes)
    sizeValues.push_back(b.getIndexAttr(size));
  for (int64_t stride : strides)
    strideValues.push_back(b.getIndexAttr(stride));
  return memref::ReinterpretCastOp::create(
      b, type, buffers[index], OpFoldResult(offset), sizeValues, strideValues);
}

Value KernelFunction::constant(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value KernelFunction::add(Value a, Value c) {
  if (!a || matchPattern(a, m_Zero()))
    return c;
  return matchPattern(c, m_Zero()) ? a : arith::AddIOp::create(b, a, c);
}

Value KernelFunction::mul(Value a, int64_t factor) {
  return mul(a, constant(factor));
}

Value KernelFunction::mul(Value a, Value c) {
  return b.createOrFold<arith::MulIOp>(a, c);
}

void emitCopy(ImplicitLocOpBuilder &b, Value source, Value target,
              bool transposed) {
  auto type = cast<MemRefType>(target.getType());
  Type to = type.getElementType();
  Type from = cast<MemRefType>(source.getType()).getElementType();
  AffineMap map = b.getMultiDimIdentityMap(type.getRank()), sourceMap = map;
  if (transposed)
    sourceMap =
        AffineMap::getPermutationMap(ArrayRef<unsigned>{1, 0}, b.getContext());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  linalg::GenericOp::create(
      b, source, target, {sourceMap, map}, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Value value = args[0];
        if (from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
          value = arith::ExtFOp::create(nested, loc, to, value);
        else if (from != to)
          value = arith::TruncFOp::create(nested, loc, to, value);
        linalg::YieldOp::create(nested, loc, value);
      });
}

Value getRow(ImplicitLocOpBuilder &b, Value buffer, Value row) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes, strides(type.getRank(), b.getIndexAttr(1));
  for (int64_t size : type.getShape())
    sizes.push_back(b.getIndexAttr(size));
  offsets[0] = row;
  sizes[0] = b.getIndexAttr(1);
  auto rowType = memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(), type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, cast<MemRefType>(rowType), buffer,
                                   offsets, sizes, strides);
}

SmallVector<int64_t> getCompactStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t i = int64_t(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

} // namespace mamba::codegen
