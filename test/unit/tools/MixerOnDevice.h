// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What tests of mamba-bench's mixer on a Hopper GPU have in common.

#ifndef MAMBA_TEST_UNIT_TOOLS_MIXERONDEVICE_H
#define MAMBA_TEST_UNIT_TOOLS_MIXERONDEVICE_H

#include "test/unit/tools/MixerDevice.h"
#include "tools/mamba-bench/ForcedSchedules.h"
#include "gtest/gtest.h"

namespace mamba::test {

/// Of results in bf16.
inline constexpr double tolerance = 4e-3;

class MixerOnDevice : public testing::Test {
protected:
  void SetUp() override {
    device = openHopper();
    if (!device)
      GTEST_SKIP() << "no GPU of capability 9.0";
  }

  /// The mixer of a shape and its schedules; a failure is the test's.
  void prepare(const tools::BenchShape &shape,
               const tools::MixerVariant &variant,
               llvm::ArrayRef<tools::ScheduleAxis> axes,
               llvm::StringRef parts = "") {
    mixer = llvm::cantFail(tools::Mixer::create(shape, variant));
    auto listed = listSchedules(*mixer, *lookupTarget("sm_90a"), parts, axes);
    ASSERT_TRUE(bool(listed)) << llvm::toString(listed.takeError());
    schedules = std::move(listed->legal);
  }

  std::unique_ptr<DeviceLauncher>
  makeLauncher(const tools::ScheduledMixer &schedule) {
    auto function = load(device, schedule);
    if (function)
      return std::make_unique<DeviceLauncher>(device, std::move(*function));
    ADD_FAILURE() << schedule.schedule << ": "
                  << llvm::toString(function.takeError());
    return nullptr;
  }

  /// Launches on the call's inputs and compares with the recurrence.
  void check(DeviceLauncher &launcher, MixerCall &call) {
    auto arguments = DeviceArguments::upload(device, call);
    ASSERT_TRUE(bool(arguments)) << llvm::toString(arguments.takeError());
    llvm::Error error = launcher.launch(*arguments);
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
    error = arguments->download(call.outputs);
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
    MixerErrors errors = compareWithRecurrence(call);
    EXPECT_LE(errors.y, tolerance);
    EXPECT_LE(errors.state, tolerance);
  }

  Device device;
  std::unique_ptr<tools::Mixer> mixer;
  std::vector<tools::ScheduledMixer> schedules;
};

inline const tools::ScheduleAxis consumers = {"consumers=0", "consumers=1",
                                              "consumers=2"};

// Batch and time such that sequences are cut into segments (the first three)
// and that ranges of thread blocks begin and end inside sequences (the last).
inline constexpr std::pair<int64_t, int64_t> repeatedSizes[] = {
    {1, 1000}, {2, 257}, {10, 130}, {50, 65}};

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_TOOLS_MIXERONDEVICE_H
