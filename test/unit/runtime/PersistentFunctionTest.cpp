// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Launches of persistent kernels with tensor maps.

#include "test/unit/runtime/PersistentFunction.h"
#include "runtime/cuda/TensorMapCache.h"

#include <thread>

using namespace mamba::test;

TEST_F(PersistentFunction, TensorMapsFollowPointersAndSizes) {
  ASSERT_TRUE(create().isOk());
  Outcome launched = launch(arguments);
  ASSERT_TRUE(launched.isOk()) << launched.message;
  ASSERT_EQ(fake->encoded.size(), 2u);
  const FakeTensorMap &x = fake->encoded[0];
  EXPECT_EQ(x.address, arguments.x.tensor.data);
  EXPECT_EQ(x.dtype, 9); // bfloat16
  EXPECT_EQ(x.sizes, (std::vector<uint64_t>{8, 4, 33, 2}));
  EXPECT_EQ(x.strides, (std::vector<uint64_t>{16, 64, 33 * 64}));
  EXPECT_EQ(x.box, (std::vector<uint32_t>{8, 1, 16, 1}));
  EXPECT_EQ(x.steps, (std::vector<uint32_t>{1, 1, 1, 1}));
  EXPECT_EQ(x.interleave, 0);
  EXPECT_EQ(x.swizzle, 3);   // 128 bytes
  EXPECT_EQ(x.promotion, 2); // 128 bytes
  EXPECT_EQ(x.fill, 0);      // zeros
  EXPECT_EQ(fake->encoded[1].address, arguments.y.tensor.data);
  ASSERT_EQ(fake->launches.size(), 2u);
  const FakeLaunch &outputs = fake->launches[1];
  EXPECT_EQ(outputs.sizes, (std::vector<int64_t>{2, 33}));
  EXPECT_EQ(outputs.tensorMaps, (std::vector<int>{0, 1}));
  EXPECT_EQ(outputs.pointers[4], workspace.tensor.data);
  // 108 multiprocessors hold 27 gangs of four, two sets need two.
  EXPECT_EQ(outputs.grid, 8u);
}

TEST_F(PersistentFunction, WorkspaceCountsMultiprocessors) {
  ASSERT_TRUE(create().isOk());
  size_t bytes = 0;
  ASSERT_TRUE(Outcome(mamba_function_workspace_bytes(function, arguments.list,
                                                     3, &bytes))
                  .isOk());
  // 108 flags of eight bytes, and the first kernel's 768 bytes.
  EXPECT_EQ(bytes, 1024u + 768u);
}

TEST_F(PersistentFunction, LaunchesTheAlternativeForItsSizes) {
  sample = SamplePlan::alternatives();
  ASSERT_TRUE(create().isOk());
  ASSERT_TRUE(launch(arguments).isOk());
  ASSERT_EQ(fake->launches.size(), 2u);
  EXPECT_EQ(fake->launches[1].kernel, "scan_outputs");
  SampleArguments longer(gpu, 27, 16 * 20);
  ASSERT_TRUE(launch(longer).isOk());
  ASSERT_EQ(fake->launches.size(), 4u);
  EXPECT_EQ(fake->launches[3].kernel, "scan_wide");
  const char *name = nullptr;
  auto kernelName = [&](const SampleArguments &given, int32_t step) {
    return Outcome(
        mamba_function_kernel_name(function, given.list, 3, step, &name));
  };
  ASSERT_TRUE(kernelName(arguments, 1).isOk());
  EXPECT_STREQ(name, "scan_outputs");
  ASSERT_TRUE(kernelName(longer, 1).isOk());
  EXPECT_STREQ(name, "scan_wide");
  ASSERT_TRUE(kernelName(longer, 2).isOk());
  EXPECT_EQ(name, nullptr);
  longer.x.shape[2] = 3;
  EXPECT_EQ(kernelName(longer, 1).message,
            "choosing a kernel of 'scan': argument 0 'x': dimension 2 is 3, "
            "expected 4");
}

// Choices are kept for fewer sizes than these.
TEST_F(PersistentFunction, ChoosesForEveryOfManySizes) {
  sample = SamplePlan::alternatives();
  ASSERT_TRUE(create().isOk());
  constexpr int64_t sizes = 9;
  for (int round = 0; round < 3; ++round)
    for (int64_t i = 0; i < sizes; ++i)
      for (bool isLong : {false, true, true}) {
        SampleArguments given(gpu, isLong ? 27 : 1 + i, isLong ? 320 + i : 33);
        ASSERT_TRUE(launch(given).isOk());
        EXPECT_EQ(fake->launches.back().kernel,
                  isLong ? "scan_wide" : "scan_outputs");
        EXPECT_EQ(fake->launches.back().sizes,
                  (std::vector<int64_t>{given.x.shape[0], given.x.shape[1]}));
        if (!isLong)
          EXPECT_EQ(fake->launches.back().grid, 4 * (1 + i));
      }
}

