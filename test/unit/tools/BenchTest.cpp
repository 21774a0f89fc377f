// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What mamba-bench asks of a GPU, with a driver that records it and computes
// nothing.

#include "test/unit/runtime/LoadFakeDriver.h"
#include "tools/mamba-bench/ArgumentSets.h"
#include "tools/mamba-bench/Benchmark.h"
#include "gtest/gtest.h"

#include <set>

namespace mamba::tools {
namespace {

class GpuBench : public testing::Test {
protected:
  void SetUp() override { open(MAMBA_FAKE_DRIVER); }
  /// Finds the device of a driver.
  void open(const char *driver) {
    device.reset();
    setenv("MAMBA_CUBLAS_PATH", "/nowhere/libcublas.so", 1);
    fake = test::loadFakeDriver(driver);
    ASSERT_NE(fake, nullptr);
    // x, dt, A, B, C, D, y and S; batch and time.
    fake->kernels = {{"mamba2_0", {8, 2}}, {"mamba2_0_segments4", {8, 2}}};
    auto created = createBenchDevice("cuda", /*threads=*/0);
    ASSERT_TRUE(bool(created)) << toString(created.takeError());
    device = std::move(*created);
  }
  void TearDown() override {
    device.reset();
    unsetenv("MAMBA_LIBCUDA_PATH");
    unsetenv("MAMBA_CUBLAS_PATH");
  }

  test::FakeDriver *fake = nullptr;
  std::unique_ptr<BenchDevice> device;
  BenchShape shape = {"tiny", 2, 70, 2, 16, 16, 1};
};

TEST_F(GpuBench, MeasuresCopiesAndDoesWithoutCublas) {
  EXPECT_EQ(device->getTarget().name, "sm_80");
  auto rates = device->measureRates();
  ASSERT_TRUE(bool(rates)) << toString(rates.takeError());
  // The fake's events are 1.5 ms apart; 1 GiB is read and written.
  EXPECT_NEAR(rates->bytesPerSecond, 2.0 * (1 << 30) / 1.5e-3, 1e6);
  EXPECT_GE(fake->count("cuMemcpyDtoDAsync"), 20);
  EXPECT_EQ(rates->flopsPerSecond, 0);
  EXPECT_NE(rates->source.find("cuBLAS was not found"), std::string::npos);
}

TEST_F(GpuBench, RotatesArgumentsAndCapturesAGraph) {
  BenchmarkOptions options;
  // Plain kernels take no workspaces.
  options.schedule = "weights=keys";
  options.repeat = 7;
  BenchmarkRow row = runBenchmark(*device, {1e9, 0, ""}, shape, options);
  EXPECT_EQ(row.error, "element 0 of output 'y' is not finite after the "
                       "launches");
  // 5 launches to warm up, 7 that are timed, 96 on the host, 16 captured.
  ASSERT_EQ(fake->launches.size(), 5u + 7u + 96u + 16u);
  std::set<void *> inputs;
  for (const test::FakeLaunch &launch : fake->launches) {
    EXPECT_EQ(launch.sizes, (std::vector<int64_t>{2, 70}));
    EXPECT_NE(launch.stream, nullptr);
    inputs.insert(launch.pointers[0]);
  }
  EXPECT_EQ(inputs.size(), 16u);
  EXPECT_NE(fake->launches[0].pointers[0], fake->launches[1].pointers[0]);
  EXPECT_EQ(fake->count("cuStreamBeginCapture"), 1);
  EXPECT_EQ(fake->count("cuGraphLaunch"), 1 + 7);
  EXPECT_EQ(fake->count("cuGraphExecDestroy"), 1);
  EXPECT_EQ(fake->count("cuGraphDestroy"), 1);
}

TEST_F(GpuBench, DoesWithoutGraphs) {
  open(MAMBA_FAKE_OLD_DRIVER);
  BenchmarkOptions options;
  options.repeat = 7;
  BenchmarkRow row = runBenchmark(*device, {1e9, 0, ""}, shape, options);
  EXPECT_NE(row.error.find("is not finite"), std::string::npos) << row.error;
  EXPECT_EQ(fake->launches.size(), 5u + 7u + 96u);
  auto rates = device->measureRates();
  ASSERT_FALSE(bool(rates));
  EXPECT_NE(toString(rates.takeError()).find("cuMemcpyDtoDAsync_v2"),
            std::string::npos);
}

TEST_F(GpuBench, TakesTheMedianOfTheLaunches) {
  auto function = device->load(makeMixerText(shape, {}));
  ASSERT_TRUE(bool(function)) << toString(function.takeError());
  Signature signature;
  TensorSpec spec{"x", lookupElementType("f32"), {3}, "", false};
  signature.inputs.push_back(spec);
  auto sets = ArgumentSets::create(*device, signature, CallSizes(), 1);
  ASSERT_TRUE(bool(sets)) << toString(sets.takeError());
  EXPECT_EQ(sets->getBytesPerCall(), 12);
  // One argument is not what the plan takes.
  auto measurement = device->time(*function, *sets, 3);
  ASSERT_FALSE(bool(measurement));
  EXPECT_NE(toString(measurement.takeError()).find("argument"),
            std::string::npos);
  EXPECT_EQ(getMedian({3, 1, 2}), 2);
  EXPECT_EQ(getMedian({2, 1}), 2);
}

TEST_F(GpuBench, ReportsWhatTheDriverRefuses) {
  fake->launchResult = 719;
  BenchmarkRow row = runBenchmark(*device, {1e9, 0, ""}, shape, {});
  EXPECT_NE(row.error.find("cuLaunchKernel failed"), std::string::npos);
  fake->launchResult = 0;
  fake->allocResult = 2;
  row = runBenchmark(*device, {1e9, 0, ""}, shape, {});
  EXPECT_NE(row.error.find("CUDA_ERROR_OUT_OF_MEMORY"), std::string::npos)
      << row.error;
}

TEST(BenchShapes, ParsesNamesAndSizes) {
  auto shapes = parseShapes("S8,3x5x4x2x1x2,S1");
  ASSERT_TRUE(bool(shapes)) << toString(shapes.takeError());
  ASSERT_EQ(shapes->size(), 3u);
  EXPECT_EQ((*shapes)[0].formatSizes(), "4x4096x32x128x128x1");
  EXPECT_EQ((*shapes)[1].name, (*shapes)[1].formatSizes());
  EXPECT_EQ((*shapes)[1].groups, 2);
  EXPECT_EQ((*shapes)[2].formatSizes(), "8x4096x80x64x128x1");
  auto all = parseShapes("all");
  ASSERT_TRUE(bool(all)) << toString(all.takeError());
  EXPECT_EQ(all->size(), 8u);
  for (const char *text : {"", "S1,", "S0", "1x2x3x4x5", "1x2x3x4x5x0",
                           "1x2x3x4x5x2", "1x2x3x4x5x1x1"}) {
    auto wrong = parseShapes(text);
    EXPECT_FALSE(bool(wrong)) << text;
    consumeError(wrong.takeError());
  }
}

} // namespace
} // namespace mamba::tools
