// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which flags launches of persistent kernels find.

#include "runtime/cuda/FlagSlots.h"
#include "test/unit/runtime/PersistentFunction.h"

#include <set>
#include <thread>

using namespace mamba::test;
using mamba::rt::cu::FlagSlots;

// 28 sets cut sequences of 27 gangs. The flags are not in the workspace.
TEST_F(PersistentFunction, LaunchesFindTheirFlags) {
  ASSERT_TRUE(create().isOk());
  ASSERT_EQ(fake->memsets.size(), 1u);
  FakeMemset cleared = fake->memsets[0];
  EXPECT_EQ(cleared.value, 0u);
  EXPECT_EQ(cleared.words, FlagSlots::capacity * 1024 / 4);
  // Cleared when `create` returns.
  EXPECT_EQ(fake->calls.back(), "cuStreamSynchronize");
  fake->calls.clear();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(launch(manySets).isOk());
    EXPECT_EQ(fake->launches.back().pointers[4], cleared.address);
    // The other temporary stays where it is.
    EXPECT_EQ(fake->launches.back().pointers[0], workspace.as<char>() + 1024);
  }
  EXPECT_EQ(fake->count("cuMemsetD32Async"), 0);
  EXPECT_EQ(fake->count("cuLaunchKernel"), 6);
}

TEST_F(PersistentFunction, WorkspacesHaveFlagsOfTheirOwn) {
  ASSERT_TRUE(create().isOk());
  auto *first = static_cast<const char *>(fake->memsets[0].address);
  fake->memsets.clear();
  auto launchOn = [&](size_t i) {
    ASSERT_TRUE(launch(manySets, 512 * i).isOk());
  };
  for (int round = 0; round < 2; ++round)
    for (size_t i = 0; i < FlagSlots::capacity; ++i) {
      launchOn(i);
      EXPECT_EQ(fake->launches.back().pointers[4], first + 1024 * i);
    }
  EXPECT_TRUE(fake->memsets.empty());
  // Later ones have those at their start, which are cleared for each launch.
  for (size_t i : {FlagSlots::capacity, FlagSlots::capacity + 1}) {
    launchOn(i);
    char *start = workspace.as<char>() + 512 * i;
    EXPECT_EQ(fake->launches.back().pointers[4], start);
    EXPECT_EQ(fake->memsets.back().address, start);
    EXPECT_EQ(fake->memsets.back().words, 1024u / 4);
    EXPECT_EQ(fake->memsets.back().value, 0u);
    EXPECT_EQ(fake->memsets.back().stream, stream);
  }
  EXPECT_EQ(fake->memsets.size(), 2u);
  launchOn(3);
  EXPECT_EQ(fake->launches.back().pointers[4], first + 1024 * 3);
  EXPECT_EQ(fake->memsets.size(), 2u);
}

// A temporary that is no flags stands between them in the plan; without a slot
// one memset clears both.
TEST_F(PersistentFunction, SeveralFlagsAreSideBySide) {
  sample.params.push_back(sample.params[4]);
  sample.params[4].name = "more flags";
  std::swap(sample.params[2], sample.params[4]);
  sample.kernels.erase(sample.kernels.begin());
  sample.kernels[0].params[4] = 5;
  ASSERT_TRUE(create().isOk());
  ASSERT_EQ(fake->memsets.size(), 1u);
  EXPECT_EQ(fake->memsets[0].words, FlagSlots::capacity * 2048 / 4);
  auto *first = static_cast<const char *>(fake->memsets[0].address);
  for (size_t i = 0; i <= FlagSlots::capacity; ++i) {
    fake->memsets.clear();
    ASSERT_TRUE(launch(manySets, 256 * i).isOk());
    bool hasSlot = i < FlagSlots::capacity;
    const char *flags =
        hasSlot ? first + 2048 * i : workspace.as<char>() + 256 * i;
    EXPECT_EQ(fake->launches.back().pointers[0], flags);        // param 2
    EXPECT_EQ(fake->launches.back().pointers[4], flags + 1024); // param 5
    EXPECT_EQ(fake->memsets.size(), hasSlot ? 0u : 1u);
  }
  EXPECT_EQ(fake->memsets[0].words, 2048u / 4);
}

// Two sets, each walked by one gang from its beginning to its end: no flags are
// relied on, so those of the workspace will do as they are.
TEST_F(PersistentFunction, NothingIsClearedWhereNoSequenceIsCut) {
  ASSERT_TRUE(create().isOk());
  fake->memsets.clear();
  for (size_t i = 0; i <= FlagSlots::capacity; ++i) {
    ASSERT_TRUE(launch(arguments, 256 * i).isOk());
    EXPECT_EQ(fake->launches.back().pointers[4],
              workspace.as<char>() + 256 * i);
  }
  EXPECT_TRUE(fake->memsets.empty());
}

TEST_F(PersistentFunction, FlagsAreFreedWithTheirFunction) {
  ASSERT_TRUE(create().isOk());
  EXPECT_EQ(fake->count("cuMemAlloc"), 1);
  EXPECT_EQ(fake->count("cuMemFree"), 0);
  mamba_function_release(std::exchange(function, nullptr));
  EXPECT_EQ(fake->count("cuMemFree"), 1);
}

TEST_F(PersistentFunction, NoMemoryForFlags) {
  fake->allocResult = 2;
  Outcome created = create();
  EXPECT_EQ(created.code, MAMBA_OUT_OF_MEMORY);
  EXPECT_EQ(created.message,
            "allocating 16384 bytes on 'Fake GPU': cuMemAlloc failed: "
            "CUDA_ERROR_OUT_OF_MEMORY (as the test asked)");
}

TEST_F(PersistentFunction, FlagsBeyondMemory) {
  sample.params[4].rank = 3;
  for (int d = 1; d < 3; ++d)
    sample.params[4].dims[d] = MAMBA_DIM_STATIC(INT64_MAX / 2);
  Outcome created = create();
  EXPECT_EQ(created.code, MAMBA_INVALID_ARGUMENT);
  EXPECT_EQ(created.message, "temporary 'flags': is larger than "
                             "9223372036854775807 bytes");
}

// Threads with other workspaces ask at the same time; each workspace has one
// slot, and no slot two.
TEST_F(PersistentFunction, SlotsServeManyThreads) {
  auto gpu = mamba::rt::cu::GpuDevice::open(0);
  ASSERT_TRUE(gpu.isOk());
  auto slots = FlagSlots::create(*gpu, 256);
  ASSERT_TRUE(slots.isOk());
  constexpr size_t count = FlagSlots::capacity + 4;
  std::array<std::array<void *, count>, 4> found = {};
  std::vector<std::thread> threads;
  threads.reserve(found.size());
  for (auto &own : found)
    threads.emplace_back([&] {
      for (size_t i = 0; i < count; ++i)
        own[i] = (*slots)->find(workspace.as<char>() + 256 * i);
      for (size_t i = 0; i < count; ++i)
        if ((*slots)->find(workspace.as<char>() + 256 * i) != own[i])
          own[i] = workspace.tensor.data;
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const auto &own : found)
    EXPECT_EQ(own, found[0]);
  std::set<void *> distinct(found[0].begin(), found[0].end());
  EXPECT_EQ(distinct.size(), FlagSlots::capacity + 1);
  EXPECT_TRUE(distinct.count(nullptr));
}
