// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Grid.h"
#include "test/unit/runtime/SamplePlan.h"
#include "gtest/gtest.h"

#include <algorithm>

using namespace mamba::rt;
using namespace mamba::test;

namespace {

struct Case {
  const char *name;
  int64_t batch, setsPerBatch, gang, units, length, chunk, segmentChunks;
  int64_t grid, segments, walked;
  bool cuts;
};

constexpr Case cases[] = {
    // Three gangs of 40 take eight sequences in turn.
    {"Mamba2_8x4096", 8, 1, 40, 132, 4096, 64, 0, 120, 1, 171, true},
    {"Mamba2_16x4096", 16, 1, 12, 132, 4096, 64, 0, 132, 1, 94, true},
    // The same sequences as a whole, three in turn at most.
    {"WholeInTurn", 8, 1, 40, 132, 4096, 64, 8, 120, 1, 192, false},
    // 75 segments of seven chunks, not of 525 · (1 / 75).
    {"WholeQuotient", 1, 1, 1, 75, 525, 1, 7, 75, 75, 7, true},
    // As many sets as gangs: each takes one.
    {"EightSets", 2, 8, 8, 132, 4096, 64, 8, 128, 1, 64, false},
    // One long sequence in eleven segments.
    {"Long", 1, 1, 12, 132, 65536, 64, 8, 132, 11, 94, true},
    // 64 chunks make eight segments of eight.
    {"ShortSegments", 1, 1, 12, 132, 4096, 64, 8, 96, 8, 8, true},
    {"TwoSetsSplit", 2, 1, 12, 132, 65536, 64, 8, 120, 5, 205, true},
    {"NeverSplit", 1, 1, 12, 132, 65536, 64, 0, 12, 1, 1024, false},
    // 15 chunks are fewer than two segments of eight.
    {"TooShortToSplit", 1, 1, 12, 132, 960, 64, 8, 12, 1, 15, false},
    {"JustLongEnough", 1, 1, 12, 132, 961, 64, 8, 24, 2, 8, true},
    {"OneToken", 1, 1, 12, 132, 1, 64, 8, 12, 1, 1, false},
    {"GangFillsTheDevice", 3, 5, 132, 132, 4096, 64, 1, 132, 1, 960, false},
    {"OneBlockGangs", 1, 1, 1, 132, 65536, 64, 1, 132, 132, 8, true},
    {"ManySets", 1 << 20, 1024, 12, 132, 64, 64, 0, 132, 1, 97612894, true}};

class PersistentGrid : public testing::TestWithParam<Case> {};

WorkDivision divide(const Case &c) {
  return dividePersistentWork({.sets = c.batch * c.setsPerBatch,
                               .chunks = (c.length + c.chunk - 1) / c.chunk,
                               .gang = c.gang,
                               .segmentChunks = c.segmentChunks},
                              c.units);
}

} // namespace

TEST_P(PersistentGrid, IsAsThePlanSays) {
  const Case &c = GetParam();
  WorkDivision division = divide(c);
  EXPECT_EQ(division.blocks, c.grid);
  EXPECT_EQ(division.segments, c.segments);
  EXPECT_EQ(division.chunks, static_cast<double>(c.walked));
  EXPECT_EQ(division.cuts, c.cuts);
}

// What a kernel reads off its grid, by the rule in LaunchPlan.h.
TEST_P(PersistentGrid, TellsTheKernelItsSegments) {
  const Case &c = GetParam();
  int64_t groups = divide(c).blocks / c.gang;
  int64_t sets = c.batch * c.setsPerBatch;
  EXPECT_EQ(groups > sets ? groups / sets : 1, c.segments);
}

INSTANTIATE_TEST_SUITE_P(Cases, PersistentGrid, testing::ValuesIn(cases),
                         [](auto &info) { return info.param.name; });

namespace {

/// Whether a range of (set, chunk) pairs begins inside a sequence, when
/// `groups` gangs share them out as kernels do
/// (passes/Transforms/PersistentKernel.cpp).
bool cutsSequences(int64_t sets, int64_t chunks, int64_t groups) {
  for (int64_t group = 0; group < groups; ++group) {
    int64_t size = sets * chunks / groups, larger = sets * chunks % groups;
    if ((group * size + std::min(group, larger)) % chunks != 0)
      return true;
  }
  return false;
}

} // namespace

