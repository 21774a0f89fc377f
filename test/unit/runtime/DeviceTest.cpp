// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Tests of the real driver; skipped without a GPU.

#include "runtime/cuda/LoadedModule.h"
#include "runtime/cuda/Memory.h"
#include "test/unit/runtime/SamplePlan.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <optional>

using namespace mamba::test;
using namespace mamba::rt;

namespace {

// twice: y[b, i] = 2 x[b, i], one block a batch item, one thread at a time.
constexpr char ptx[] = R"(.version 7.0
.target sm_80
.address_size 64
.visible .entry twice(.param .u64 x, .param .u64 y, .param .u64 batch,
                      .param .u64 length) {
  .reg .b64 %a<6>;
  .reg .b32 %r<3>;
  .reg .f32 %f<2>;
  .reg .pred %p;
  ld.param.u64 %a0, [x];
  ld.param.u64 %a1, [y];
  ld.param.u64 %a2, [length];
  cvta.to.global.u64 %a0, %a0;
  cvta.to.global.u64 %a1, %a1;
  mov.u32 %r0, %ctaid.x;
  mov.u32 %r1, %tid.x;
  cvt.u64.u32 %a3, %r1;
LOOP:
  setp.ge.u64 %p, %a3, %a2;
  @%p bra END;
  cvt.u64.u32 %a4, %r0;
  mad.lo.u64 %a4, %a4, %a2, %a3;
  shl.b64 %a4, %a4, 2;
  add.u64 %a5, %a0, %a4;
  ld.global.f32 %f0, [%a5];
  add.f32 %f0, %f0, %f0;
  add.u64 %a5, %a1, %a4;
  st.global.f32 [%a5], %f0;
  add.u64 %a3, %a3, 32;
  bra LOOP;
END:
  ret;
}
)";

/// The plan of `twice`: x and y are B×T.
struct TwicePlan {
  mamba_param params[2] = {{"x",
                            MAMBA_PARAM_INPUT,
                            MAMBA_DTYPE_F32,
                            2,
                            0,
                            0,
                            {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_SYMBOL(1)}},
                           {"y",
                            MAMBA_PARAM_OUTPUT,
                            MAMBA_DTYPE_F32,
                            2,
                            0,
                            0,
                            {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_SYMBOL(1)}}};
  mamba_symbol symbols[2] = {{"batch", 0, 0}, {"length", 0, 1}};
  mamba_kernel kernel = {
      "twice", 2, {0, 1}, 2, {0, 1}, 1, {MAMBA_DIM_SYMBOL(0)}, 32, 65536, 0,
      {},      0, 0,      0, 0,      {}};
  mamba_plan plan = {MAMBA_PLAN_VERSION,
                     "twice",
                     "sm_80",
                     80,
                     0,
                     2,
                     params,
                     2,
                     symbols,
                     1,
                     &kernel};
};

/// `twice` loaded, and its tensors with x = 0, 1, 2, ….
class OnDevice : public testing::Test {
protected:
  static constexpr int64_t batch = 3, length = 1000;

  void SetUp() override {
    Outcome opened = mamba_device_open(0, &device);
    if (!opened.isOk())
      GTEST_SKIP() << "no GPU";
    Outcome loaded =
        mamba_module_load(device, ptx, sizeof(ptx) - 1, nullptr, &module);
    ASSERT_TRUE(loaded.isOk()) << loaded.message;
    Outcome created = mamba_function_create(module, &twice.plan, &function);
    ASSERT_TRUE(created.isOk()) << created.message;
    gpu = std::move(*cu::GpuDevice::open(0));
    stream = std::move(*cu::OwnedStream::create(gpu));
    x.emplace(*cu::DeviceBuffer::allocate(gpu, bytes));
    y.emplace(*cu::DeviceBuffer::allocate(gpu, bytes));
    std::vector<float> host(batch * length);
    for (size_t i = 0; i < host.size(); ++i)
      host[i] = static_cast<float>(i);
    ASSERT_TRUE(x->upload(host.data(), bytes).isOk());
    ASSERT_TRUE(y->fill(0xff).isOk());
  }

  void TearDown() override {
    mamba_function_release(function);
    mamba_module_release(module);
    mamba_device_release(device);
  }

  Outcome launch() {
    Tensor xTensor({batch, length}, float32, {kDLCUDA, 0}, x->data());
    Tensor yTensor({batch, length}, float32, {kDLCUDA, 0}, y->data());
    const DLTensor *arguments[] = {&xTensor.tensor, &yTensor.tensor};
    return mamba_function_launch(function, arguments, 2, nullptr, 0,
                                 stream->get());
  }