// More steps than a launch keeps choices of.
TEST_F(PersistentFunction, ChoosesInEveryOfManySteps) {
  sample = SamplePlan::alternatives();
  constexpr size_t repeats = 12;
  for (size_t i = 1; i < repeats; ++i) {
    sample.kernels.push_back(sample.kernels[1]);
    sample.kernels.push_back(sample.kernels[2]);
  }
  ASSERT_TRUE(create().isOk());
  ASSERT_TRUE(launch(SampleArguments(gpu, 27, 16 * 20)).isOk());
  ASSERT_TRUE(launch(arguments).isOk());
  ASSERT_EQ(fake->launches.size(), 2 * (1 + repeats));
  for (size_t i = 1; i <= repeats; ++i) {
    EXPECT_EQ(fake->launches[i].kernel, "scan_wide");
    EXPECT_EQ(fake->launches[i].grid, fake->launches[1].grid);
    EXPECT_EQ(fake->launches[1 + repeats + i].kernel, "scan_outputs");
  }
}

TEST_F(PersistentFunction, AlternativeLargerThanTheDevice) {
  sample = SamplePlan::alternatives();
  sample.kernels[1].gang = 120;
  ASSERT_TRUE(create().isOk());
  ASSERT_TRUE(launch(arguments).isOk());
  EXPECT_EQ(fake->launches[1].kernel, "scan_wide");
}

TEST_F(PersistentFunction, RepeatedLaunchesEncodeNothing) {
  ASSERT_TRUE(create().isOk());
  ASSERT_TRUE(launch(arguments).isOk());
  fake->calls.clear();
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(launch(arguments).isOk());
  EXPECT_EQ(fake->count("cuTensorMapEncodeTiled"), 0);
  EXPECT_EQ(fake->launches.back().tensorMaps, (std::vector<int>{0, 1}));
}

TEST_F(PersistentFunction, OtherPointersOrSizesAreOtherMaps) {
  ASSERT_TRUE(create().isOk());
  ASSERT_TRUE(launch(arguments).isOk());
  SampleArguments others(gpu);
  ASSERT_TRUE(launch(others).isOk());
  EXPECT_EQ(fake->launches.back().tensorMaps, (std::vector<int>{2, 3}));
  EXPECT_EQ(fake->encoded[2].address, others.x.tensor.data);
  // The same memory with a smaller batch.
  for (Tensor *tensor : {&others.x, &others.dt, &others.y})
    tensor->shape[0] = 1;
  ASSERT_TRUE(launch(others).isOk());
  EXPECT_EQ(fake->launches.back().tensorMaps, (std::vector<int>{4, 5}));
  EXPECT_EQ(fake->encoded[4].sizes[3], 1u);
  // All of them are kept.
  ASSERT_TRUE(launch(arguments).isOk());
  EXPECT_EQ(fake->launches.back().tensorMaps, (std::vector<int>{0, 1}));
}

TEST_F(PersistentFunction, OldestMapsAreReplaced) {
  constexpr size_t capacity = mamba::rt::cu::TensorMapCache::capacity;
  ASSERT_TRUE(create().isOk());
  std::vector<std::unique_ptr<SampleArguments>> sets;
  for (size_t i = 0; i < capacity + 1; ++i) {
    sets.push_back(std::make_unique<SampleArguments>(gpu));
    ASSERT_TRUE(launch(*sets.back()).isOk());
  }
  fake->encoded.clear();
  for (size_t i = 1; i < sets.size(); ++i)
    ASSERT_TRUE(launch(*sets[i]).isOk());
  EXPECT_TRUE(fake->encoded.empty());
  ASSERT_TRUE(launch(*sets[0]).isOk());
  EXPECT_EQ(fake->encoded.size(), 2u);
}

TEST_F(PersistentFunction, DriverErrorOfATensorMap) {
  ASSERT_TRUE(create().isOk());
  fake->encodeResult = 1;
  Outcome launched = launch(arguments);
  EXPECT_EQ(launched.code, MAMBA_DEVICE_ERROR);
  EXPECT_EQ(launched.message,
            "launching 'scan': tensor map of 'x': cuTensorMapEncodeTiled "
            "failed: CUDA_ERROR_FAKE (as the test asked)");
  // What failed is not kept.
  fake->encodeResult = 0;
  EXPECT_TRUE(launch(arguments).isOk());
  EXPECT_EQ(fake->count("cuTensorMapEncodeTiled"), 3);
}

