// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The sample plan's persistent function on the fake driver.

#ifndef MAMBA_TEST_UNIT_RUNTIME_PERSISTENTFUNCTION_H
#define MAMBA_TEST_UNIT_RUNTIME_PERSISTENTFUNCTION_H

#include "test/unit/runtime/FakeDriverTest.h"

namespace mamba::test {

inline constexpr DLDevice gpu = {kDLCUDA, 0};
inline constexpr char ptx[] = ".version 8.0\n.target sm_90a\n";

class PersistentFunction : public FakeFunctionTest {
protected:
  void SetUp() override {
    FakeDriverTest::SetUp();
    fake->capability = 90;
    fake->kernels = {{"scan_states", {3, 2}},
                     {"scan_outputs", {5, 2, 2}},
                     {"scan_wide", {5, 2, 2}}};
  }

  void TearDown() override {
    release();
    FakeDriverTest::TearDown();
  }

  Outcome create() { return FakeFunctionTest::create(ptx, sample); }

  /// With the workspace from byte `at` on.
  Outcome launch(const SampleArguments &arguments, int64_t at = 0) {
    return mamba_function_launch(function, arguments.list, 3,
                                 workspace.as<char>() + at, workspaceBytes - at,
                                 stream);
  }

  SamplePlan sample = SamplePlan::persistent();
  SampleArguments arguments = SampleArguments(gpu);
  SampleArguments manySets = SampleArguments(gpu, 28);
  static constexpr int64_t workspaceBytes = 1 << 20;
  Tensor workspace = Tensor({workspaceBytes / 4}, float32, gpu);
  void *stream = reinterpret_cast<void *>(uintptr_t(0x1234));
};

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_RUNTIME_PERSISTENTFUNCTION_H
