// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/NVVM/TokenVector.h"

#include "dialect/Tile/TileDialect.h"

using namespace mlir;

namespace mamba::codegen {

using tile::kLanes;

Value pickLane(ThreadBuilder &b, ArrayRef<Value> values, Value coordinate,
               Value uniform) {
  Value source = values.front();
  Value which = b.div(uniform, kLanes);
  for (auto [i, value] : llvm::enumerate(llvm::drop_begin(values)))
    source = b.select(
        b.compare(arith::CmpIPredicate::eq, which, static_cast<int64_t>(i) + 1),
        value, source);
  return b.shuffle(ThreadBuilder::Shuffle::Index, source,
                   b.rem(coordinate, kLanes));
}

TokenVector::TokenVector(ThreadBuilder &b, Value value) {
  if (value && isa<VectorType>(value.getType()))
    lanes = b.unpack(value);
  else
    pointer = value;
}

std::array<Value, 2> TokenVector::pairAt(ThreadBuilder &b, Value coordinate,
                                         Value uniform) const {
  if (!pointer)
    return {pickLane(b, lanes, coordinate, uniform),
            pickLane(b, lanes, b.add(coordinate, 1), uniform)};
  auto type = VectorType::get(2, b.getF32Type());
  Value address = b.pointerAdd(pointer, b.mul(coordinate, 4));
  SmallVector<Value> pair = b.unpack(b.load(type, address, 8));
  return {pair[0], pair[1]};
}

Value TokenVector::elementAt(ThreadBuilder &b, Value coordinate,
                             Value uniform) const {
  if (!pointer)
    return pickLane(b, lanes, coordinate, uniform);
  return b.load(b.getF32Type(), b.pointerAdd(pointer, b.mul(coordinate, 4)), 4);
}

} // namespace mamba::codegen
