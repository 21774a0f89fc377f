// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which schedules mamba-bench --sweep finds, and what it says of them, with a
// driver whose kernels write constants.

#include "tools/mamba-bench/Sweep.h"
#include "test/unit/runtime/LoadFakeDriver.h"
#include "gtest/gtest.h"

#include <set>

namespace mamba::tools {
namespace {

const BenchShape shape = {"tiny", 2, 70, 2, 64, 64, 1};

/// The schedules of `shape` for a target; a failure is the test's.
ForcedSchedules list(const char *target, llvm::StringRef parts,
                     llvm::ArrayRef<ScheduleAxis> axes) {
  auto mixer = Mixer::create(shape, {});
  if (mixer) {
    auto schedules = listSchedules(**mixer, *lookupTarget(target), parts, axes);
    if (schedules)
      return std::move(*schedules);
    ADD_FAILURE() << toString(schedules.takeError());
    return {};
  }
  ADD_FAILURE() << toString(mixer.takeError());
  return {};
}

bool contains(const ForcedSchedules &schedules, llvm::StringRef part) {
  return llvm::any_of(schedules.legal, [&](const ScheduledMixer &mixer) {
    return llvm::StringRef(mixer.schedule).contains(part);
  });
}

TEST(SweepSchedules, ParsesAxes) {
  auto axes = parseAxes(" stages=1,2  chunk=64");
  ASSERT_TRUE(bool(axes)) << toString(axes.takeError());
  EXPECT_EQ(*axes, (std::vector<ScheduleAxis>{{"stages=1", "stages=2"},
                                              {"chunk=64"}}));
  for (const char *wrong : {"stages", "stages=", "stages=1,,2", "=1"}) {
    auto parsed = parseAxes(wrong);
    ASSERT_FALSE(bool(parsed)) << wrong;
    EXPECT_NE(toString(parsed.takeError()).find("name=value"),
              std::string::npos);
  }
}

// The compiler's choice is the first; no program is listed twice, and nothing
// is lost: what is not accepted has a reason.
TEST(SweepSchedules, ListsWhatTheCompilerAccepts) {
  for (const char *target : {"cpu", "sm_80", "sm_90a"}) {
    std::vector<ScheduleAxis> axes =
        getDefaultAxes(*lookupTarget(target), shape);
    ForcedSchedules schedules = list(target, "", axes);
    ASSERT_GT(schedules.legal.size(), 1u) << target;
    EXPECT_EQ(schedules.legal[0].schedule,
              list(target, "", {}).legal[0].schedule);
    std::set<std::string> texts;
    for (const ScheduledMixer &mixer : schedules.legal) {
      EXPECT_TRUE(texts.insert(mixer.text).second) << mixer.schedule;
      EXPECT_GT(mixer.flops, 0) << mixer.schedule;
    }
    EXPECT_FALSE(schedules.rejections.empty()) << target;
    for (const ScheduleRejection &rejection : schedules.rejections)
      EXPECT_FALSE(rejection.reason.empty()) << rejection.parts;
  }
}

TEST(SweepSchedules, ForcesRolesAndNone) {
  ForcedSchedules schedules =
      list("sm_90a", "", getDefaultAxes(*lookupTarget("sm_90a"), shape));
  EXPECT_TRUE(contains(schedules, "consumers = 1"));
  EXPECT_TRUE(contains(schedules, "consumers = 2"));
  EXPECT_TRUE(contains(schedules, "weights = keys"));
  EXPECT_TRUE(contains(schedules, "chunk = 128"));
  EXPECT_TRUE(contains(schedules, "stages = 1"));
  EXPECT_TRUE(contains(schedules, "channels = 16"));
}

TEST(SweepSchedules, NamesThem) {
  EXPECT_EQ(getScheduleName("form = chunked, chunk = 64"),
            "form:chunked/chunk:64");
  EXPECT_EQ(getScheduleName("consumers = 2, list = [1, 3], last = 0"),
            "consumers:2/list:[1,3]/last:0");
  EXPECT_EQ(getScheduleName("list = [consumers 2 segment 8, consumers 1]"),
            "list:[consumers:2:segment:8,consumers:1]");
  EXPECT_EQ(getScheduleName(""), "");
}

// A rejection with an axis open counts for all its values.
TEST(SweepSchedules, CountsRejections) {
  std::vector<ScheduleAxis> axes = {{"form=quadratic", "form=recurrent"},
                                    {"sub-block=8", "sub-block=16"},
                                    {"stages=1", "stages=2", "stages=3"}};
  ForcedSchedules schedules = list("cpu", "", axes);
  ASSERT_EQ(schedules.rejections.size(), 1u);
  EXPECT_EQ(schedules.rejections[0].parts, "form=quadratic");
  EXPECT_EQ(schedules.rejections[0].reason,
            "quadratic: rejected, the length of the sequence is dynamic");
  EXPECT_EQ(schedules.rejections[0].combinations, 6);
}

TEST(SweepSchedules, FailsWithoutASchedule) {
  auto mixer = Mixer::create(shape, {});
  ASSERT_TRUE(bool(mixer)) << toString(mixer.takeError());
  auto none = listSchedules(**mixer, *lookupTarget("cpu"), "form=quadratic",
                            {{"chunk=32"}});
  ASSERT_FALSE(bool(none));
  EXPECT_NE(toString(none.takeError()).find("is dynamic"), std::string::npos);
  auto wrong =
      listSchedules(**mixer, *lookupTarget("cpu"), "", {{"colour=red"}});
  ASSERT_FALSE(bool(wrong));
  EXPECT_NE(
      toString(wrong.takeError()).find("'colour=red' is no part of a schedule"),
      std::string::npos);
}

//===----------------------------------------------------------------------===//
// Sweeps
//===----------------------------------------------------------------------===//

class GpuSweep : public testing::Test {
protected:
  void SetUp() override {
    fake = test::loadFakeDriver(MAMBA_FAKE_DRIVER);
    ASSERT_NE(fake, nullptr);
    // x, dt, A, B, C, D, y and S; batch and time.
    fake->kernels = {{"mamba2_0", {8, 2}}};
    auto created = createBenchDevice("cuda", /*threads=*/0);
    ASSERT_TRUE(bool(created)) << toString(created.takeError());
    device = std::move(*created);
  }
  void TearDown() override {
    device.reset();
    *fake = test::FakeDriver();
    unsetenv("MAMBA_LIBCUDA_PATH");
  }

