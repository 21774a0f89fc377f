// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts, exhaustively: every element has its owners, every address its place,
// and the accesses of a warp meet no bank twice.

#include "dialect/Tile/RegisterLayout.h"
#include "dialect/Tile/SharedLayout.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

using namespace mamba::tile;

namespace {

/// Number of threads (and registers) that hold each element.
std::map<Coordinate, int64_t> owners(const RegisterLayout &layout) {
  std::map<Coordinate, int64_t> count;
  for (int64_t warp = 0; warp < layout.warps.size(); ++warp)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      for (int64_t reg = 0; reg < layout.numRegisters(); ++reg) {
        Coordinate at = layout.coordinate(reg, lane, warp);
        if (layout.contains(at))
          ++count[at];
      }
  return count;
}

/// Every element of the shape, and nothing else, has `each` owners; exactly one
/// of them is primary.
void expectOwned(const RegisterLayout &layout, int64_t each) {
  std::map<Coordinate, int64_t> count = owners(layout);
  EXPECT_EQ(static_cast<int64_t>(count.size()),
            layout.shape[0] * layout.shape[1]);
  for (const auto &[at, number] : count)
    EXPECT_EQ(number, each) << "(" << at[0] << ", " << at[1] << ")";
  std::map<Coordinate, int64_t> primary;
  for (int64_t warp = 0; warp < layout.warps.size(); ++warp)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      for (int64_t reg = 0; reg < layout.numRegisters(); ++reg) {
        Coordinate at = layout.coordinate(reg, lane, warp);
        if (layout.contains(at) && layout.isPrimary(lane, warp))
          ++primary[at];
      }
  EXPECT_EQ(primary.size(), count.size());
  for (const auto &[at, number] : primary)
    EXPECT_EQ(number, 1) << "(" << at[0] << ", " << at[1] << ")";
}

const WarpGrid kGrids[] = {{{1, 1}, 1}, {{4, 1}, 1}, {{1, 4}, 1}, {{2, 2}, 1},
                           {{4, 1}, 2}, {{4, 2}, 1}, {{1, 3}, 1}};

TEST(RegisterLayout, AccumulatorOwnsEveryElement) {
  for (const WarpGrid &warps : kGrids)
    for (int64_t m : {1, 2})
      for (int64_t n : {1, 3})
        expectOwned(accumulatorLayout(16 * m * warps.grid[0],
                                      8 * n * warps.grid[1], warps),
                    warps.copies);
}

TEST(RegisterLayout, OperandsOwnEveryElement) {
  for (const WarpGrid &warps : kGrids)
    for (int64_t k : {16, 48}) {
      expectOwned(operandALayout(16 * warps.grid[0], k, warps),
                  warps.copies * warps.grid[1]);
      expectOwned(operandBLayout(k, 16 * warps.grid[1], warps),
                  warps.copies * warps.grid[0]);
    }
}

TEST(RegisterLayout, CoalescedOwnsEveryElement) {
  for (const WarpGrid &warps : kGrids)
    for (int64_t m : {1, 3})
      for (int64_t n : {1, 2})
        expectOwned(coalescedLayout(4 * m * warps.grid[0],
                                    32 * n * warps.grid[1], warps),
                    warps.copies);
}

TEST(RegisterLayout, LaneVectorOwnsEveryElement) {
  for (int64_t length : {1, 31, 32, 33, 64, 1000})
    expectOwned(laneLayout(length), 1);
}

TEST(RegisterLayout, SliceHasEachCoordinateOncePerThread) {
  for (const WarpGrid &warps : kGrids) {
    RegisterLayout parent =
        accumulatorLayout(32 * warps.grid[0], 24 * warps.grid[1], warps);
    for (int axis : {0, 1}) {
      RegisterLayout slice = parent.slice(axis);
      for (int64_t warp = 0; warp < warps.size(); ++warp)
        for (int64_t lane = 0; lane < kLanes; ++lane) {
          std::set<int64_t> mine, wanted;
          for (int64_t reg = 0; reg < slice.numRegisters(); ++reg)
            EXPECT_TRUE(
                mine.insert(slice.coordinate(reg, lane, warp)[0]).second);
          for (int64_t reg = 0; reg < parent.numRegisters(); ++reg)
            wanted.insert(parent.coordinate(reg, lane, warp)[axis]);
          EXPECT_EQ(mine, wanted);
        }
    }
  }
}

// The fragments as the PTX ISA draws them: m16n8k16, group = lane / 4.
TEST(RegisterLayout, FragmentsOfTheInstruction) {
  RegisterLayout c = accumulatorLayout(16, 8, {});
  RegisterLayout a = operandALayout(16, 16, {});
  RegisterLayout b = operandBLayout(16, 8, {});
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    int64_t group = lane / 4, inGroup = lane % 4;
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_EQ(c.coordinate(i, lane, 0),
                (Coordinate{group + (i < 2 ? 0 : 8), inGroup * 2 + (i & 1)}));
      EXPECT_EQ(b.coordinate(i, lane, 0),
                (Coordinate{inGroup * 2 + (i & 1) + (i < 2 ? 0 : 8), group}));
    }
    for (int64_t i = 0; i < 8; ++i)
      EXPECT_EQ(a.coordinate(i, lane, 0),
                (Coordinate{group + ((i / 2) % 2 ? 8 : 0),
                            inGroup * 2 + (i & 1) + (i < 4 ? 0 : 8)}));
  }
}