// Every combination of small numbers: the blocks fit on the device, gangs are
// whole, and the kernel finds the segments again.
TEST(PersistentGridSweep, HoldsItsPromises) {
  for (int64_t units : {1, 7, 16, 132})
    for (int64_t gang = 1; gang <= units; ++gang)
      for (int64_t sets : {1, 2, 3, 5, 8, 100})
        for (int64_t chunks : {1, 2, 7, 64, 1000})
          for (int64_t least : {0, 1, 3, 8}) {
            WorkDivision division =
                dividePersistentWork({sets, chunks, gang, least}, units);
            int64_t grid = division.blocks;
            ASSERT_GE(grid, gang);
            ASSERT_LE(grid, units);
            ASSERT_EQ(grid % gang, 0);
            int64_t groups = grid / gang;
            int64_t segments = groups > sets ? groups / sets : 1;
            if (segments > 1) {
              ASSERT_EQ(groups, sets * segments);
              ASSERT_GE(chunks / segments, least);
            }
            ASSERT_EQ(division.segments, segments);
            if (least > 0) {
              ASSERT_EQ(division.cuts, segments > 1);
              continue;
            }
            ASSERT_EQ(segments, 1);
            // Sequences of one chunk have no inside; zeros do no harm there.
            ASSERT_GE(division.cuts, cutsSequences(sets, chunks, groups));
            if (chunks >= groups)
              ASSERT_EQ(division.cuts, cutsSequences(sets, chunks, groups));
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
  EXPECT_EQ(divideWork(kernel, checked, limit)->blocks, 120);
  checked.symbols = {1, 961};
  kernel.gang = 12;
  EXPECT_EQ(divideWork(kernel, checked, limit)->blocks, 24);
  // Factors count the sets of a batch item.
  kernel.grid[1] = MAMBA_DIM_STATIC(3);
  EXPECT_EQ(divideWork(kernel, checked, limit)->blocks, 72);
}

TEST_F(Grid, GangLargerThanTheDevice) {
  checked.units = 39;
  Result<WorkDivision> grid = divideWork(kernel, checked, limit);
  EXPECT_EQ(grid.status().code(), MAMBA_UNSUPPORTED);
  EXPECT_EQ(grid.status().message(),
            "kernel 'scan_outputs' needs 40 thread blocks that run at the same "
            "time, the device has 39 multiprocessors");
}

TEST_F(Grid, NumberOfSetsIsBounded) {
  checked.symbols[0] = int64_t(1) << 31;
  EXPECT_EQ(divideWork(kernel, checked, limit).status().code(),
            MAMBA_INVALID_ARGUMENT);
}

TEST_F(Grid, OfBlocksThatWalkSequencesAlone) {
  kernel.gang = kernel.segment_chunks = 0;
  kernel.grid[1] = MAMBA_DIM_STATIC(50);
  // 400 blocks take four rounds of 132, each of 64 chunks.
  Result<WorkDivision> work = divideWork(kernel, checked, limit);
  EXPECT_EQ(work->blocks, 400);
  EXPECT_EQ(work->chunks, 4 * 64);
  EXPECT_FALSE(work->cuts);
}

TEST(PredictTime, CountsWhatTheLongestBlockWalks) {
  mamba_cost cost = {14000, 1800, 1000, 1200, 3000};
  EXPECT_EQ(predictTime({.blocks = 120, .chunks = 171, .sequences = 2.5}, cost),
            14000 + 171 * 1800 + 2.5 * 3000);
  EXPECT_EQ(predictTime({.blocks = 132, .segments = 11, .chunks = 94}, cost),
            14000 + 94 * 2800 + 10 * 1200 + 3000);
}

// Which kernel is chosen depends on the sizes of the launch.
TEST(ChooseKernel, TakesTheLeastPredictedTime) {
  Result<Plan> plan = Plan::copy(SamplePlan::alternatives().get());
  ASSERT_TRUE(plan.isOk());
  ASSERT_EQ(plan->steps().size(), 2u);
  const PlanStep &step = plan->steps()[1];
  EXPECT_EQ(step.first, 1);
  EXPECT_EQ(step.count, 2);
  CheckedArguments checked;
  checked.units = 108;
  auto choose = [&](int64_t batch, int64_t length) {
    checked.symbols = {batch, length};
    return chooseKernel(*plan, step, checked, INT32_MAX)->index;
  };
  // One chunk: 3 ns against 10.
  EXPECT_EQ(choose(27, 16), 1);
  // Twenty chunks a set: 41 ns against 29.
  EXPECT_EQ(choose(27, 320), 2);
  // 27 gangs of four or 54 of two: 108 sets of four chunks are 16 chunks in a
  // row, 33 ns, or 8, 17 ns.
  EXPECT_EQ(choose(108, 64), 2);
}

TEST(ChooseKernel, FirstOfEqualOnes) {
  SamplePlan sample = SamplePlan::alternatives();
  sample.kernels[2].cost = sample.kernels[1].cost;
  sample.kernels[2].gang = sample.kernels[1].gang;
  Result<Plan> plan = Plan::copy(sample.get());
  ASSERT_TRUE(plan.isOk());
  CheckedArguments checked;
  checked.units = 108;
  checked.symbols = {2, 33};
  EXPECT_EQ(chooseKernel(*plan, plan->steps()[1], checked, INT32_MAX)->index,
            1);
}

TEST(ChooseKernel, LeavesOutWhatDoesNotFit) {
  SamplePlan sample = SamplePlan::alternatives();
  Result<Plan> plan = Plan::copy(sample.get());
  ASSERT_TRUE(plan.isOk());
  CheckedArguments checked;
  checked.symbols = {27, 16};
  checked.units = 3;
  const PlanStep &step = plan->steps()[1];
  EXPECT_EQ(chooseKernel(*plan, step, checked, INT32_MAX)->index, 2);
  checked.units = 1;
  EXPECT_EQ(chooseKernel(*plan, step, checked, INT32_MAX).status().message(),
            "kernel 'scan_outputs' needs 4 thread blocks that run at the same "
            "time, the device has 1 multiprocessors");
}
