// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The driver functions that only tools use: copies within a device, graphs.

#include "runtime/cuda/DriverApi.h"
#include "test/unit/runtime/FakeDriver.h"

using namespace mamba::rt::cu;

extern "C" {

Code cuMemcpyDtoDAsync_v2(DevicePointer, DevicePointer, size_t, Stream) {
  fakeDriver()->calls.push_back("cuMemcpyDtoDAsync");
  return success;
}

Code cuStreamBeginCapture_v2(Stream, int) {
  fakeDriver()->calls.push_back("cuStreamBeginCapture");
  return success;
}

Code cuStreamEndCapture(Stream, void **graph) {
  fakeDriver()->calls.push_back("cuStreamEndCapture");
  *graph = fakeDriver();
  return success;
}

Code cuGraphInstantiateWithFlags(void **executable, void *,
                                 unsigned long long) {
  fakeDriver()->calls.push_back("cuGraphInstantiate");
  *executable = fakeDriver();
  return success;
}

Code cuGraphLaunch(void *, Stream) {
  fakeDriver()->calls.push_back("cuGraphLaunch");
  return success;
}

Code cuGraphDestroy(void *) {
  fakeDriver()->calls.push_back("cuGraphDestroy");
  return success;
}

Code cuGraphExecDestroy(void *) {
  fakeDriver()->calls.push_back("cuGraphExecDestroy");
  return success;
}

} // extern "C"