TEST(RegisterLayout, AccumulatorIsRenamedToOperand) {
  WarpGrid warps{{4, 1}, 1};
  RegisterLayout c = accumulatorLayout(64, 64, warps);
  RegisterLayout a = operandALayout(64, 64, warps);
  std::vector<int64_t> names = c.renaming(a);
  ASSERT_EQ(static_cast<int64_t>(names.size()), a.numRegisters());
  for (int64_t warp = 0; warp < 4; ++warp)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      for (int64_t reg = 0; reg < a.numRegisters(); ++reg)
        EXPECT_EQ(c.coordinate(names[reg], lane, warp),
                  a.coordinate(reg, lane, warp));
}

// Rows of an accumulator are columns of a right operand.
TEST(RegisterLayout, TransposedAccumulatorIsRightOperand) {
  for (int64_t warps : {1, 2, 4}) {
    RegisterLayout state = accumulatorLayout(64, 32, {{warps, 1}, 1});
    RegisterLayout right = operandBLayout(32, 64, {{1, warps}, 1});
    std::vector<int64_t> names = state.transposed().renaming(right);
    ASSERT_EQ(static_cast<int64_t>(names.size()), right.numRegisters());
    for (int64_t warp = 0; warp < 2 * warps; ++warp)
      for (int64_t lane = 0; lane < kLanes; ++lane)
        for (int64_t reg = 0; reg < right.numRegisters(); ++reg) {
          Coordinate from = state.coordinate(names[reg], lane, warp);
          Coordinate to = right.coordinate(reg, lane, warp);
          EXPECT_EQ(from, (Coordinate{to[1], to[0]}));
        }
  }
}

TEST(RegisterLayout, NoRenamingWhereElementsAreElsewhere) {
  RegisterLayout columns = accumulatorLayout(64, 64, {{1, 4}, 1});
  EXPECT_TRUE(columns.renaming(operandALayout(64, 64, {{4, 1}, 1})).empty());
  EXPECT_TRUE(columns.renaming(operandBLayout(64, 64, {{1, 4}, 1})).empty());
}

