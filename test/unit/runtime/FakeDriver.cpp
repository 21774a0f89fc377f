// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/runtime/FakeDriver.h"

#include "runtime/cuda/DriverApi.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>

using namespace mamba::rt::cu;
using mamba::test::FakeDriver;

namespace {

/// Modules may be loaded by several threads at once.
std::mutex loading;

/// Of every allocation, as the driver's.
constexpr std::align_val_t allocationAlignment{256};

FakeDriver &driver() { return *fakeDriver(); }

/// Records the call that the surrounding function stands for.
void saw(const char *call) { driver().calls.push_back(call); }

Context fakeContext() { return reinterpret_cast<Context>(uintptr_t(0xc0)); }

Code writeLog(unsigned count, const int *options, void **values) {
  driver().jitOptions.assign(options, options + count);
  for (unsigned i = 0; i < count; ++i)
    if (options[i] == jitErrorLog)
      std::strcpy(static_cast<char *>(values[i]), driver().jitLog.c_str());
  return driver().loadResult;
}

} // namespace

extern "C" {

FakeDriver *fakeDriver() {
  static FakeDriver instance;
  return &instance;
}

Code cuInit(unsigned) { return driver().initResult; }

Code cuDriverGetVersion(int *version) {
  *version = driver().version;
  return success;
}

Code cuGetErrorName(Code code, const char **name) {
  *name = code == outOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_FAKE";
  return success;
}

Code cuGetErrorString(Code, const char **text) {
  *text = "as the test asked";
  return success;
}

Code cuDeviceGetCount(int *count) {
  *count = driver().deviceCount;
  return success;
}

Code cuDeviceGet(Device *device, int ordinal) {
  *device = ordinal;
  return success;
}

Code cuDeviceGetName(char *name, int bytes, Device) {
  std::strncpy(name, "Fake GPU", static_cast<size_t>(bytes));
  return success;
}

Code cuDeviceGetAttribute(int *value, int attribute, Device) {
  const std::map<int, int> values = {
      {capabilityMajor, driver().capability / 10},
      {capabilityMinor, driver().capability % 10},
      {maxSharedPerBlockOptin, driver().maxShared},
      {multiprocessorCount, 108},
      {maxThreadsPerBlock, 1024},
      {clockRate, 1410000},
      {memoryClockRate, 1215000},
      {memoryBusWidth, 5120}};
  *value = values.at(attribute);
  return success;
}

Code cuDeviceTotalMem_v2(size_t *bytes, Device) {
  *bytes = size_t(40) << 30;
  return success;
}

Code cuDevicePrimaryCtxRetain(Context *context, Device) {
  ++driver().retained;
  *context = fakeContext();
  return success;
}

Code cuDevicePrimaryCtxRelease_v2(Device) {
  --driver().retained;
  return success;
}

Code cuCtxGetCurrent(Context *context) {
  std::lock_guard<std::mutex> lock(loading);
  const auto &stack = driver().contexts;
  *context = stack.empty() ? nullptr : fakeContext();
  return success;
}

Code cuCtxPushCurrent_v2(Context context) {
  std::lock_guard<std::mutex> lock(loading);
  ++driver().pushes;
  driver().contexts.push_back(context);
  return success;
}

Code cuCtxPopCurrent_v2(Context *context) {
  std::lock_guard<std::mutex> lock(loading);
  *context = fakeContext();
  driver().contexts.pop_back();
  return success;
}

Code cuModuleLoadDataEx(Module *module, const void *image, unsigned count,
                        int *options, void **values) {
  std::lock_guard<std::mutex> lock(loading);
  saw("cuModuleLoadDataEx");
  driver().images.push_back(static_cast<const char *>(image));
  Code result = writeLog(count, options, values);
  if (result == success)
    *module = reinterpret_cast<Module>(intptr_t(++driver().loadedModules));
  return result;
}

Code cuModuleUnload(Module) {
  std::lock_guard<std::mutex> lock(loading);
  --driver().loadedModules;
  return success;
}

Code cuModuleGetFunction(Kernel *kernel, Module, const char *name) {
  std::lock_guard<std::mutex> lock(loading);
  auto found = driver().kernels.find(name);
  if (found == driver().kernels.end())
    return notFound;
  // The address of the table's entry serves as the handle.
  *kernel = reinterpret_cast<Kernel>(&*found);
  return success;
}

Code cuFuncGetAttribute(int *value, int attribute, Kernel) {
  std::lock_guard<std::mutex> lock(loading);
  *value = attribute == kernelMaxThreads ? driver().maxThreads
                                         : driver().staticShared;
  return success;
}

using KernelEntry = std::pair<const std::string, mamba::test::FakeArguments>;

Code cuFuncSetAttribute(Kernel kernel, int, int bytes) {
  std::lock_guard<std::mutex> lock(loading);
  driver().dynamicShared[reinterpret_cast<KernelEntry *>(kernel)->first] =
      bytes;
  return success;
}

Code cuLinkCreate_v2(unsigned count, int *options, void **values,
                     LinkState *state) {
  saw("cuLinkCreate");
  writeLog(count, options, values);
  *state = reinterpret_cast<LinkState>(new std::string);
  return success;
}

Code cuLinkAddData_v2(LinkState state, int, void *data, size_t bytes,
                      const char *, unsigned, int *, void **) {
  std::string ptx(static_cast<const char *>(data), bytes - 1);
  *reinterpret_cast<std::string *>(state) = "\x7f"
                                            "ELF of " +
                                            ptx;
  return success;
}

Code cuLinkComplete(LinkState state, void **cubin, size_t *bytes) {
  auto &image = *reinterpret_cast<std::string *>(state);
  *cubin = image.data();
  *bytes = image.size();
  return driver().loadResult;
}

Code cuLinkDestroy(LinkState state) {
  delete reinterpret_cast<std::string *>(state);
  return success;
}

Code cuLaunchKernel(Kernel kernel, unsigned gridX, unsigned, unsigned,
                    unsigned blockX, unsigned, unsigned, unsigned sharedBytes,
                    Stream stream, void **values, void **) {
  saw("cuLaunchKernel");
  auto &[name, counts] = *reinterpret_cast<KernelEntry *>(kernel);
  mamba::test::FakeLaunch launch = {name,   gridX, blockX, sharedBytes,
                                    stream, {},    {},     {}};
  for (int i = 0; i < counts.pointers; ++i)
    launch.pointers.push_back(*static_cast<void **>(*values++));
  for (int i = 0; i < counts.sizes; ++i)
    launch.sizes.push_back(*static_cast<int64_t *>(*values++));
  for (int i = 0; i < counts.tensorMaps; ++i)
    launch.tensorMaps.push_back(
        static_cast<int>(static_cast<EncodedTensorMap *>(*values++)->words[0]));
  driver().launches.push_back(launch);
  if (driver().compute)
    driver().compute(launch);
  return driver().launchResult;
}

Code cuMemAlloc_v2(DevicePointer *pointer, size_t bytes) {
  saw("cuMemAlloc");
  if (driver().allocResult == success)
    *pointer = reinterpret_cast<DevicePointer>(operator new(
        bytes, allocationAlignment));
  return driver().allocResult;
}

Code cuMemFree_v2(DevicePointer pointer) {
  saw("cuMemFree");
  operator delete(reinterpret_cast<void *>(pointer), allocationAlignment);
  return success;
}

Code cuMemcpyHtoD_v2(DevicePointer target, const void *source, size_t bytes) {
  saw("cuMemcpyHtoD");
  std::memcpy(reinterpret_cast<void *>(target), source, bytes);
  return success;
}

Code cuMemcpyDtoH_v2(void *target, DevicePointer source, size_t bytes) {
  saw("cuMemcpyDtoH");
  std::memcpy(target, reinterpret_cast<void *>(source), bytes);
  return success;
}

Code cuMemsetD8_v2(DevicePointer target, unsigned char value, size_t bytes) {
  saw("cuMemsetD8");
  std::memset(reinterpret_cast<void *>(target), value, bytes);
  return success;
}

Code cuMemsetD32Async(DevicePointer target, unsigned value, size_t words,
                      Stream stream) {
  saw("cuMemsetD32Async");
  auto *memory = reinterpret_cast<unsigned *>(target);
  std::fill(memory, memory + words, value);
  driver().memsets.push_back(
      {reinterpret_cast<void *>(target), value, words, stream});
  return success;
}

#ifndef MAMBA_FAKE_DRIVER_WITHOUT_TENSOR_MAPS
// The position in `encoded` stands for the encoded map.
Code cuTensorMapEncodeTiled(EncodedTensorMap *map, int dtype, uint32_t rank,
                            void *address, const uint64_t *sizes,
                            const uint64_t *strides, const uint32_t *box,
                            const uint32_t *steps, int interleave, int swizzle,
                            int promotion, int fill) {
  saw("cuTensorMapEncodeTiled");
  *map = {};
  map->words[0] = driver().encoded.size();
  driver().encoded.push_back({dtype,
                              address,
                              {sizes, sizes + rank},
                              {strides, strides + rank - 1},
                              {box, box + rank},
                              {steps, steps + rank},
                              interleave,
                              swizzle,
                              promotion,
                              fill});
  return driver().encodeResult;
}
#endif

Code cuStreamCreate(Stream *stream, unsigned) {
  *stream = reinterpret_cast<Stream>(uintptr_t(0x57));
  return success;
}

Code cuStreamDestroy_v2(Stream) { return success; }

Code cuStreamSynchronize(Stream) {
  saw("cuStreamSynchronize");
  return success;
}

Code cuEventCreate(Event *event, unsigned) {
  *event = reinterpret_cast<Event>(new void *(nullptr));
  return success;
}

Code cuEventDestroy_v2(Event event) {
  delete reinterpret_cast<void **>(event);
  return success;
}

Code cuEventRecord(Event event, Stream stream) {
  saw("cuEventRecord");
  *reinterpret_cast<void **>(event) = stream;
  return success;
}

Code cuEventSynchronize(Event) {
  saw("cuEventSynchronize");
  return success;
}

Code cuEventElapsedTime(float *milliseconds, Event, Event) {
  *milliseconds = 1.5f;
  return success;
}

} // extern "C"
