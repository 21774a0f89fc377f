// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The part of the CUDA driver's C ABI that the runtime calls, so that neither
// building nor loading it needs the CUDA toolkit. Names, numbers and argument
// lists are those of the CUDA Driver API reference, version 12.0.

#ifndef MAMBA_RUNTIME_CUDA_DRIVERAPI_H
#define MAMBA_RUNTIME_CUDA_DRIVERAPI_H

#include <cstddef>
#include <cstdint>

namespace mamba::rt::cu {

using Code = int;
using Device = int;
using DevicePointer = unsigned long long;
using Context = struct ContextRecord *;
using Module = struct ModuleRecord *;
using Kernel = struct KernelRecord *;
using Stream = struct StreamRecord *;
using Event = struct EventRecord *;
using LinkState = struct LinkRecord *;

// CUresult
constexpr Code success = 0;
constexpr Code outOfMemory = 2;
constexpr Code stubLibrary = 34;
constexpr Code noDevice = 100;
constexpr Code noBinaryForGpu = 209;
constexpr Code invalidPtx = 218;
constexpr Code jitCompilerNotFound = 221;
constexpr Code unsupportedPtxVersion = 222;
constexpr Code invalidSource = 300;
constexpr Code notFound = 500;

// CUdevice_attribute
constexpr int maxThreadsPerBlock = 1;
constexpr int clockRate = 13;
constexpr int multiprocessorCount = 16;
constexpr int memoryClockRate = 36;
constexpr int memoryBusWidth = 37;
constexpr int capabilityMajor = 75;
constexpr int capabilityMinor = 76;
constexpr int maxSharedPerBlockOptin = 97;

// CUfunction_attribute
constexpr int kernelMaxThreads = 0;
constexpr int kernelStaticShared = 1;
constexpr int kernelMaxDynamicShared = 8;

// CUjit_option, CUjitInputType
constexpr int jitInfoLog = 3;
constexpr int jitInfoLogBytes = 4;
constexpr int jitErrorLog = 5;
constexpr int jitErrorLogBytes = 6;
constexpr int jitSplitCompile = 34;
constexpr int inputPtx = 1;

/// CUtensorMap: opaque, passed to kernels by value.
struct alignas(64) EncodedTensorMap {
  uint64_t words[16];
};

// CUtensorMapDataType
constexpr int tensorMapF16 = 6;
constexpr int tensorMapBf16 = 9;
// CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion,
// CUtensorMapFloatOOBfill
constexpr int tensorMapInterleaveNone = 0;
constexpr int tensorMapSwizzle128 = 3;
constexpr int tensorMapPromotion128 = 2;
constexpr int tensorMapFillZero = 0;

} // namespace mamba::rt::cu

/// Every driver function always needed: X(member, exported name, argument
/// types). All return CUresult.
#define MAMBA_CUDA_DRIVER_FUNCTIONS(X)                                         \
  X(init, "cuInit", (unsigned))                                                \
  X(driverGetVersion, "cuDriverGetVersion", (int *))                           \
  X(getErrorName, "cuGetErrorName", (Code, const char **))                     \
  X(getErrorString, "cuGetErrorString", (Code, const char **))                 \
  X(deviceGetCount, "cuDeviceGetCount", (int *))                               \
  X(deviceGet, "cuDeviceGet", (Device *, int))                                 \
  X(deviceGetName, "cuDeviceGetName", (char *, int, Device))                   \
  X(deviceGetAttribute, "cuDeviceGetAttribute", (int *, int, Device))          \
  X(deviceTotalMem, "cuDeviceTotalMem_v2", (size_t *, Device))                 \
  X(primaryCtxRetain, "cuDevicePrimaryCtxRetain", (Context *, Device))         \
  X(primaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (Device))               \
  X(ctxGetCurrent, "cuCtxGetCurrent", (Context *))                             \
  X(ctxPushCurrent, "cuCtxPushCurrent_v2", (Context))                          \
  X(ctxPopCurrent, "cuCtxPopCurrent_v2", (Context *))                          \
  X(moduleLoadDataEx, "cuModuleLoadDataEx",                                    \
    (Module *, const void *, unsigned, int *, void **))                        \
  X(moduleUnload, "cuModuleUnload", (Module))                                  \
  X(moduleGetFunction, "cuModuleGetFunction",                                  \
    (Kernel *, Module, const char *))                                          \
  X(funcGetAttribute, "cuFuncGetAttribute", (int *, int, Kernel))              \
  X(funcSetAttribute, "cuFuncSetAttribute", (Kernel, int, int))                \
  X(linkCreate, "cuLinkCreate_v2", (unsigned, int *, void **, LinkState *))    \
  X(linkAddData, "cuLinkAddData_v2",                                           \
    (LinkState, int, void *, size_t, const char *, unsigned, int *, void **))  \
  X(linkComplete, "cuLinkComplete", (LinkState, void **, size_t *))            \
  X(linkDestroy, "cuLinkDestroy", (LinkState))                                 \
  X(launchKernel, "cuLaunchKernel",                                            \
    (Kernel, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,       \
     unsigned, Stream, void **, void **))                                      \
  X(memAlloc, "cuMemAlloc_v2", (DevicePointer *, size_t))                      \
  X(memFree, "cuMemFree_v2", (DevicePointer))                                  \
  X(memcpyToDevice, "cuMemcpyHtoD_v2", (DevicePointer, const void *, size_t))  \
  X(memcpyToHost, "cuMemcpyDtoH_v2", (void *, DevicePointer, size_t))          \
  X(memset, "cuMemsetD8_v2", (DevicePointer, unsigned char, size_t))           \
  X(memsetWordsAsync, "cuMemsetD32Async",                                      \
    (DevicePointer, unsigned, size_t, Stream))                                 \
  X(streamCreate, "cuStreamCreate", (Stream *, unsigned))                      \
  X(streamDestroy, "cuStreamDestroy_v2", (Stream))                             \
  X(streamSynchronize, "cuStreamSynchronize", (Stream))                        \
  X(eventCreate, "cuEventCreate", (Event *, unsigned))                         \
  X(eventDestroy, "cuEventDestroy_v2", (Event))                                \
  X(eventRecord, "cuEventRecord", (Event, Stream))                             \
  X(eventSynchronize, "cuEventSynchronize", (Event))                           \
  X(eventElapsedTime, "cuEventElapsedTime", (float *, Event, Event))

/// Functions that only some plans need: null where the driver lacks them.
#define MAMBA_CUDA_OPTIONAL_FUNCTIONS(X)                                       \
  X(tensorMapEncodeTiled, "cuTensorMapEncodeTiled",                            \
    (EncodedTensorMap *, int, uint32_t, void *, const uint64_t *,              \
     const uint64_t *, const uint32_t *, const uint32_t *, int, int, int,      \
     int))

#endif // MAMBA_RUNTIME_CUDA_DRIVERAPI_H