TEST(RegisterLayout, RunsOfColumns) {
  EXPECT_EQ(accumulatorLayout(64, 32, {{1, 4}, 1}).columnRun(), 2);
  EXPECT_EQ(accumulatorLayout(64, 32, {{1, 4}, 1}).slice(1).columnRun(), 2);
  EXPECT_EQ(accumulatorLayout(64, 32, {{1, 4}, 1}).slice(0).columnRun(), 1);
  EXPECT_EQ(operandALayout(64, 32, {{4, 1}, 1}).columnRun(), 2);
  EXPECT_EQ(operandBLayout(64, 32, {{1, 4}, 1}).columnRun(), 1);
  EXPECT_EQ(coalescedLayout(16, 96, {{4, 1}, 1}).columnRun(), 4);
  EXPECT_EQ(coalescedLayout(16, 96, {{4, 1}, 1}).slice(1).columnRun(), 4);
  EXPECT_EQ(laneLayout(64).columnRun(), 1);
}

/// What lanes hold after a swap, by the coordinates they held before it, is
/// what the resulting layout says.
void expectSwap(const RegisterLayout &layout, const LaneSwap &swap) {
  int64_t length = layout.columnRun();
  const RegisterLayout &result = swap.result;
  ASSERT_EQ(result.numRegisters(), layout.numRegisters());
  EXPECT_EQ(result.columnRun(), 2 * length);
  for (int64_t warp = 0; warp < layout.warps.size(); ++warp)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      for (int64_t reg = 0; reg < result.numRegisters(); ++reg) {
        int64_t part = reg / length % 2;
        auto pair = swap.runs[reg / (2 * length)];
        int64_t upper = lane >> swap.laneBit & 1;
        // The parts come from the lower and the upper lane, the run is chosen
        // by the lane that they are for.
        int64_t from = lane ^ ((upper ^ part) << swap.laneBit);
        EXPECT_EQ(
            result.coordinate(reg, lane, warp),
            layout.coordinate(pair[upper] * length + reg % length, from, warp));
      }
}

TEST(RegisterLayout, SwapsLengthenRuns) {
  for (const WarpGrid &warps : kGrids)
    for (int64_t m : {1, 2})
      for (int64_t n : {1, 2, 3, 4}) {
        RegisterLayout layout = accumulatorLayout(16 * m * warps.grid[0],
                                                  8 * n * warps.grid[1], warps);
        for (int64_t length : {4, 8}) {
          std::optional<LaneSwap> swap = lengthenRuns(layout);
          // One block of 16 × 8 has two runs only.
          bool hasPairs = length == 4 || m % 2 == 0 || n % 2 == 0;
          ASSERT_EQ(swap.has_value(), hasPairs);
          if (!swap)
            break;
          expectSwap(layout, *swap);
          expectOwned(swap->result, warps.copies);
          layout = swap->result;
        }
      }
}

TEST(RegisterLayout, NoSwapWithoutPartners) {
  EXPECT_FALSE(lengthenRuns(laneLayout(32)));
  // Every lane holds the same.
  RegisterLayout replicated;
  replicated.shape = {1, 4};
  replicated.registers = {{0, 0}, {0, 2}};
  EXPECT_FALSE(lengthenRuns(replicated));
}

