// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/NVVM/SharedAccess.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace mamba::codegen {

using tile::kBankRowBytes;
using tile::kUnitBytes;
using tile::RegisterLayout;
using tile::SharedLayout;

constexpr int64_t kGroupUnits = kBankRowBytes / kUnitBytes;

Value unitOffset(ThreadBuilder &builder, const SharedLayout &layout, Value unit,
                 int64_t last, Value swizzle) {
  if (!layout.panels || last < kGroupUnits)
    // The permutation has no part in bits beyond the 128-byte group.
    return builder.mul(builder.bitXor(unit, swizzle), kUnitBytes);
  Value inPanel =
      builder.bitXor(builder.bitAnd(unit, kGroupUnits - 1), swizzle);
  Value panel = builder.div(unit, kGroupUnits);
  return builder.add(builder.mul(panel, layout.panelBytes()),
                     builder.mul(inPanel, kUnitBytes));
}

/// The last unit of a row.
static int64_t lastUnit(const SharedLayout &layout) {
  return (layout.columns * layout.elementBytes - 1) / kUnitBytes;
}

SharedAccess::SharedAccess(ThreadBuilder &builder, Value base,
                           const SharedLayout &layout, SharedOrigin origin)
    : builder(builder), base(base), layout(layout), origin(origin) {
  rowBytes = builder.mul(builder.add(origin.rowInGroup, origin.rowGroup),
                         layout.pitch());
  // Eight rows repeat the swizzle, so the row group has no part in it.
  swizzle = builder.bitAnd(
      builder.shiftRight(origin.rowInGroup, layout.swizzleShift()),
      layout.swizzleMask());
  // No bit set but these: no unit beyond their sum.
  int64_t last = origin.unitBits < 0 ? lastUnit(layout) : origin.unitBits;
  originBytes = builder.add(
      rowBytes, unitOffset(builder, layout, origin.unit, last, swizzle));
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
    constant += layout.panels ? unit / kGroupUnits * layout.panelBytes()
                              : (unit - low) * kUnitBytes;
  } else {
    Value sum = builder.add(origin.unit, unit);
    offset = builder.add(
        rowBytes, unitOffset(builder, layout, sum, lastUnit(layout), swizzle));
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

void MatrixAccess::store(int64_t row, int64_t unit, ArrayRef<Value> words,
                         bool transposed) {
  std::string name = "llvm.nvvm.stmatrix.sync.aligned.m8n8.x" +
                     std::to_string(words.size()) +
                     (transposed ? ".trans" : "") + ".b16.p3";
  SmallVector<Value> arguments = {access.pointer(row, unit)};
  llvm::append_range(arguments, words);
  builder.intrinsic(name, {}, arguments);
}

//===----------------------------------------------------------------------===//
// Register tiles
//===----------------------------------------------------------------------===//

int64_t possibleBits(int64_t step, int64_t count) {
  int64_t bits = 0;
  for (int64_t i = 0; i < count; ++i)
    bits |= i * step;
  return bits;
}

namespace {

constexpr int64_t kBlock = 8;

/// Axis of a tile that runs along the rows of its buffer.
int rowAxisOf(bool transposed) { return transposed ? 1 : 0; }

/// The matrices of a warp's part. Words 0 and 1 of a block differ in the row of
/// an accumulator's or left operand's fragment, in K of a right operand's; in
/// memory that is a row unless transposed.
MatrixAccess accessTo(ThreadBuilder &b, Value base, const SharedLayout &shared,
                      const RegisterLayout &layout, bool transposed) {
  int rowAxis = rowAxisOf(transposed), unitAxis = 1 - rowAxis;
  int64_t part = layout.warpRow[unitAxis] + layout.warpColumn[unitAxis];
  return MatrixAccess(b, base, shared,
                      transposed ? MatrixOrder::UnitsFirst
                                 : MatrixOrder::RowsFirst,
                      b.warpCoordinate(layout, rowAxis),
                      b.div(b.warpCoordinate(layout, unitAxis), kBlock),
                      possibleBits(part / kBlock, layout.warps.grid[unitAxis]));
}

/// Visits the blocks of a layout: the numbers of their words (two of 16×8, four
/// of 16×16), and where they stand in the buffer.
void forEachBlock(
    const RegisterLayout &layout, bool transposed,
    function_ref<void(ArrayRef<int64_t> words, int64_t row, int64_t unit)>
        visit) {
  int rowAxis = rowAxisOf(transposed);
  int64_t count = layout.numRegisters() / 2;
  SmallVector<bool> seen(count);
  for (int64_t word = 0; word < count; ++word) {
    if (seen[word])
      continue;
    tile::Coordinate at = layout.registers[2 * word];
    tile::Coordinate right = {at[0], at[1] + kBlock};
    SmallVector<int64_t> words = {word, word + 1};
    if (word + 2 < count && layout.registers[2 * (word + 2)] == right)
      words.append({word + 2, word + 3});
    for (int64_t number : words)
      seen[number] = true;
    visit(words, at[rowAxis], at[1 - rowAxis] / kBlock);
  }
}

} // namespace

SmallVector<Value> loadMatrices(ThreadBuilder &b, Value base,
                                const SharedLayout &shared,
                                const RegisterLayout &layout, bool rightOperand,
                                bool transposed) {
  MatrixAccess access = accessTo(b, base, shared, layout, transposed);
  // A left operand stored row by row needs no transposition by the hardware, a
  // right operand stored row by row does.
  bool hardware = rightOperand != transposed;
  SmallVector<Value> result(layout.numRegisters() / 2);
  auto visit = [&](ArrayRef<int64_t> words, int64_t row, int64_t unit) {
    int count = static_cast<int>(words.size());
    for (auto [word, value] :
         llvm::zip(words, access.load(row, unit, count, hardware)))
      result[word] = value;
  };
  forEachBlock(layout, transposed, visit);
  return result;
}

void storeMatrices(ThreadBuilder &b, Value base, const SharedLayout &shared,
                   const RegisterLayout &layout, ArrayRef<Value> words,
                   bool transposed) {
  MatrixAccess access = accessTo(b, base, shared, layout, transposed);
  auto visit = [&](ArrayRef<int64_t> block, int64_t row, int64_t unit) {
    SmallVector<Value> values;
    for (int64_t word : block)
      values.push_back(words[word]);
    access.store(row, unit, values, transposed);
  };
  forEachBlock(layout, transposed, visit);
}

} // namespace mamba::codegen
