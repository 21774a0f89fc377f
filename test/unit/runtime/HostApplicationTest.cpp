// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a host application does, as runtime/README.md explains it. The plan
// and the CPU kernel are in StaticPlan.c, as an ahead-of-time compiler writes
// them.

#include "test/unit/runtime/SamplePlan.h"

#include <gtest/gtest.h>

extern "C" const mamba_plan staticPlan;
extern "C" const mamba_cpu_kernel staticKernels[];

using mamba::test::Outcome;

namespace {

constexpr int64_t batch = 2, length = 5, channels = 3;

} // namespace

TEST(HostApplication, RunsAnAheadOfTimeKernelOnTheCpu) {
  std::vector<float> x(batch * length * channels);
  std::vector<float> y(x.size(), -1);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i);

  int64_t shape[] = {batch, length, channels};
  DLTensor xTensor = {x.data(), {kDLCPU, 0}, 3, {kDLFloat, 32, 1},
                      shape,    nullptr,     0};
  DLTensor yTensor = xTensor;
  yTensor.data = y.data();
  const DLTensor *arguments[] = {&xTensor, &yTensor};

  mamba_function *function = nullptr;
  Outcome created =
      mamba_function_create_cpu(&staticPlan, staticKernels, &function);
  ASSERT_TRUE(created.isOk()) << created.message;
  Outcome launched = mamba_function_launch_cpu(function, arguments, 2, nullptr,
                                               0, nullptr, nullptr);
  EXPECT_TRUE(launched.isOk()) << launched.message;
  for (size_t i = 0; i < y.size(); ++i)
    EXPECT_EQ(y[i], 2 * static_cast<float>(i));

  // The plan allows the output in the input's place.
  arguments[1] = &xTensor;
  launched = mamba_function_launch_cpu(function, arguments, 2, nullptr, 0,
                                       nullptr, nullptr);
  EXPECT_TRUE(launched.isOk()) << launched.message;
  EXPECT_EQ(x, y);
  mamba_function_release(function);
}
