// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/runtime/SamplePlan.h"

#include <gtest/gtest.h>
#include <mutex>
#include <thread>

using namespace mamba::test;

namespace {

constexpr DLDevice cpu = {kDLCPU, 0};

/// What the kernels were called with.
struct Record {
  std::mutex mutex;
  std::vector<std::vector<void *>> pointers;
  std::vector<std::pair<int64_t, int64_t>> ranges[2];
  int64_t batch = 0;
  int64_t length = 0;
} record;

template <int kernel, int numParams>
void recordCall(void **pointers, int64_t batch, int64_t length, int64_t begin,
                int64_t end) {
  std::lock_guard<std::mutex> lock(record.mutex);
  record.pointers.emplace_back(pointers, pointers + numParams);
  record.ranges[kernel].push_back({begin, end});
  record.batch = batch;
  record.length = length;
}

const mamba_cpu_kernel entries[] = {recordCall<0, 3>, recordCall<1, 4>};

/// Two threads, split in the middle.
void inHalves(void *user, int64_t count, mamba_parallel_body body,
              void *closure) {
  ++*static_cast<int *>(user);
  std::thread second([=] { body(closure, count / 2, count); });
  body(closure, 0, count / 2);
  second.join();
}

class CpuFunction : public testing::Test {
protected:
  void SetUp() override {
    record.pointers.clear();
    record.ranges[0].clear();
    record.ranges[1].clear();
    Outcome created = mamba_function_create_cpu(SamplePlan::onCpu().get(),
                                                entries, &function);
    ASSERT_TRUE(created.isOk()) << created.message;
  }
  void TearDown() override { mamba_function_release(function); }

  mamba_function *function = nullptr;
  SampleArguments arguments = SampleArguments(cpu);
  Tensor workspace = Tensor({768}, float32, cpu);
};

} // namespace

TEST_F(CpuFunction, RunsKernelsInOrderWithTheirArguments) {
  size_t bytes = 0;
  ASSERT_TRUE(Outcome(mamba_function_workspace_bytes(function, arguments.list,
                                                     3, &bytes))
                  .isOk());
  EXPECT_EQ(bytes, 768u);
  Outcome launched =
      mamba_function_launch_cpu(function, arguments.list, 3,
                                workspace.tensor.data, bytes, nullptr, nullptr);
  ASSERT_TRUE(launched.isOk()) << launched.message;
  void *x = arguments.x.tensor.data;
  void *dt = arguments.dt.tensor.data;
  void *tmp = workspace.tensor.data;
  void *y = arguments.y.tensor.data;
  using Pointers = std::vector<std::vector<void *>>;
  EXPECT_EQ(record.pointers, (Pointers{{x, dt, tmp}, {tmp, x, dt, y}}));
  EXPECT_EQ(record.batch, 2);
  EXPECT_EQ(record.length, 33);
  using Ranges = std::vector<std::pair<int64_t, int64_t>>;
  EXPECT_EQ(record.ranges[0], (Ranges{{0, 24}}));
  EXPECT_EQ(record.ranges[1], (Ranges{{0, 8}}));
}

TEST_F(CpuFunction, ParallelForGetsTheGridAndTheUserPointer) {
  int calls = 0;
  Outcome launched =
      mamba_function_launch_cpu(function, arguments.list, 3,
                                workspace.tensor.data, 768, inHalves, &calls);
  ASSERT_TRUE(launched.isOk()) << launched.message;
  EXPECT_EQ(calls, 2);
  int64_t covered = 0;
  for (auto [begin, end] : record.ranges[0])
    covered += end - begin;
  EXPECT_EQ(record.ranges[0].size(), 2u);
  EXPECT_EQ(covered, 24);
}

TEST_F(CpuFunction, ErrorsNameWhatWasBeingDone) {
  arguments.dt.shape[2] = 5;
  Outcome launched = mamba_function_launch_cpu(function, arguments.list, 3,
                                               nullptr, 0, nullptr, nullptr);
  EXPECT_EQ(launched.code, MAMBA_INVALID_ARGUMENT);
  EXPECT_EQ(launched.message, "launching 'scan': argument 1 'dt': dimension 2 "
                              "is 5, expected 4");
  EXPECT_EQ(Outcome(mamba_function_check(function, arguments.list, 3)).message,
            "checking 'scan': argument 1 'dt': dimension 2 is 5, expected 4");
  size_t bytes = 77;
  EXPECT_EQ(Outcome(mamba_function_workspace_bytes(function, arguments.list, 3,
                                                   &bytes))
                .message,
            "measuring the workspace of 'scan': argument 1 'dt': dimension 2 "
            "is 5, expected 4");
  EXPECT_EQ(bytes, 77u);
  EXPECT_TRUE(record.pointers.empty());
}

TEST_F(CpuFunction, MissingWorkspace) {
  Outcome launched = mamba_function_launch_cpu(function, arguments.list, 3,
                                               nullptr, 0, nullptr, nullptr);
  EXPECT_EQ(launched.message, "launching 'scan': the workspace is null, 768 "
                              "bytes are needed");
}

TEST_F(CpuFunction, TakesNoStream) {
  Outcome launched =
      mamba_function_launch(function, arguments.list, 3, nullptr, 0, nullptr);
  EXPECT_EQ(launched.message, "launching 'scan': a CPU function has no "
                              "stream; use mamba_function_launch_cpu");
}

TEST_F(CpuFunction, NullHandles) {
  EXPECT_EQ(Outcome(mamba_function_check(nullptr, arguments.list, 3)).message,
            "'function' is null");
  EXPECT_EQ(Outcome(mamba_function_check(function, nullptr, 3)).message,
            "'arguments' is null");
  EXPECT_EQ(Outcome(mamba_function_check(function, arguments.list, -1)).message,
            "the number of arguments is -1");
}

TEST(CpuFunctionCreate, Errors) {
  mamba_function *function = nullptr;
  EXPECT_EQ(
      Outcome(mamba_function_create_cpu(SamplePlan().get(), entries, &function))
          .message,
      "'scan' was compiled for sm_80, not for the CPU");
  EXPECT_EQ(Outcome(mamba_function_create_cpu(SamplePlan::onCpu().get(),
                                              nullptr, &function))
                .message,
            "the list of kernels is null");
  const mamba_cpu_kernel missing[] = {entries[0], nullptr};
  EXPECT_EQ(Outcome(mamba_function_create_cpu(SamplePlan::onCpu().get(),
                                              missing, &function))
                .message,
            "kernel 1 'scan_outputs' is null");
  EXPECT_EQ(
      Outcome(mamba_function_create_cpu(nullptr, entries, &function)).message,
      "the plan is null");
  EXPECT_EQ(function, nullptr);
}
