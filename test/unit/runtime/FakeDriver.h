// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A library that exports the driver functions the runtime uses, behaves as a
// test tells it to, and records every call.

#ifndef MAMBA_TEST_UNIT_RUNTIME_FAKEDRIVER_H
#define MAMBA_TEST_UNIT_RUNTIME_FAKEDRIVER_H

#include <cstdint>
#include <functional>
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
  std::vector<int> tensorMaps; // positions in FakeDriver::encoded
};

/// The arguments of cuTensorMapEncodeTiled.
struct FakeTensorMap {
  int dtype;
  void *address;
  std::vector<uint64_t> sizes, strides;
  std::vector<uint32_t> box, steps;
  int interleave, swizzle, promotion, fill;
};

/// The arguments of cuMemsetD32Async.
struct FakeMemset {
  const void *address;
  unsigned value;
  size_t words;
  void *stream;
};

/// How many arguments of each kind a kernel takes.
struct FakeArguments {
  int pointers, sizes, tensorMaps = 0;
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
  int encodeResult = 0; // of cuTensorMapEncodeTiled
  std::string jitLog;
  /// Kernels of every module.
  std::map<std::string, FakeArguments> kernels;
  /// What a kernel does; empty: nothing. "Device" memory is the host's.
  std::function<void(const FakeLaunch &)> compute;

  // What it saw.
  std::vector<std::string> calls;
  std::vector<FakeLaunch> launches;
  std::vector<FakeTensorMap> encoded;
  std::vector<FakeMemset> memsets;
  std::vector<std::string> images; // that were loaded
  std::map<std::string, int> dynamicShared;
  std::vector<const void *> contexts; // the stack of current ones
  std::vector<int> jitOptions;        // of the last compilation
  int pushes = 0;                     // of contexts
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
