// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Device.h"
#include "test/unit/runtime/FakeDriverTest.h"

#include <set>

using namespace mamba::test;

namespace {

constexpr DLDevice gpu = {kDLCUDA, 0};
constexpr char ptx[] = ".version 7.0\n.target sm_80\n";

class GpuFunction : public FakeFunctionTest {
protected:
  void SetUp() override {
    FakeDriverTest::SetUp();
    fake->kernels = {{"scan_states", {3, 2}}, {"scan_outputs", {4, 2}}};
  }

  void TearDown() override {
    release();
    EXPECT_EQ(fake->retained, 0);
    EXPECT_EQ(fake->loadedModules, 0);
    EXPECT_TRUE(fake->contexts.empty());
    FakeDriverTest::TearDown();
  }

  Outcome create() { return FakeFunctionTest::create(ptx, sample); }

  Outcome launch(void *stream = nullptr) {
    return mamba_function_launch(function, arguments.list, 3,
                                 workspace.tensor.data, 768, stream);
  }

  SamplePlan sample;
  SampleArguments arguments = SampleArguments(gpu);
  Tensor workspace = Tensor({768}, float32, gpu);
};

} // namespace

TEST_F(GpuFunction, LaunchPacksArgumentsAndPassesTheStream) {
  ASSERT_TRUE(create().isOk());
  void *stream = reinterpret_cast<void *>(uintptr_t(0x1234));
  Outcome launched = launch(stream);
  ASSERT_TRUE(launched.isOk()) << launched.message;
  ASSERT_EQ(fake->launches.size(), 2u);
  void *x = arguments.x.tensor.data;
  void *dt = arguments.dt.tensor.data;
  void *tmp = workspace.tensor.data;
  void *y = arguments.y.tensor.data;
  const FakeLaunch &states = fake->launches[0];
  EXPECT_EQ(states.kernel, "scan_states");
  EXPECT_EQ(states.grid, 2u * 4 * 3);
  EXPECT_EQ(states.block, 128u);
  EXPECT_EQ(states.sharedBytes, 1024u);
  EXPECT_EQ(states.stream, stream);
  EXPECT_EQ(states.pointers, (std::vector<void *>{x, dt, tmp}));
  EXPECT_EQ(states.sizes, (std::vector<int64_t>{2, 33}));
  const FakeLaunch &outputs = fake->launches[1];
  EXPECT_EQ(outputs.kernel, "scan_outputs");
  EXPECT_EQ(outputs.grid, 2u * 4);
  EXPECT_EQ(outputs.block, 256u);
  EXPECT_EQ(outputs.sharedBytes, 100000u);
  EXPECT_EQ(outputs.stream, stream);
  EXPECT_EQ(outputs.pointers, (std::vector<void *>{tmp, x, dt, y}));
}

// What may happen while a stream is captured into a graph: launches only.
TEST_F(GpuFunction, LaunchCallsNothingButLaunches) {
  ASSERT_TRUE(create().isOk());
  fake->calls.clear();
  ASSERT_TRUE(launch().isOk());
  EXPECT_EQ(std::set<std::string>(fake->calls.begin(), fake->calls.end()),
            std::set<std::string>{"cuLaunchKernel"});
}

// A framework's thread has the primary context current.
TEST_F(GpuFunction, PushesTheContextOnlyWhereItIsNotCurrent) {
  ASSERT_TRUE(create().isOk());
  fake->pushes = 0;
  ASSERT_TRUE(launch().isOk());
  EXPECT_EQ(fake->pushes, 1);
  auto gpu = mamba::rt::cu::GpuDevice::open(0);
  ASSERT_TRUE(gpu.isOk());
  mamba::rt::cu::ContextScope current(**gpu);
  ASSERT_TRUE(launch().isOk());
  EXPECT_EQ(fake->pushes, 2);
}

TEST_F(GpuFunction, AsksForLargeSharedMemoryOnly) {
  ASSERT_TRUE(create().isOk());
  EXPECT_EQ(fake->dynamicShared,
            (std::map<std::string, int>{{"scan_outputs", 100000}}));
}

TEST_F(GpuFunction, InvalidArgumentsLaunchNothing) {
  ASSERT_TRUE(create().isOk());
  arguments.y.shape[0] = 3;
  EXPECT_EQ(launch().message,
            "launching 'scan': argument 2 'y': dimension 0 is 3, but batch is "
            "2 in dimension 0 of argument 0 'x'");
  EXPECT_TRUE(fake->launches.empty());
}

