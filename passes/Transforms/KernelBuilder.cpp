// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// KernelBuilder: addresses, the kernel function, states and scalars.

#include "passes/Transforms/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "passes/Transforms/TileKernel.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

/// Offset of the thread block's batch, head and headdim slice.
Value KernelBuilder::baseOffset(const Access &access) {
  Value offset = index(0);
  auto add = [&](Value term) {
    offset = arith::AddIOp::create(b, offset, term);
  };
  if (access.has(DimRole::Batch)) {
    Value row = mul(batch, access.getStride(DimRole::Batch));
    add(access.has(DimRole::Time) ? arith::MulIOp::create(b, row, length)
                                  : row);
  }
  if (access.has(DimRole::Head)) {
    int64_t sharing = scan.getHeads() / access.getSize(DimRole::Head);
    Value operandHead = head;
    if (sharing > 1)
      operandHead = arith::DivUIOp::create(b, head, index(sharing));
    add(mul(operandHead, access.getStride(DimRole::Head)));
  }
  if (access.has(DimRole::Channel) && slices > 1)
    add(mul(slice, shape.channels * access.getStride(DimRole::Channel)));
  return offset;
}

Value KernelBuilder::tokenOffset(const Access &access, Value firstToken) {
  return arith::AddIOp::create(
      b, baseOffset(access), mul(firstToken, access.getStride(DimRole::Time)));
}

/// Columns of a [time, channel] or [time, state] operand.
Value KernelBuilder::columnBound(const Access &access) {
  if (access.has(DimRole::Channel))
    return sliceWidth;
  return index(access.getSize(DimRole::State));
}

/// Valid tokens from the first token of a chunk on (more than a chunk holds,
/// except in the last one).
Value KernelBuilder::getRows(Value chunkIndex) {
  return arith::SubIOp::create(b, length, mul(chunkIndex, shape.chunk));
}

/// The chunk that step `step` of the loop works on.
Value KernelBuilder::toChunk(Value step) {
  if (!scan.getReverse())
    return step;
  Value last = arith::SubIOp::create(b, numChunks, index(1));
  return arith::SubIOp::create(b, last, step);
}

//===----------------------------------------------------------------------===//
// Function
//===----------------------------------------------------------------------===//

void KernelBuilder::createFunction() {
  SmallVector<Value> tensors = listTensors();
  SmallVector<Type> types(
      tensors.size(), LLVM::LLVMPointerType::get(b.getContext(), /*space=*/1));
  types.append(2, b.getI64Type());
  b.setInsertionPointToEnd(module.getBody());
  function = gpu::GPUFuncOp::create(b, name, b.getFunctionType(types, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({int32_t(32 * shape.warps), 1, 1}));
  // Left alone, ptxas gives up registers for a third block and spills.
  function->setAttr("nvvm.minctasm", b.getI32IntegerAttr(1));
  function->setAttr(kSlicesAttr, b.getI64IntegerAttr(slices));
  bindPointers(tensors);
  b.setInsertionPointToStart(&function.getBody().front());
}

/// Which batch, head and slice this thread block works on, and its operands.
void KernelBuilder::createSetup() {
  unsigned numArguments = function.getNumArguments();
  Value lengthArgument = function.getArgument(numArguments - 1);
  length = arith::IndexCastOp::create(b, b.getIndexType(), lengthArgument);
  entry.setInsertionPoint(length.getDefiningOp());
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  slice = index(0);
  if (slices > 1) {
    slice = arith::RemUIOp::create(b, block, index(slices));
    block = arith::DivUIOp::create(b, block, index(slices));
  }
  head = arith::RemUIOp::create(b, block, index(scan.getHeads()));
  batch = arith::DivUIOp::create(b, block, index(scan.getHeads()));
  Value left =
      arith::SubIOp::create(b, index(channels), mul(slice, shape.channels));
  sliceWidth = arith::MinSIOp::create(b, left, index(shape.channels));
  numChunks = arith::CeilDivUIOp::create(b, length, index(shape.chunk));

  for (auto [i, operand] : llvm::enumerate(scan.getIns())) {
    inputs.push_back(makeAccess(operand, scan.getInRole(i).getRoles()));
    const Access &access = inputs.back();
    Value tile = scan.getBody().getArgument(i);
    int64_t rank = cast<RankedTensorType>(tile.getType()).getRank();
    pipelined.push_back(Value());
    if (access.has(DimRole::Time) && rank == 1)
      vectors.push_back(i);
    if (!access.has(DimRole::Time) || rank != 2)
      continue;
    TileEmitter emitter(b, entry, scan, axes, shape);
    auto type = tile::BufferType::get(
        b.getContext(),
        {emitter.getExtent(tile, 0), emitter.getExtent(tile, 1)},
        access.type.getElementType(), schedule.getStages());
    pipelined.back() = tile::AllocOp::create(entry, b.getLoc(), type);
  }
}

//===----------------------------------------------------------------------===//
// States and scalars
//===----------------------------------------------------------------------===//

Value KernelBuilder::loadState(unsigned i) {
  TileEmitter emitter(b, entry, scan, axes, shape);
  Value tile = scan.getStateArgument(i);
  RankedTensorType type = emitter.getType(tile, emitter.getNaturalLayout(tile));
  if (scan.getInits().empty()) {
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
    return tile::SplatOp::create(b, type, zero);
  }
  Access access = stateAccess(scan.getInits()[i], i);
  int64_t stateSize = access.getSize(DimRole::State);
  return tile::LoadGlobalOp::create(b, type, access.pointer, baseOffset(access),
                                    ValueRange{index(stateSize), index(1)},
                                    ValueRange{sliceWidth, index(stateSize)});
}

void KernelBuilder::storeFinals(ValueRange states) {
  for (unsigned i = 0; i < scan.getFinals().size(); ++i) {
    Access access = stateAccess(scan.getFinals()[i], i);
    int64_t stateSize = access.getSize(DimRole::State);
    tile::StoreGlobalOp::create(b, states[i], access.pointer,
                                baseOffset(access),
                                ValueRange{index(stateSize), index(1)},
                                ValueRange{sliceWidth, index(stateSize)});
  }
}