TEST_F(PersistentFunction, CheckFindsWhatTensorMapsCannotAddress) {
  ASSERT_TRUE(create().isOk());
  for (Tensor *tensor : {&arguments.x, &arguments.dt, &arguments.y})
    tensor->shape[1] = (int64_t(1) << 32) + 1;
  arguments.x.tensor.data = reinterpret_cast<void *>(uintptr_t(1) << 50);
  arguments.dt.tensor.data = reinterpret_cast<void *>(uintptr_t(1) << 51);
  arguments.y.tensor.data = reinterpret_cast<void *>(uintptr_t(1) << 52);
  EXPECT_EQ(Outcome(mamba_function_check(function, arguments.list, 3)).message,
            "checking 'scan': kernel 'scan_states' would need more than "
            "2147483647 work items, the limit of a grid; split the batch");
  sample.kernels.erase(sample.kernels.begin());
  mamba_function_release(std::exchange(function, nullptr));
  ASSERT_TRUE(
      Outcome(mamba_function_create(module, sample.get(), &function)).isOk());
  EXPECT_EQ(Outcome(mamba_function_check(function, arguments.list, 3)).message,
            "checking 'scan': tensor map of 'x': dimension 1 is 4294967297, at "
            "most 4294967296 is possible");
}

TEST_F(PersistentFunction, GangLargerThanTheDevice) {
  sample.kernels[1].gang = 120;
  Outcome created = create();
  EXPECT_EQ(created.code, MAMBA_UNSUPPORTED);
  EXPECT_EQ(created.message,
            "kernel 'scan_outputs' needs 120 thread blocks that run at the "
            "same time, the device has 108 multiprocessors");
}

TEST_F(PersistentFunction, DriverWithoutTensorMaps) {
  setenv("MAMBA_LIBCUDA_PATH", MAMBA_FAKE_OLD_DRIVER, 1);
  auto library = mamba::rt::DynamicLibrary::open({MAMBA_FAKE_OLD_DRIVER});
  ASSERT_TRUE(library.isOk());
  FakeDriver *(*get)() = nullptr;
  ASSERT_TRUE(library->bind("fakeDriver", get).isOk());
  *get() = *fake;
  Outcome created = create();
  EXPECT_EQ(created.code, MAMBA_UNSUPPORTED);
  EXPECT_EQ(created.message,
            "kernel 'scan_outputs': needs tensor maps, but '" +
                std::string(MAMBA_FAKE_OLD_DRIVER) +
                "' has no function 'cuTensorMapEncodeTiled'; a newer driver is "
                "needed");
  // Plans without them run.
  sample.kernels[1].num_tensor_maps = 0;
  EXPECT_TRUE(
      Outcome(mamba_function_create(module, sample.get(), &function)).isOk());
}

// Threads with different tensors share a cache that is too small for them; each
// must get its own maps.
TEST_F(PersistentFunction, CacheServesManyThreads) {
  using namespace mamba::rt;
  auto driver = cu::Driver::open();
  ASSERT_TRUE(driver.isOk());
  Result<Plan> plan = Plan::copy(sample.get());
  ASSERT_TRUE(plan.isOk());
  // Copies the address, instead of recording the call, which is not safe.
  cu::TensorMapCache cache([](cu::EncodedTensorMap *map, int, uint32_t,
                              void *address, const uint64_t *, const uint64_t *,
                              const uint32_t *, const uint32_t *, int, int, int,
                              int) {
    map->words[0] = reinterpret_cast<uint64_t>(address);
    return cu::success;
  });
  std::array<int, 4> wrong = {};
  std::vector<std::thread> threads;
  threads.reserve(wrong.size());
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 4000; ++i) {
        CheckedArguments checked;
        checked.symbols = {2, 33};
        uint64_t address = 4096 * (1 + t * 8 + i % 8);
        checked.pointers[0] = reinterpret_cast<void *>(address);
        checked.pointers[3] = reinterpret_cast<void *>(address + 64);
        cu::TensorMaps maps;
        Status status =
            cache.get(**driver, *plan, plan->kernels()[1], checked, maps);
        wrong[t] += !status.isOk() || maps[0].words[0] != address ||
                    maps[1].words[0] != address + 64;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, (std::array<int, 4>{}));
}
