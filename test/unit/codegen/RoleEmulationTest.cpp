// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers of the warp-specialised kernels of sm_90a, without a GPU.

#include "test/unit/codegen/MixerPrograms.h"

using namespace mamba;
using namespace mamba::test;

namespace {

RoleProgram program(const char *text, const Sizes &sizes, int64_t consumers) {
  return {instantiate(text, sizes), consumers,
          llvm::StringRef(sizes.type) == "f16"};
}

using Lengths = std::initializer_list<int64_t>;

void check(const char *text, const Sizes &sizes, int64_t consumers,
           Lengths lengths, int64_t batch = 1, Fill fill = decays(0.5)) {
  RoleRunner runner(program(text, sizes, consumers));
  runner.fill = std::move(fill);
  for (int64_t length : lengths)
    runner.check(batch, length);
}

/// With every number of gangs.
void checkDivisions(const char *text, const Sizes &sizes, int64_t consumers,
                    int64_t batch, int64_t length, Lengths groups) {
  RoleRunner runner(program(text, sizes, consumers));
  runner.fill = decays(0.05);
  for (int64_t count : groups)
    runner.check(batch, length, count);
}

//===----------------------------------------------------------------------===//
// Programs and sizes
//===----------------------------------------------------------------------===//

// Lengths around the chunk of 64.
TEST(RoleEmulation, Mixer) {
  check(kMixer, {2, 1, 64, 64}, 2, {1, 63, 64, 65, 200, 257});
}

TEST(RoleEmulation, MixerWithoutSteps) {
  check(kDecayOnly, {2, 1, 64, 64}, 2, {1, 65, 200});
}

TEST(RoleEmulation, Mamba2) {
  check(kMamba2, {2, 1, 64, 128}, 2, {1, 65, 200});
  check(kMamba2, {3, 3, 40, 16}, 1, {64, 200});
}

TEST(RoleEmulation, Backwards) {
  check(kBackwards, {2, 1, 64, 64}, 2, {1, 65, 200});
  checkDivisions(kBackwards, {2, 1, 64, 64}, 2, 3, 200, {2, 6});
}

TEST(RoleEmulation, Strict) { check(kStrict, {2, 1, 64, 64}, 2, {65, 200}); }

TEST(RoleEmulation, LinearAttention) {
  check(kLinearAttention, {2, 2, 64, 64}, 1, {63, 200});
}

TEST(RoleEmulation, Retention) {
  check(kRetention, {2, 2, 128, 64}, 2, {63, 200});
}

TEST(RoleEmulation, HalfPrecision) {
  check(kMixer, {2, 1, 16, 16, "f16"}, 2, {7, 100}, /*batch=*/2);
}

TEST(RoleEmulation, SizesBesideThePanels) {
  check(kMixer, {4, 2, 40, 24}, 2, {70});
  check(kMixer, {2, 1, 16, 128}, 1, {70});
}

TEST(RoleEmulation, HeadsInSlices) {
  check(kMixer, {3, 3, 96, 64}, 2, {65});
  check(kMixer, {2, 1, 128, 128}, 2, {130});
  check(kMamba2, {2, 1, 96, 64}, 2, {130});
}

TEST(RoleEmulation, WideStates) { check(kMixer, {2, 1, 64, 256}, 1, {1, 130}); }

//===----------------------------------------------------------------------===//
// Division of the work
//===----------------------------------------------------------------------===//

// Three sequences of four chunks: a gang each, ranges that begin and end inside
// of sequences, sequences cut into segments.
TEST(RoleEmulation, Ranges) {
  checkDivisions(kMixer, {2, 1, 64, 64}, 2, 3, 200, {1, 2, 3});
  checkDivisions(kDecayOnly, {3, 3, 64, 16}, 1, 1, 257, {2});
}

TEST(RoleEmulation, Segments) {
  checkDivisions(kMixer, {2, 1, 64, 64}, 2, 3, 200, {6, 9, 12});
  // Whole sequences in turn, many more than gangs.
  checkDivisions(kMixer, {2, 1, 64, 64}, 2, 9, 70, {2});
  checkDivisions(kMamba2, {4, 2, 64, 128}, 2, 1, 257, {4, 10});
  checkDivisions(kRetention, {2, 2, 64, 64}, 1, 1, 257, {4, 6});
}

// Kernels of one and of two consumers on the same flags, in grids that follow
// on smaller and larger ones.
TEST(RoleEmulation, FlagsOfOtherLaunches) {
  RoleRunner two(program(kMixer, {2, 1, 64, 64}, 2));
  RoleRunner one(program(kMixer, {2, 1, 64, 64}, 1));
  one.fill = two.fill = decays(0.05);
  for (int64_t groups : {9, 2, 6, 3, 9, 2}) {
    two.check(3, 200, groups);
    std::swap(one.flags, two.flags);
    one.check(3, 200, groups);
    std::swap(one.flags, two.flags);
  }
  // Two gangs and three run both kernels.
  EXPECT_EQ(two.flags.launches, 18);
}

// Segments so long that the first pass looks for the chunks that count, which
// are few, or all, or not the same for both heads of a block.
TEST(RoleEmulation, LongSegments) {
  RoleRunner runner(program(kMixer, {2, 1, 16, 16}, 2));
  auto perHead = [](double first, double second) -> Fill {
    return [=](llvm::StringRef name, std::vector<double> &values) {
      decays(1)(name, values);
      for (size_t i = 0; name == "decay" && i < values.size(); ++i)
        values[i] *= i % 2 == 0 ? first : second;
    };
  };
  for (auto [first, second] :
       {std::pair(4.0, 2.0), {0.02, 0.3}, {0.02, 0.02}}) {
    runner.fill = perHead(first, second);
    runner.check(1, 3 * 35 * 64 - 7, 3);
  }
}

TEST(RoleEmulation, LongSegmentsBackwards) {
  RoleRunner runner(program(kBackwards, {1, 1, 16, 16}, 1));
  runner.fill = decays(0.3);
  runner.check(1, 2 * 37 * 64 - 9, 2);
}

// Four heads read the same keys: two thread blocks walk side by side.
TEST(RoleEmulation, Gangs) {
  checkDivisions(kMixer, {4, 1, 64, 64}, 2, 2, 200, {1, 2, 4});
}

//===----------------------------------------------------------------------===//
// Extreme values
//===----------------------------------------------------------------------===//

// The state is forgotten within a few tokens; its decay underflows.
TEST(RoleEmulation, StrongDecay) {
  check(kMixer, {2, 1, 64, 64}, 2, {200}, 1, decays(60));
  check(kMamba2, {2, 1, 64, 64}, 2, {200}, 1, decays(2000));
}

TEST(RoleEmulation, ExtremeSteps) {
  RoleRunner runner(program(kMixer, {2, 1, 64, 64}, 2));
  for (double step : {0.0, 20.0}) {
    runner.fill = constant("step", step);
    runner.check(1, 130);
  }
}

TEST(RoleEmulation, ExtremeSoftplus) {
  RoleRunner runner(program(kMamba2, {2, 1, 64, 64}, 2));
  for (double raw : {-200.0, 24.0}) {
    runner.fill = constant("dt", raw);
    runner.check(1, 130);
  }
}

} // namespace