  /// All outputs are 1, but S is `value` by kernels with other shared memory
  /// than the first one that is launched, which is the chosen one's.
  void deviate(float value) {
    unsigned chosen = 0;
    fake->compute = [=](const test::FakeLaunch &launch) mutable {
      if (chosen == 0)
        chosen = launch.sharedBytes;
      constexpr uint16_t one = 0x3f80; // In bf16.
      std::fill_n(static_cast<uint16_t *>(launch.pointers[6]), 2 * 70 * 2 * 64,
                  one);
      std::fill_n(static_cast<float *>(launch.pointers[7]), 2 * 2 * 64 * 64,
                  launch.sharedBytes != chosen ? value : 1.0f);
    };
  }

  SweepResult run() {
    BenchmarkOptions options;
    options.repeat = 3;
    // Plain kernels take no workspaces.
    options.schedule = "weights=keys";
    return runSweep(*device, {1e9, 0, ""}, shape, options,
                    {{"stages=1", "stages=2"}});
  }

  test::FakeDriver *fake = nullptr;
  std::unique_ptr<BenchDevice> device;
};

TEST_F(GpuSweep, ComparesWithTheChoice) {
  deviate(1.25);
  SweepResult result = run();
  EXPECT_EQ(result.error, "");
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(result.rows[0].error, "");
  EXPECT_EQ(result.rows[0].iterations, 9u);
  EXPECT_NE(result.rows[1].error.find(
                "output 'S' differs from that of the chosen schedule by 0.25"),
            std::string::npos)
      << result.rows[1].error;
  EXPECT_TRUE(result.hasFailed());

  deviate(1.001);
  result = run();
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_FALSE(result.hasFailed()) << result.rows[1].error;
  EXPECT_NEAR(result.rows[1].counters.back().second, 1e-3, 1e-6);
}

TEST_F(GpuSweep, PrintsATable) {
  deviate(1);
  SweepResult result = run();
  ASSERT_EQ(result.rows.size(), 2u);
  result.rows[0].realSeconds = 2e-3;
  result.rows[1].realSeconds = 1e-3;
  result.rejections = {{"chunk=32", "too short", 4}, {"chunk=16", "no", 2}};
  std::string text;
  llvm::raw_string_ostream stream(text);
  print(stream, result, /*verbose=*/true);
  for (const char *part :
       {"mamba2/tiny/weights:keys 2x70x2x64x64x1: form chunked, chunk 64",
        "\n  stages", " chosen: mamba2_0\n", " is within 100.0 % of the best\n",
        "rejected: 6 combinations for 2 reasons\n",
        "    4 with 'chunk=32': too short\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  EXPECT_EQ(toJson(result).size(), 2u);
}

TEST_F(GpuSweep, FailsWithTheChoice) {
  SweepResult result = run();
  EXPECT_EQ(result.error,
            "element 0 of output 'y' is not finite after the launches");
  EXPECT_TRUE(result.hasFailed());
  fake->launchResult = 719;
  result = run();
  EXPECT_NE(result.error.find("cuLaunchKernel failed"), std::string::npos);
  std::string text;
  llvm::raw_string_ostream stream(text);
  print(stream, result, /*verbose=*/false);
  EXPECT_NE(text.find("mamba2/tiny/weights:keys 2x70x2x64x64x1 failed: "),
            std::string::npos);
}

} // namespace
} // namespace mamba::tools
