// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/runtime/FakeDriverTest.h"

using namespace mamba::test;

namespace {

class DriverAbsence : public FakeDriverTest {
protected:
  Outcome open(int32_t ordinal = 0) {
    mamba_device *device = nullptr;
    Outcome opened = mamba_device_open(ordinal, &device);
    EXPECT_EQ(device, nullptr);
    return opened;
  }
};

} // namespace

TEST_F(DriverAbsence, NoLibrary) {
  setenv("MAMBA_LIBCUDA_PATH", "/nowhere/libcuda.so.1", 1);
  Outcome opened = open();
  EXPECT_EQ(opened.code, MAMBA_UNAVAILABLE);
  EXPECT_EQ(opened.message.find("no CUDA driver was found; install NVIDIA's "
                                "driver or use the CPU: /nowhere/libcuda.so.1"),
            0u)
      << opened.message;
  int32_t count = -1;
  EXPECT_EQ(Outcome(mamba_device_count(&count)).code, MAMBA_UNAVAILABLE);
  EXPECT_EQ(count, -1);
}

TEST_F(DriverAbsence, NotADriver) {
  setenv("MAMBA_LIBCUDA_PATH", "libc.so.6", 1);
  Outcome opened = open();
  EXPECT_EQ(opened.code, MAMBA_UNSUPPORTED);
  EXPECT_EQ(opened.message, "'libc.so.6' has no function 'cuDriverGetVersion'; "
                            "a newer version is needed");
}

TEST_F(DriverAbsence, TooOldADriver) {
  fake->version = 11080;
  Outcome opened = open();
  EXPECT_EQ(opened.code, MAMBA_UNSUPPORTED);
  EXPECT_EQ(opened.message,
            "the CUDA driver supports CUDA 11.8, at least 12.0 is needed");
}

TEST_F(DriverAbsence, NoGpu) {
  fake->initResult = 100;
  EXPECT_EQ(open().message, "there is no CUDA device");
  EXPECT_EQ(open().code, MAMBA_UNAVAILABLE);
}

TEST_F(DriverAbsence, Stub) {
  fake->initResult = 34;
  EXPECT_EQ(open().message, "libcuda.so.1 is the toolkit's stub, not a driver");
}

TEST_F(DriverAbsence, InitializationError) {
  fake->initResult = 999;
  EXPECT_EQ(open().code, MAMBA_DEVICE_ERROR);
  EXPECT_EQ(open().message,
            "cuInit failed: CUDA_ERROR_FAKE (as the test asked)");
}

TEST_F(DriverAbsence, Ordinal) {
  fake->deviceCount = 2;
  EXPECT_EQ(open(2).message,
            "there is no CUDA device 2, the number of devices is 2");
  EXPECT_EQ(open(-1).code, MAMBA_INVALID_ARGUMENT);
}

TEST_F(DriverAbsence, PresentDriverTellsAboutTheGpu) {
  int32_t count = 0;
  ASSERT_TRUE(Outcome(mamba_device_count(&count)).isOk());
  EXPECT_EQ(count, 1);
  mamba_device *device = nullptr;
  ASSERT_TRUE(Outcome(mamba_device_open(0, &device)).isOk());
  mamba_device_info info;
  ASSERT_TRUE(Outcome(mamba_device_get_info(device, &info)).isOk());
  EXPECT_STREQ(info.name, "Fake GPU");
  EXPECT_EQ(info.capability, 80);
  EXPECT_EQ(info.multiprocessors, 108);
  EXPECT_EQ(info.max_shared_bytes_per_block, 166912);
  EXPECT_EQ(info.driver_version, 12040);
  EXPECT_EQ(info.memory_bus_bits, 5120);
  EXPECT_EQ(info.memory_bytes, int64_t(40) << 30);
  mamba_device_release(device);
  EXPECT_EQ(fake->retained, 0);
}