TEST_F(GpuFunction, TooLargeAGridLaunchesNothing) {
  ASSERT_TRUE(create().isOk());
  for (Tensor *tensor : {&arguments.x, &arguments.dt, &arguments.y})
    tensor->shape[0] = 1 << 30;
  // Sizes only: the memory behind them is never touched, but must not overlap.
  arguments.x.tensor.data = reinterpret_cast<void *>(uintptr_t(1) << 50);
  arguments.dt.tensor.data = reinterpret_cast<void *>(uintptr_t(1) << 51);
  arguments.y.tensor.data = reinterpret_cast<void *>(uintptr_t(1) << 52);
  EXPECT_EQ(launch().message,
            "launching 'scan': kernel 'scan_states' would need more than "
            "2147483647 work items, the limit of a grid; split the batch");
  EXPECT_TRUE(fake->launches.empty());
}

TEST_F(GpuFunction, DriverErrorOfALaunch) {
  ASSERT_TRUE(create().isOk());
  fake->launchResult = 719;
  Outcome launched = launch();
  EXPECT_EQ(launched.code, MAMBA_DEVICE_ERROR);
  EXPECT_EQ(launched.message, "launching 'scan': cuLaunchKernel failed: "
                              "CUDA_ERROR_FAKE (as the test asked)");
  EXPECT_EQ(fake->launches.size(), 1u);
}

TEST_F(GpuFunction, RunsOnlyOnAStream) {
  ASSERT_TRUE(create().isOk());
  EXPECT_EQ(Outcome(mamba_function_launch_cpu(function, arguments.list, 3,
                                              nullptr, 0, nullptr, nullptr))
                .message,
            "launching 'scan': a GPU function needs a stream; use "
            "mamba_function_launch");
}

TEST_F(GpuFunction, HandlesMayBeReleasedInAnyOrder) {
  ASSERT_TRUE(create().isOk());
  mamba_device_release(std::exchange(device, nullptr));
  mamba_module_release(std::exchange(module, nullptr));
  EXPECT_EQ(fake->retained, 1);
  EXPECT_TRUE(launch().isOk());
}

TEST_F(GpuFunction, TooOldADevice) {
  fake->capability = 75;
  Outcome created = create();
  EXPECT_EQ(created.code, MAMBA_UNSUPPORTED);
  EXPECT_EQ(created.message,
            "'scan' was compiled for sm_80 and needs compute capability 8.0 "
            "or newer; the device has 7.5");
}

TEST_F(GpuFunction, TooLittleSharedMemory) {
  fake->maxShared = 101376;
  fake->staticShared = 2048;
  Outcome created = create();
  EXPECT_EQ(created.code, MAMBA_UNSUPPORTED);
  EXPECT_EQ(created.message,
            "kernel 'scan_outputs': needs 102048 bytes of shared memory a "
            "block, 'Fake GPU' has 101376");
}

TEST_F(GpuFunction, TooManyThreads) {
  fake->maxThreads = 192;
  EXPECT_EQ(create().message, "kernel 'scan_outputs': needs blocks of 256 "
                              "threads, at most 192 are possible");
}

TEST_F(GpuFunction, MissingKernel) {
  fake->kernels.erase("scan_outputs");
  Outcome created = create();
  EXPECT_EQ(created.code, MAMBA_INVALID_ARGUMENT);
  EXPECT_EQ(created.message, "the module has no kernel 'scan_outputs'");
}

TEST_F(GpuFunction, CpuPlan) {
  sample = SamplePlan::onCpu();
  EXPECT_EQ(create().message, "'scan' was compiled for cpu, not for a GPU");
}

TEST_F(GpuFunction, TimerUsesTheStream) {
  ASSERT_TRUE(create().isOk());
  mamba_timer *timer = nullptr;
  ASSERT_TRUE(Outcome(mamba_timer_create(device, &timer)).isOk());
  double milliseconds = 0;
  EXPECT_EQ(Outcome(mamba_timer_elapsed_ms(timer, &milliseconds)).message,
            "the timer was not stopped");
  void *stream = reinterpret_cast<void *>(uintptr_t(0x1234));
  ASSERT_TRUE(Outcome(mamba_timer_start(timer, stream)).isOk());
  ASSERT_TRUE(Outcome(mamba_timer_stop(timer, stream)).isOk());
  EXPECT_EQ(fake->count("cuEventSynchronize"), 0);
  ASSERT_TRUE(Outcome(mamba_timer_elapsed_ms(timer, &milliseconds)).isOk());
  EXPECT_EQ(milliseconds, 1.5);
  EXPECT_EQ(fake->count("cuEventSynchronize"), 1);
  mamba_timer_release(timer);
}
