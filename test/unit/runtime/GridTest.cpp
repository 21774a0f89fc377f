// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Grid.h"
#include "test/unit/runtime/SamplePlan.h"

#include <gtest/gtest.h>

using namespace mamba::rt;
using namespace mamba::test;

namespace {

struct Case {
  const char *name;
  int64_t batch, setsPerBatch, gang, units, length, chunk, segmentChunks;
  int64_t grid, segments;
};

constexpr Case cases[] = {
    // Three gangs of 40 take eight sequences in turn.
    {"Mamba2_8x4096", 8, 1, 40, 132, 4096, 64, 8, 120, 1},
    {"Mamba2_16x4096", 16, 1, 12, 132, 4096, 64, 8, 132, 1},
    // As many sets as gangs: each takes one.
    {"EightSets", 2, 8, 8, 132, 4096, 64, 8, 128, 1},
    // One long sequence in eleven segments.
    {"Long", 1, 1, 12, 132, 65536, 64, 8, 132, 11},
    // 64 chunks make eight segments of eight.
    {"ShortSegments", 1, 1, 12, 132, 4096, 64, 8, 96, 8},
    {"TwoSetsSplit", 2, 1, 12, 132, 65536, 64, 8, 120, 5},
    {"NeverSplit", 1, 1, 12, 132, 65536, 64, 0, 12, 1},
    // 15 chunks are fewer than two segments of eight.
    {"TooShortToSplit", 1, 1, 12, 132, 960, 64, 8, 12, 1},
    {"JustLongEnough", 1, 1, 12, 132, 961, 64, 8, 24, 2},
    {"OneToken", 1, 1, 12, 132, 1, 64, 8, 12, 1},
    {"GangFillsTheDevice", 3, 5, 132, 132, 4096, 64, 1, 132, 1},
    {"OneBlockGangs", 1, 1, 1, 132, 65536, 64, 1, 132, 132},
    {"ManySets", 1 << 20, 1024, 12, 132, 64, 64, 8, 132, 1}};

class PersistentGrid : public testing::TestWithParam<Case> {};

int64_t gridOf(const Case &c) {
  return persistentGrid({.sets = c.batch * c.setsPerBatch,
                         .chunks = (c.length + c.chunk - 1) / c.chunk,
                         .gang = c.gang,
                         .segmentChunks = c.segmentChunks},
                        c.units);
}

} // namespace

TEST_P(PersistentGrid, IsAsThePlanSays) {
  const Case &c = GetParam();
  EXPECT_EQ(gridOf(c), c.grid);
}

// What a kernel reads off its grid, by the rule in LaunchPlan.h.
TEST_P(PersistentGrid, TellsTheKernelItsSegments) {
  const Case &c = GetParam();
  int64_t groups = gridOf(c) / c.gang;
  int64_t sets = c.batch * c.setsPerBatch;
  EXPECT_EQ(groups > sets ? groups / sets : 1, c.segments);
}

INSTANTIATE_TEST_SUITE_P(Cases, PersistentGrid, testing::ValuesIn(cases),
                         [](auto &info) { return info.param.name; });

// Every combination of small numbers: the blocks fit on the device, gangs are
// whole, and the kernel finds the segments again.
TEST(PersistentGridSweep, HoldsItsPromises) {
  for (int64_t units : {1, 7, 16, 132})
    for (int64_t gang = 1; gang <= units; ++gang)
      for (int64_t sets : {1, 2, 3, 5, 8, 100})
        for (int64_t chunks : {1, 2, 7, 64, 1000})
          for (int64_t least : {0, 1, 3, 8}) {
            int64_t grid = persistentGrid({sets, chunks, gang, least}, units);
            ASSERT_GE(grid, gang);
            ASSERT_LE(grid, units);
            ASSERT_EQ(grid % gang, 0);
            int64_t groups = grid / gang;
            int64_t segments = groups > sets ? groups / sets : 1;
            if (segments > 1) {
              ASSERT_EQ(groups, sets * segments);
              ASSERT_GE(chunks / segments, least);
            }
            if (least == 0)
              ASSERT_EQ(segments, 1);
          }
}

namespace {

class Grid : public testing::Test {
protected:
  void SetUp() override {
    checked.symbols = {8, 4096};
    checked.units = 132;
    kernel.num_grid_factors = 2;
    kernel.grid[1] = MAMBA_DIM_STATIC(1);
    kernel.gang = 40;
    kernel.segment_chunks = 8;
    kernel.chunk = 64;
  }

  static constexpr int64_t limit = INT32_MAX;
  mamba_kernel kernel = SamplePlan().kernels[1];
  CheckedArguments checked;
};

} // namespace

TEST_F(Grid, OfAPersistentKernel) {
  EXPECT_EQ(*gridSize(kernel, checked, limit), 120);
  checked.symbols = {1, 961};
  kernel.gang = 12;
  EXPECT_EQ(*gridSize(kernel, checked, limit), 24);
  // Factors count the sets of a batch item.
  kernel.grid[1] = MAMBA_DIM_STATIC(3);
  EXPECT_EQ(*gridSize(kernel, checked, limit), 72);
}

TEST_F(Grid, GangLargerThanTheDevice) {
  checked.units = 39;
  Result<int64_t> grid = gridSize(kernel, checked, limit);
  EXPECT_EQ(grid.status().code(), MAMBA_UNSUPPORTED);
  EXPECT_EQ(grid.status().message(),
            "kernel 'scan_outputs' needs 40 thread blocks that run at the same "
            "time, the device has 39 multiprocessors");
}

TEST_F(Grid, NumberOfSetsIsBounded) {
  checked.symbols[0] = int64_t(1) << 31;
  EXPECT_EQ(gridSize(kernel, checked, limit).status().code(),
            MAMBA_INVALID_ARGUMENT);
}
