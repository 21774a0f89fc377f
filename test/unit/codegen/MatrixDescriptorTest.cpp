// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Descriptors, exhaustively: what the hardware makes of their fields is the
// place that the layout gives every element.

#include "codegen/Targets/MatrixDescriptor.h"

#include <gtest/gtest.h>

using namespace mamba::codegen;
using mamba::tile::SharedLayout;

namespace {

/// The fields of a descriptor as the PTX ISA numbers them, in bytes.
struct Fields {
  int64_t start, panels, groups, mode;
};

Fields decode(uint64_t descriptor) {
  auto bytes = [&](int bit) {
    return static_cast<int64_t>(descriptor >> bit & 0x3fff) * 16;
  };
  return {bytes(0), bytes(16), bytes(32),
          static_cast<int64_t>(descriptor >> 62)};
}

/// Address of element (outer, k) of a step, k below 16: the canonical layouts
/// with 128-byte swizzle of 16-bit elements, then bits 4 to 6 of the address
/// are changed by bits 7 to 9.
int64_t addressOf(Fields fields, bool alongOuter, int64_t outer, int64_t k) {
  int64_t address = fields.start;
  if (alongOuter)
    address += outer % 64 * 2 + outer / 64 * fields.panels + k % 8 * 128 +
               k / 8 * fields.groups;
  else
    address += k * 2 + outer % 8 * 128 + outer / 8 * fields.groups;
  return address ^ (address >> 7 & 7) << 4;
}

/// Compares all steps of an operand in the buffer at `base`.
void expectFound(const SharedLayout &layout, bool alongOuter, int64_t base) {
  MatrixDescriptor descriptor(layout, alongOuter);
  int64_t outerExtent = alongOuter ? layout.columns : layout.rows;
  int64_t innerExtent = alongOuter ? layout.rows : layout.columns;
  for (int64_t k = 0; k + 16 <= innerExtent; k += 16) {
    uint64_t start = (base + descriptor.stepOffset(k)) / 16;
    Fields fields =
        decode(uint64_t{descriptor.high()} << 32 | (descriptor.low() + start));
    ASSERT_EQ(fields.start, base + descriptor.stepOffset(k));
    ASSERT_EQ(fields.mode, 1);
    for (int64_t outer = 0; outer < outerExtent; ++outer)
      for (int64_t inner = 0; inner < 16; ++inner) {
        int64_t row = alongOuter ? k + inner : outer;
        int64_t column = alongOuter ? outer : k + inner;
        ASSERT_EQ(addressOf(fields, alongOuter, outer, inner),
                  base + layout.offset(row, column))
            << layout.rows << "x" << layout.columns << " at " << row << ", "
            << column;
      }
  }
}

// From the first address to the last of a multiprocessor's shared memory.
constexpr int64_t kBases[] = {0, 1024, 17 * 1024, 160 * 1024};

TEST(MatrixDescriptor, FindsEveryElementOfPanels) {
  for (int64_t rows : {8, 16, 24, 64, 128, 256})
    for (int64_t columns : {64, 128, 192, 256})
      for (bool alongOuter : {false, true})
        for (int64_t base : kBases)
          if (SharedLayout layout{rows, columns, 2, /*panels=*/true};
              base + layout.bytes() <= 227 * 1024)
            expectFound(layout, alongOuter, base);
}

TEST(MatrixDescriptor, FindsEveryElementOfRowsOf128Bytes) {
  for (int64_t rows : {8, 16, 64, 128})
    for (int64_t columns : {40, 48, 64})
      for (bool alongOuter : {false, true})
        for (int64_t base : kBases)
          expectFound({rows, columns, 2}, alongOuter, base);
}

// The numbers that were measured to work, for one tile of each kind.
TEST(MatrixDescriptor, KnownFields) {
  MatrixDescriptor keys({64, 128, 2, true}, /*alongOuter=*/true);
  EXPECT_EQ(keys.low(), 8192u / 16 << 16);
  EXPECT_EQ(keys.high(), 1024u / 16 | 1u << 30);
  EXPECT_EQ(keys.stepOffset(16), 2048);
  MatrixDescriptor queries({64, 128, 2, true}, /*alongOuter=*/false);
  EXPECT_EQ(queries.stepOffset(48), 96);
  EXPECT_EQ(queries.stepOffset(64), 8192);
}

} // namespace