  void expectDoubled() {
    std::vector<float> host(batch * length);
    ASSERT_TRUE(stream->synchronize().isOk());
    ASSERT_TRUE(y->download(host.data(), bytes).isOk());
    for (size_t i = 0; i < host.size(); ++i)
      ASSERT_EQ(host[i], 2 * static_cast<float>(i)) << i;
  }

  static constexpr size_t bytes = batch * length * sizeof(float);
  TwicePlan twice;
  mamba_device *device = nullptr;
  mamba_module *module = nullptr;
  mamba_function *function = nullptr;
  std::shared_ptr<cu::GpuDevice> gpu;
  std::unique_ptr<cu::OwnedStream> stream;
  std::optional<cu::DeviceBuffer> x, y;
};

} // namespace

TEST_F(OnDevice, LoadsLaunchesAndTimes) {
  mamba_timer *timer = nullptr;
  ASSERT_TRUE(Outcome(mamba_timer_create(device, &timer)).isOk());
  ASSERT_TRUE(Outcome(mamba_timer_start(timer, stream->get())).isOk());
  Outcome launched = launch();
  ASSERT_TRUE(launched.isOk()) << launched.message;
  ASSERT_TRUE(Outcome(mamba_timer_stop(timer, stream->get())).isOk());
  double milliseconds = 0;
  ASSERT_TRUE(Outcome(mamba_timer_elapsed_ms(timer, &milliseconds)).isOk());
  EXPECT_GT(milliseconds, 0);
  mamba_timer_release(timer);
  expectDoubled();
}

// A launch is recorded, not executed, while its stream is captured.
TEST_F(OnDevice, LaunchesCanBeCaptured) {
  using Handle = void *;
  int (*beginCapture)(cu::Stream, int) = nullptr;
  int (*endCapture)(cu::Stream, Handle *) = nullptr;
  int (*instantiate)(Handle *, Handle, unsigned long long) = nullptr;
  int (*launchGraph)(Handle, cu::Stream) = nullptr;
  auto library = DynamicLibrary::open({"libcuda.so.1"});
  ASSERT_TRUE(library.isOk());
  ASSERT_TRUE(library->bind("cuStreamBeginCapture_v2", beginCapture).isOk());
  ASSERT_TRUE(library->bind("cuStreamEndCapture", endCapture).isOk());
  ASSERT_TRUE(library->bind("cuGraphInstantiateWithFlags", instantiate).isOk());
  ASSERT_TRUE(library->bind("cuGraphLaunch", launchGraph).isOk());
  cu::ContextScope scope(*gpu);
  ASSERT_EQ(beginCapture(stream->get(), /*global mode*/ 0), 0);
  Outcome launched = launch();
  Handle graph = nullptr;
  Handle executable = nullptr;
  ASSERT_EQ(endCapture(stream->get(), &graph), 0);
  ASSERT_TRUE(launched.isOk()) << launched.message;
  ASSERT_EQ(instantiate(&executable, graph, 0), 0);
  ASSERT_TRUE(y->fill(0xff).isOk());
  ASSERT_EQ(launchGraph(executable, stream->get()), 0);
  expectDoubled();
}

TEST_F(OnDevice, JitLogIsInTheError) {
  std::string broken = std::string(ptx) + "nonsense";
  mamba_module *module = nullptr;
  Outcome loaded =
      mamba_module_load(device, broken.data(), broken.size(), nullptr, &module);
  EXPECT_EQ(loaded.code, MAMBA_COMPILE_FAILED);
  EXPECT_NE(loaded.message.find("nonsense"), std::string::npos)
      << loaded.message;
}

// A new device handle each time: one handle keeps what it has loaded.
TEST_F(OnDevice, DiskCacheGivesTheSameModule) {
  std::string directory = testing::TempDir() + "mamba-device-cache";
  std::filesystem::remove_all(directory);
  for (int round = 0; round < 2; ++round) {
    auto fresh = cu::GpuDevice::open(0);
    auto cached = (*fresh)->load(ptx, sizeof(ptx) - 1, directory);
    ASSERT_TRUE(cached.isOk()) << cached.status().message();
    EXPECT_TRUE((*cached)->kernel("twice").isOk());
  }
  EXPECT_FALSE(std::filesystem::is_empty(directory));
  std::filesystem::remove_all(directory);
}
