// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/RoleSlots.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

Value RoleSlots::wait(const RoleKernel::Pipeline &pipeline, Value &slot,
                      Value group, Value iteration) {
  if (!slot)
    slot = tile::WaitOp::create(kernel.b, pipeline.value, group, iteration);
  return slot;
}

bool RoleSlots::holdsTile(Value tile) {
  auto argument = dyn_cast<BlockArgument>(tile);
  if (argument)
    return kernel.tiles.count(argument.getArgNumber()) != 0;
  return readsMasks && kernel.masks.count(tile) != 0;
}

Value RoleSlots::getTile(Value tile) {
  if (auto *it = kernel.masks.find(tile); it != kernel.masks.end())
    return tile::StageOp::create(kernel.b, it->second, getMask());
  unsigned operand = cast<BlockArgument>(tile).getArgNumber();
  Value buffer = kernel.tiles.lookup(operand).buffer;
  bool isShared = llvm::is_contained(kernel.sharedTiles, operand);
  return tile::StageOp::create(kernel.b, buffer,
                               isShared ? getShared() : getOwn());
}

Value RoleSlots::getVector(Value value, Form form) {
  if (sumsUp)
    kernel.summaryExports.insert({value, int(form)});
  Value &buffer = kernel.exports[{value, int(form)}];
  auto type = cast<RankedTensorType>(value.getType());
  // A scalar takes the least that a buffer may have.
  int64_t elements = type.getRank() == 1 ? type.getDimSize(0) : 4;
  bool isHalf = form == Form::High || form == Form::Low;
  Type element = isHalf ? Type(kernel.b.getBF16Type()) : kernel.b.getF32Type();
  if (!buffer)
    buffer = kernel.allocate({elements}, element,
                             kernel.own.stages * kernel.shape.consumers, false);
  return tile::StageOp::create(kernel.b, buffer, getOwn());
}

Value RoleSlots::getFactors(SegmentDecayOp mask, Value scale, int64_t block) {
  auto *known = llvm::find_if(kernel.factors, [&](auto &entry) {
    const RoleKernel::FactorKey &key = entry.first;
    return key.mask == mask && key.scale == scale && key.block == block;
  });
  if (known == kernel.factors.end()) {
    int64_t stages = kernel.own.stages * kernel.shape.consumers;
    Value buffer = kernel.allocate({int64_t(kernel.scan.getChunk())},
                                   kernel.b.getF32Type(), stages, false);
    kernel.factors.push_back({{mask, scale, block}, buffer});
    known = std::prev(kernel.factors.end());
  }
  return tile::StageOp::create(kernel.b, known->second, getOwn());
}

void RoleSlots::release(const RoleKernel::Pipeline &pipeline, Value slot,
                        ValueRange after) {
  tile::ReleaseOp::create(kernel.b, pipeline.value, slot, after);
}
