// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A library that exports the driver functions the runtime uses, behaves as a
// test tells it to, and records every call.

#ifndef MAMBA_TEST_UNIT_RUNTIME_FAKEDRIVER_H
#define MAMBA_TEST_UNIT_RUNTIME_FAKEDRIVER_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mamba::test {

struct FakeLaunch {
  std::string kernel;
  unsigned grid, block, sharedBytes;
  void *stream;
  std::vector<void *> pointers;
  std::vector<int64_t> sizes;
};

struct FakeDriver {
  // How it behaves.
  int version = 12040;
  int deviceCount = 1;
  int capability = 80;
  int maxShared = 166912;
  int staticShared = 0;
  int maxThreads = 1024;
  int initResult = 0;
  int loadResult = 0;   // of cuModuleLoadDataEx and cuLinkComplete
  int launchResult = 0; // of cuLaunchKernel
  int allocResult = 0;  // of cuMemAlloc
  std::string jitLog;
  /// Kernel names of every module; for each, how many pointers and sizes a
  /// launch passes.
  std::map<std::string, std::pair<int, int>> kernels;

  // What it saw.
  std::vector<std::string> calls;
  std::vector<FakeLaunch> launches;
  std::vector<std::string> images; // that were loaded
  std::map<std::string, int> dynamicShared;
  std::vector<const void *> contexts; // the stack of current ones
  int retained = 0;
  int loadedModules = 0;

  int count(const std::string &call) const {
    int number = 0;
    for (const std::string &seen : calls)
      number += seen == call;
    return number;
  }
};

} // namespace mamba::test

/// The one driver in the library that exports this.
extern "C" mamba::test::FakeDriver *fakeDriver();

#endif // MAMBA_TEST_UNIT_RUNTIME_FAKEDRIVER_H
