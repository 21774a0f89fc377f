// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers of the kernels with teams, which run on every target, without a GPU.

#include "test/unit/codegen/MixerPrograms.h"

using namespace mamba;
using namespace mamba::test;

namespace {

RoleProgram program(const char *text, const Sizes &sizes) {
  RoleProgram result;
  result.text = instantiate(text, sizes);
  result.consumers = 0;
  result.isHalf = llvm::StringRef(sizes.type) == "f16";
  result.target = "sm_80";
  return result;
}

using Lengths = std::initializer_list<int64_t>;

void check(const RoleProgram &program, Lengths lengths, int64_t batch = 1,
           Fill fill = decays(0.5)) {
  RoleRunner runner(program);
  runner.fill = std::move(fill);
  for (int64_t length : lengths)
    runner.check(batch, length);
}

/// With every number of gangs.
void checkDivisions(const RoleProgram &program, int64_t batch, int64_t length,
                    Lengths groups) {
  RoleRunner runner(program);
  runner.fill = decays(0.05);
  for (int64_t count : groups)
    runner.check(batch, length, count);
}

//===----------------------------------------------------------------------===//
// Programs and sizes
//===----------------------------------------------------------------------===//

// Lengths around the chunk of 64.
TEST(TeamEmulation, Mixer) {
  check(program(kMixer, {4, 1, 64, 64}), {1, 63, 64, 65, 200, 257});
}

TEST(TeamEmulation, MixerWithoutSteps) {
  check(program(kDecayOnly, {2, 1, 64, 64}), {1, 65, 200});
}

TEST(TeamEmulation, Mamba2) {
  check(program(kMamba2, {4, 1, 64, 128}), {1, 65, 200});
  check(program(kMamba2, {3, 3, 40, 16}), {64, 200});
}

TEST(TeamEmulation, Backwards) {
  check(program(kBackwards, {2, 1, 64, 64}), {1, 65, 200});
  checkDivisions(program(kBackwards, {2, 1, 64, 64}), 3, 200, {2, 6});
}

TEST(TeamEmulation, Strict) {
  check(program(kStrict, {2, 1, 64, 64}), {65, 200});
}

TEST(TeamEmulation, LinearAttention) {
  check(program(kLinearAttention, {2, 2, 64, 64}), {63, 200});
}

TEST(TeamEmulation, Retention) {
  check(program(kRetention, {2, 2, 128, 64}), {63, 200});
}

TEST(TeamEmulation, HalfPrecision) {
  check(program(kMixer, {2, 1, 16, 16, "f16"}), {7, 100}, /*batch=*/2);
}

TEST(TeamEmulation, HalfPrecisionMamba2) {
  check(program(kMamba2, {4, 2, 64, 64, "f16"}), {65});
}

TEST(TeamEmulation, UnroundedResults) {
  check(program(kWideMixer, {4, 1, 64, 64}), {1, 130});
  check(program(kWideMixer, {2, 1, 40, 24, "f16"}), {70});
}

// Four teams of two warps fill a thread block. Six heads make three, five heads
// one; with two groups of three heads the teams of a block read one, with three
// of two they read several.
TEST(TeamEmulation, HeadsThatDoNotFillABlock) {
  check(program(kMixer, {6, 1, 64, 64}), {65});
  check(program(kMixer, {5, 1, 64, 32}), {65});
  check(program(kMixer, {6, 2, 64, 64}), {65}, /*batch=*/2);
  check(program(kMamba2, {6, 3, 64, 64}), {65}, /*batch=*/2);
}

TEST(TeamEmulation, Groups) {
  check(program(kMixer, {8, 2, 64, 64}), {65}, /*batch=*/2);
  checkDivisions(program(kMixer, {16, 2, 64, 32}), 1, 100, {1, 4});
}

TEST(TeamEmulation, HeadsInSlices) {
  check(program(kMixer, {2, 1, 248, 128}), {65});
  check(program(kMamba2, {4, 2, 96, 72}), {65});
}

TEST(TeamEmulation, OtherSizes) {
  check(program(kMixer, {4, 2, 40, 24}), {70});
  check(program(kMixer, {2, 1, 16, 128}), {70});
  check(program(kMixer, {5, 1, 8, 8}), {70});
  check(program(kMixer, {1, 1, 64, 256}), {130});
  check(program(kMixer, {3, 3, 256, 64}), {65});
}

// With stmatrix.
TEST(TeamEmulation, Hopper) {
  RoleProgram mixer = program(kMixer, {4, 1, 64, 64});
  mixer.target = "sm_90a";
  check(mixer, {65, 200});
}

TEST(TeamEmulation, OneStage) {
  RoleProgram mixer = program(kMixer, {4, 1, 64, 64});
  mixer.stages = 1;
  check(mixer, {63, 200});
}

TEST(TeamEmulation, Chunks) {
  for (int64_t chunk : {32, 128}) {
    RoleProgram mixer = program(kMixer, {4, 1, 64, 64});
    mixer.chunk = chunk;
    check(mixer, {31, 32, 33, 130, 257});
    RoleProgram mamba2 = program(kMamba2, {4, 2, 40, 24});
    mamba2.chunk = chunk;
    checkDivisions(mamba2, 2, 300, {2});
  }
}

//===----------------------------------------------------------------------===//
// Division of the work
//===----------------------------------------------------------------------===//

// Three sequences of four chunks: a gang each, ranges that begin and end inside
// of sequences, sequences cut into segments.
TEST(TeamEmulation, Ranges) {
  checkDivisions(program(kMixer, {2, 1, 64, 64}), 3, 200, {1, 2, 3});
  checkDivisions(program(kDecayOnly, {3, 3, 64, 16}), 1, 257, {2});
}

TEST(TeamEmulation, Segments) {
  checkDivisions(program(kMixer, {2, 1, 64, 64}), 3, 200, {6, 9, 12});
  checkDivisions(program(kMamba2, {4, 2, 64, 128}), 1, 257, {4, 10});
  checkDivisions(program(kRetention, {2, 2, 64, 64}), 1, 257, {4, 6});
}

// Eight heads read the same keys: two thread blocks walk side by side.
TEST(TeamEmulation, Gangs) {
  checkDivisions(program(kMixer, {8, 1, 64, 64}), 2, 200, {1, 2, 4});
}

//===----------------------------------------------------------------------===//
// Extreme values
//===----------------------------------------------------------------------===//

// The state is forgotten within a few tokens; its decay underflows.
TEST(TeamEmulation, StrongDecay) {
  check(program(kMixer, {2, 1, 64, 64}), {200}, 1, decays(60));
  check(program(kMamba2, {2, 1, 64, 64}), {200}, 1, decays(2000));
}

TEST(TeamEmulation, ExtremeSoftplus) {
  RoleRunner runner(program(kMamba2, {2, 1, 64, 64}));
  for (double raw : {-200.0, 24.0}) {
    runner.fill = constant("dt", raw);
    runner.check(1, 130);
  }
}

TEST(TeamEmulation, ExtremeSteps) {
  RoleRunner runner(program(kMixer, {2, 1, 64, 64}));
  for (double step : {0.0, 20.0}) {
    runner.fill = constant("step", step);
    runner.check(1, 130);
  }
}

} // namespace
