// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The fake driver as a library that the runtime loads, for tests of programs
// above the runtime.

#ifndef MAMBA_TEST_UNIT_RUNTIME_LOADFAKEDRIVER_H
#define MAMBA_TEST_UNIT_RUNTIME_LOADFAKEDRIVER_H

#include "test/unit/runtime/FakeDriver.h"
#include "gtest/gtest.h"

#include <cstdlib>
#include <dlfcn.h>

namespace mamba::test {

/// Lets the runtime take the library at `path` for the driver and returns its
/// state, as new; null, with a failure of the test, if it cannot be loaded.
inline FakeDriver *loadFakeDriver(const char *path) {
  setenv("MAMBA_LIBCUDA_PATH", path, 1);
  void *library = dlopen(path, RTLD_NOW);
  if (!library) {
    ADD_FAILURE() << dlerror();
    return nullptr;
  }
  auto get = reinterpret_cast<FakeDriver *(*)()>(dlsym(library, "fakeDriver"));
  FakeDriver *fake = get();
  *fake = FakeDriver();
  return fake;
}

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_RUNTIME_LOADFAKEDRIVER_H
