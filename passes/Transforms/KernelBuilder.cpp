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

Value KernelBuilder::tokenOffset(const Access &access, Value firstToken) {
  return arith::AddIOp::create(
      b, baseOffset(access), mul(firstToken, access.getStride(DimRole::Time)));
}

/// Columns of a [time, channel] or [time, state] operand.
Value KernelBuilder::columnBound(const Access &access) {
  if (access.has(DimRole::Channel))
    return place.width;
  return index(access.getSize(DimRole::State));
}

/// Valid tokens from the first token of a chunk on (more than a chunk holds,
/// except in the last one).
Value KernelBuilder::getRows(Value chunkIndex) {
  return arith::SubIOp::create(b, place.length, mul(chunkIndex, shape.chunk));
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

/// Which batch, head and slice this thread block works on, and its operands.
void KernelBuilder::createSetup() {
  place = placeBlock(channels, shape.channels);
  entry.setInsertionPoint(place.length.getDefiningOp());
  numChunks = arith::CeilDivUIOp::create(b, place.length, index(shape.chunk));

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
                                    ValueRange{place.width, index(stateSize)});
}

void KernelBuilder::storeFinals(ValueRange states) {
  for (unsigned i = 0; i < scan.getFinals().size(); ++i) {
    Access access = stateAccess(scan.getFinals()[i], i);
    int64_t stateSize = access.getSize(DimRole::State);
    tile::StoreGlobalOp::create(b, states[i], access.pointer,
                                baseOffset(access),
                                ValueRange{index(stateSize), index(1)},
                                ValueRange{place.width, index(stateSize)});
  }
}
