// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_TEST_UNIT_RUNTIME_FAKEDRIVERTEST_H
#define MAMBA_TEST_UNIT_RUNTIME_FAKEDRIVERTEST_H

#include "runtime/DynamicLibrary.h"
#include "test/unit/runtime/FakeDriver.h"
#include "test/unit/runtime/SamplePlan.h"

#include <gtest/gtest.h>

#include <string_view>

namespace mamba::test {

/// A test in which the runtime finds the fake driver, reset to its defaults.
class FakeDriverTest : public testing::Test {
protected:
  void SetUp() override {
    setenv("MAMBA_LIBCUDA_PATH", MAMBA_FAKE_DRIVER, 1);
    unsetenv("MAMBA_CACHE_DIR");
    auto library = rt::DynamicLibrary::open({MAMBA_FAKE_DRIVER});
    ASSERT_TRUE(library.isOk()) << library.status().message();
    FakeDriver *(*get)() = nullptr;
    ASSERT_TRUE(library->bind("fakeDriver", get).isOk());
    fake = get();
    *fake = FakeDriver();
  }
  void TearDown() override { unsetenv("MAMBA_LIBCUDA_PATH"); }

  FakeDriver *fake = nullptr;
};

/// With a function on the fake driver's first device.
class FakeFunctionTest : public FakeDriverTest {
protected:
  Outcome create(std::string_view ptx, SamplePlan &sample) {
    if (Outcome opened = mamba_device_open(0, &device); !opened.isOk())
      return opened;
    if (Outcome loaded =
            mamba_module_load(device, ptx.data(), ptx.size(), nullptr, &module);
        !loaded.isOk())
      return loaded;
    return mamba_function_create(module, sample.get(), &function);
  }
  void release() {
    mamba_function_release(function);
    mamba_module_release(module);
    mamba_device_release(device);
  }

  mamba_device *device = nullptr;
  mamba_module *module = nullptr;
  mamba_function *function = nullptr;
};

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_RUNTIME_FAKEDRIVERTEST_H
