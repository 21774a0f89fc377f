// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/NVVM/SharedAccess.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace mamba::codegen {

using tile::kUnitBytes;
using tile::SharedLayout;

SharedAccess::SharedAccess(ThreadBuilder &builder, Value base,
                           const SharedLayout &layout, SharedOrigin origin)
    : builder(builder), base(base), layout(layout), origin(origin) {
  rowBytes = builder.mul(builder.add(origin.rowInGroup, origin.rowGroup),
                         layout.pitch());
  // Eight rows repeat the swizzle, so the row group has no part in it.
  swizzle = builder.bitAnd(
      builder.shiftRight(origin.rowInGroup, layout.swizzleShift()),
      layout.swizzleMask());
  originBytes = builder.add(
      rowBytes, builder.mul(builder.bitXor(origin.unit, swizzle), kUnitBytes));
}

Value SharedAccess::pointer(int64_t row, int64_t unit) {
  assert(row % 8 == 0 && "the swizzle of a constant row must be 0");
  int64_t constant = row * layout.pitch();
  Value offset = originBytes;
  if ((unit & origin.unitBits) == 0) {
    // Disjoint bits: the sum of units is an exclusive or, and commutes with the
    // swizzle. Bits beyond the 128-byte group are not swizzled at all.
    int64_t low = unit & layout.swizzleMask();
    offset = builder.bitXor(offset, low * kUnitBytes);
    constant += (unit - low) * kUnitBytes;
  } else {
    Value sum = builder.add(origin.unit, unit);
    offset = builder.add(rowBytes,
                         builder.mul(builder.bitXor(sum, swizzle), kUnitBytes));
  }
  return builder.pointerAdd(builder.pointerAdd(base, offset), constant);
}

static SharedOrigin matrixOrigin(ThreadBuilder &builder, MatrixOrder order,
                                 Value row, Value unit, int64_t unitBits) {
  Value lane = builder.lane();
  Value first = builder.bitAnd(builder.shiftRight(lane, 3), 1);
  Value second = builder.shiftRight(lane, 4);
  bool rowsFirst = order == MatrixOrder::RowsFirst;
  return {.rowInGroup = builder.bitAnd(lane, 7),
          .rowGroup =
              builder.add(row, builder.mul(rowsFirst ? first : second, 8)),
          .unit = builder.add(unit, rowsFirst ? second : first),
          // A carry out of bit 0 could set any bit.
          .unitBits = unitBits & 1 ? -1 : unitBits | 1};
}

MatrixAccess::MatrixAccess(ThreadBuilder &builder, Value base,
                           const SharedLayout &layout, MatrixOrder order,
                           Value row, Value unit, int64_t unitBits)
    : builder(builder),
      access(builder, base, layout,
             matrixOrigin(builder, order, row, unit, unitBits)) {}

SmallVector<Value> MatrixAccess::load(int64_t row, int64_t unit, int count,
                                      bool transposed) {
  std::string name = "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x" +
                     std::to_string(count) + (transposed ? ".trans" : "") +
                     ".b16.p3";
  SmallVector<Type> fields(count, builder.getI32Type());
  Type type = LLVM::LLVMStructType::getLiteral(builder.getContext(), fields);
  Value loaded = builder.intrinsic(name, type, access.pointer(row, unit));
  SmallVector<Value> words;
  for (int i = 0; i < count; ++i)
    words.push_back(builder.fieldOf(loaded, i));
  return words;
}

void MatrixAccess::store(int64_t row, int64_t unit, ArrayRef<Value> words) {
  std::string name = "llvm.nvvm.stmatrix.sync.aligned.m8n8.x" +
                     std::to_string(words.size()) + ".b16.p3";
  SmallVector<Value> arguments = {access.pointer(row, unit)};
  llvm::append_range(arguments, words);
  builder.intrinsic(name, {}, arguments);
}

} // namespace mamba::codegen