TEST(RegisterLayout, CutsOverWarps) {
  RegisterLayout rows = coalescedLayout(16, 64, {{4, 1}, 1});
  EXPECT_TRUE(rows.isCutOverWarps(0));
  EXPECT_FALSE(rows.isCutOverWarps(1));
  EXPECT_TRUE(accumulatorLayout(32, 64, {{2, 2}, 1}).isCutOverWarps(1));
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

/// Layouts of 64 rows: columns around every pitch, and panels.
std::vector<SharedLayout> sharedLayouts(int64_t bytes) {
  std::vector<SharedLayout> layouts;
  for (int64_t columns : {8, 16, 24, 32, 40, 64, 72, 128, 256})
    layouts.push_back({64, columns, bytes});
  for (int64_t panels : {1, 2, 3, 4})
    layouts.push_back({64, panels * kBankRowBytes / bytes, bytes, true});
  return layouts;
}

std::string nameOf(const SharedLayout &layout) {
  return std::to_string(layout.columns) + " columns" +
         (layout.panels ? " in panels" : "");
}

TEST(SharedLayout, EveryElementHasItsOwnBytes) {
  for (int64_t bytes : {2, 4})
    for (const SharedLayout &layout : sharedLayouts(bytes)) {
      std::set<int64_t> seen;
      for (int64_t row = 0; row < layout.rows; ++row)
        for (int64_t column = 0; column < layout.columns; ++column) {
          int64_t offset = layout.offset(row, column);
          EXPECT_TRUE(seen.insert(offset).second);
          EXPECT_GE(offset, 0);
          EXPECT_LE(offset + bytes, layout.bytes());
          EXPECT_EQ(offset % bytes, 0);
        }
    }
}

TEST(SharedLayout, UnitsStayWhole) {
  for (const SharedLayout &layout : sharedLayouts(2))
    for (int64_t row = 0; row < layout.rows; ++row)
      for (int64_t column = 0; column < layout.columns; ++column)
        EXPECT_EQ(layout.offset(row, column),
                  layout.offset(row, column / 8 * 8) + column % 8 * 2);
}

TEST(SharedLayout, SwizzleRepeatsAfterEightRows) {
  for (const SharedLayout &layout : sharedLayouts(2))
    for (int64_t row = 0; row + 8 < 64; ++row)
      EXPECT_EQ(layout.swizzle(row), layout.swizzle(row + 8));
}

// A panel is a tile of its own: what tensor maps with 128-byte swizzle write.
TEST(SharedLayout, PanelsFollowEachOther) {
  for (int64_t bytes : {2, 4}) {
    int64_t width = kBankRowBytes / bytes;
    SharedLayout layout{48, 3 * width, bytes, true}, one{48, width, bytes};
    EXPECT_EQ(layout.panelBytes(), 48 * 128);
    EXPECT_EQ(layout.bytes(), 3 * layout.panelBytes());
    for (int64_t row = 0; row < layout.rows; ++row)
      for (int64_t column = 0; column < layout.columns; ++column) {
        int64_t inPanel = one.offset(row, column % width);
        EXPECT_EQ(layout.offset(row, column),
                  column / width * layout.panelBytes() + inPanel);
        int64_t plain = row * 128 + column % width * bytes;
        EXPECT_EQ(inPanel, plain ^ (plain >> 7 & 7) << 4);
      }
  }
}

/// Banks of 4 bytes that `count` bytes from an offset touch.
void addBanks(std::multiset<int64_t> &banks, int64_t offset, int64_t count) {
  for (int64_t byte = 0; byte < count; byte += 4)
    banks.insert((offset + byte) / 4 % 32);
}

// ldmatrix reads, and stmatrix writes, 8 rows of 16 bytes at a time.
TEST(SharedLayout, MatricesTouchEveryBankOnce) {
  for (const SharedLayout &layout : sharedLayouts(2))
    for (int64_t row = 0; row < 64; row += 8)
      for (int64_t column = 0; column < layout.columns; column += 8) {
        std::multiset<int64_t> banks;
        for (int64_t i = 0; i < 8; ++i)
          addBanks(banks, layout.offset(row + i, column), kUnitBytes);
        for (int64_t bank = 0; bank < 32; ++bank)
          EXPECT_EQ(banks.count(bank), 1u) << nameOf(layout);
      }
}

// Stores of an accumulator's 16-bit pairs: 8 rows × 4 lanes × 4 bytes.
TEST(SharedLayout, AccumulatorPairsTouchEveryBankOnce) {
  for (const SharedLayout &layout : sharedLayouts(2))
    for (int64_t column = 0; column < layout.columns; column += 8) {
      std::multiset<int64_t> banks;
      for (int64_t lane = 0; lane < kLanes; ++lane)
        addBanks(banks, layout.offset(lane / 4, column + lane % 4 * 2), 4);
      for (int64_t bank = 0; bank < 32; ++bank)
        EXPECT_EQ(banks.count(bank), 1u) << nameOf(layout);
    }
}

} // namespace
