// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Tests of the real driver; skipped without a GPU.

#include "runtime/cuda/Memory.h"
#include "test/unit/runtime/SamplePlan.h"

#include <filesystem>
#include <gtest/gtest.h>

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
      "twice", 2, {0, 1}, 2, {0, 1}, 1, {MAMBA_DIM_SYMBOL(0)}, 32, 65536};
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

class OnDevice : public testing::Test {
protected:
  void SetUp() override {
    Outcome opened = mamba_device_open(0, &device);
    if (!opened.isOk())
      GTEST_SKIP() << "no GPU";
  }
  void TearDown() override { mamba_device_release(device); }

  mamba_device *device = nullptr;
};

} // namespace

TEST_F(OnDevice, LoadsLaunchesAndTimes) {
  constexpr int64_t batch = 3, length = 1000;
  mamba_module *module = nullptr;
  Outcome loaded =
      mamba_module_load(device, ptx, sizeof(ptx) - 1, nullptr, &module);
  ASSERT_TRUE(loaded.isOk()) << loaded.message;
  mamba_function *function = nullptr;
  TwicePlan twice;
  Outcome created = mamba_function_create(module, &twice.plan, &function);
  ASSERT_TRUE(created.isOk()) << created.message;

  auto gpu = cu::GpuDevice::open(0);
  auto stream = cu::OwnedStream::create(*gpu);
  std::vector<float> host(batch * length);
  for (size_t i = 0; i < host.size(); ++i)
    host[i] = static_cast<float>(i);
  size_t bytes = host.size() * sizeof(float);
  auto x = cu::DeviceBuffer::allocate(*gpu, bytes);
  auto y = cu::DeviceBuffer::allocate(*gpu, bytes);
  ASSERT_TRUE(x.isOk() && y.isOk() && stream.isOk());
  ASSERT_TRUE(x->upload(host.data(), bytes).isOk());
  ASSERT_TRUE(y->fill(0xff).isOk());
  Tensor xTensor({batch, length}, float32, {kDLCUDA, 0}, x->data());
  Tensor yTensor({batch, length}, float32, {kDLCUDA, 0}, y->data());
  const DLTensor *arguments[] = {&xTensor.tensor, &yTensor.tensor};

  mamba_timer *timer = nullptr;
  ASSERT_TRUE(Outcome(mamba_timer_create(device, &timer)).isOk());
  ASSERT_TRUE(Outcome(mamba_timer_start(timer, (*stream)->get())).isOk());
  Outcome launched = mamba_function_launch(function, arguments, 2, nullptr, 0,
                                           (*stream)->get());
  ASSERT_TRUE(launched.isOk()) << launched.message;
  ASSERT_TRUE(Outcome(mamba_timer_stop(timer, (*stream)->get())).isOk());
  double milliseconds = 0;
  ASSERT_TRUE(Outcome(mamba_timer_elapsed_ms(timer, &milliseconds)).isOk());
  EXPECT_GT(milliseconds, 0);
  ASSERT_TRUE((*stream)->synchronize().isOk());
  ASSERT_TRUE(y->download(host.data(), bytes).isOk());
  for (size_t i = 0; i < host.size(); ++i)
    ASSERT_EQ(host[i], 2 * static_cast<float>(i)) << i;
  mamba_timer_release(timer);
  mamba_function_release(function);
  mamba_module_release(module);
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

TEST_F(OnDevice, DiskCacheGivesTheSameModule) {
  std::string directory = testing::TempDir() + "mamba-device-cache";
  std::filesystem::remove_all(directory);
  mamba_module_options options = {directory.c_str()};
  for (int round = 0; round < 2; ++round) {
    mamba_module *module = nullptr;
    Outcome loaded =
        mamba_module_load(device, ptx, sizeof(ptx) - 1, &options, &module);
    ASSERT_TRUE(loaded.isOk()) << loaded.message;
    mamba_function *function = nullptr;
    TwicePlan twice;
    EXPECT_TRUE(
        Outcome(mamba_function_create(module, &twice.plan, &function)).isOk());
    mamba_function_release(function);
    mamba_module_release(module);
  }
  EXPECT_FALSE(std::filesystem::is_empty(directory));
  std::filesystem::remove_all(directory);
}
