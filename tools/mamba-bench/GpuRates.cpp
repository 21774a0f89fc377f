// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/GpuRates.h"

#include "runtime/cuda/Memory.h"
#include "tools/mamba-bench/BenchDevice.h"
#include "tools/support/Float16.h"

#include <random>

using namespace mamba::rt;
using namespace mamba::rt::cu;

namespace mamba::tools {
namespace {

constexpr unsigned warmUps = 3, launches = 20;
constexpr size_t patternElements = 1048583; // A prime number.

struct TimerDeleter {
  void operator()(mamba_timer *timer) const { mamba_timer_release(timer); }
};
using TimerHandle = std::unique_ptr<mamba_timer, TimerDeleter>;

/// The functions of cuBLAS that are called; all return 0 on success.
struct Cublas {
  using Handle = struct CublasRecord *;

  int (*create)(Handle *) = nullptr;
  int (*destroy)(Handle) = nullptr;
  int (*setStream)(Handle, Stream) = nullptr;
  int (*gemmEx)(Handle, int transA, int transB, int m, int n, int k,
                const void *alpha, const void *a, int typeA, int lda,
                const void *b, int typeB, int ldb, const void *beta, void *c,
                int typeC, int ldc, int computeType, int algorithm) = nullptr;

  Status bind(const DynamicLibrary &library) {
    Status status = library.bind("cublasCreate_v2", create);
    if (status.isOk())
      status = library.bind("cublasDestroy_v2", destroy);
    if (status.isOk())
      status = library.bind("cublasSetStream_v2", setStream);
    if (status.isOk())
      status = library.bind("cublasGemmEx", gemmEx);
    return status;
  }
};

// cudaDataType_t, cublasOperation_t, cublasComputeType_t, cublasGemmAlgo_t
constexpr int typeBf16 = 14, noTranspose = 0, computeF32 = 68;
constexpr int defaultAlgorithm = -1;

Status checkCublas(int result, const char *call) {
  if (result == 0)
    return {};
  return error(MAMBA_DEVICE_ERROR, call, " failed with status ", result);
}

} // namespace

Status adoptStatus(mamba_status *status) {
  if (!status)
    return {};
  Status result(mamba_status_get_code(status), mamba_status_message(status));
  mamba_status_free(status);
  return result;
}

Result<std::vector<double>>
timeOnStream(mamba_device *device, Stream stream, unsigned warmUp,
             unsigned count, const std::function<Status(unsigned)> &launch) {
  std::vector<TimerHandle> timers;
  for (unsigned i = 0; i < count; ++i) {
    mamba_timer *timer = nullptr;
    if (Status status = adoptStatus(mamba_timer_create(device, &timer));
        !status.isOk())
      return status;
    timers.emplace_back(timer);
  }
  // More would fill the queue, and launches would wait for it.
  constexpr unsigned maxQueued = 128;
  double milliseconds = 0;
  for (unsigned i = 0; i < warmUp + count; ++i) {
    mamba_timer *timer = i < warmUp ? nullptr : timers[i - warmUp].get();
    Status status;
    if (timer)
      status = adoptStatus(mamba_timer_start(timer, stream));
    if (status.isOk())
      status = launch(i);
    if (timer && status.isOk())
      status = adoptStatus(mamba_timer_stop(timer, stream));
    if (timer && status.isOk() && i % maxQueued == 0)
      status = adoptStatus(mamba_timer_elapsed_ms(timer, &milliseconds));
    if (!status.isOk())
      return status;
  }
  std::vector<double> seconds;
  for (const TimerHandle &timer : timers) {
    Status status =
        adoptStatus(mamba_timer_elapsed_ms(timer.get(), &milliseconds));
    if (!status.isOk())
      return status;
    seconds.push_back(milliseconds * 1e-3);
  }
  return seconds;
}

Result<double> measureCopyRate(const GpuDevice &device, mamba_device *handle,
                               Stream stream) {
  constexpr size_t bytes = size_t(1) << 30;
  // Not one of the functions that the runtime needs.
  auto library = DynamicLibrary::open(
      libraryCandidates("MAMBA_LIBCUDA_PATH", {"libcuda.so.1"}, {}));
  if (!library.isOk())
    return library.takeStatus();
  Code (*copy)(DevicePointer, DevicePointer, size_t, Stream) = nullptr;
  Status status = library->bind("cuMemcpyDtoDAsync_v2", copy);
  if (!status.isOk())
    return status;
  auto shared = device.shared_from_this();
  auto source = DeviceBuffer::allocate(shared, bytes);
  if (!source.isOk())
    return source.takeStatus();
  auto target = DeviceBuffer::allocate(shared, bytes);
  if (!target.isOk())
    return target.takeStatus();
  auto seconds = timeOnStream(handle, stream, warmUps, launches, [&](unsigned) {
    return device.driver().check(
        copy(reinterpret_cast<DevicePointer>(target->data()),
             reinterpret_cast<DevicePointer>(source->data()), bytes, stream),
        "cuMemcpyDtoDAsync");
  });
  if (!seconds.isOk())
    return seconds.takeStatus();
  return 2 * bytes / getMedian(std::move(*seconds));
}

/// Times the product with a handle of cuBLAS.
static Result<double> timeProduct(const Cublas &cublas, Cublas::Handle handle,
                                  const GpuDevice &device, mamba_device *timing,
                                  Stream stream) {
  constexpr int size = 8192;
  constexpr size_t elements = size_t(size) * size;
  // Random numbers, of which a million different ones are enough.
  std::vector<uint16_t> values(elements);
  std::minstd_rand generator;
  std::normal_distribution<double> normal;
  for (size_t i = 0; i < elements; ++i)
    values[i] = i < patternElements ? Bfloat16::fromDouble(normal(generator))
                                    : values[i - patternElements];
  std::vector<DeviceBuffer> matrices;
  for (int i = 0; i < 3; ++i) {
    auto buffer = DeviceBuffer::allocate(device.shared_from_this(),
                                         elements * sizeof(uint16_t));
    if (!buffer.isOk())
      return buffer.takeStatus();
    Status status = buffer->upload(values.data(), buffer->size());
    if (!status.isOk())
      return status;
    matrices.push_back(std::move(*buffer));
  }
  Status status =
      checkCublas(cublas.setStream(handle, stream), "cublasSetStream");
  if (!status.isOk())
    return status;
  float one = 1, zero = 0;
  auto seconds = timeOnStream(timing, stream, warmUps, launches, [&](unsigned) {
    return checkCublas(
        cublas.gemmEx(handle, noTranspose, noTranspose, size, size, size, &one,
                      matrices[0].data(), typeBf16, size, matrices[1].data(),
                      typeBf16, size, &zero, matrices[2].data(), typeBf16, size,
                      computeF32, defaultAlgorithm),
        "cublasGemmEx");
  });
  if (!seconds.isOk())
    return seconds.takeStatus();
  return 2.0 * size * elements / getMedian(std::move(*seconds));
}

Result<double> measureMatmulRate(const GpuDevice &device, mamba_device *handle,
                                 Stream stream) {
  auto library = DynamicLibrary::open(libraryCandidates(
      "MAMBA_CUBLAS_PATH", {"libcublas.so.13", "libcublas.so.12"},
      toolkitDirectories({"cu13", "cublas"})));
  if (!library.isOk())
    return error(MAMBA_UNAVAILABLE, "cuBLAS was not found");
  Cublas cublas;
  Status status = cublas.bind(*library);
  if (!status.isOk())
    return status;
  Cublas::Handle blas = nullptr;
  status = checkCublas(cublas.create(&blas), "cublasCreate");
  if (!status.isOk())
    return status;
  Result<double> rate = timeProduct(cublas, blas, device, handle, stream);
  cublas.destroy(blas);
  return rate;
}

} // namespace mamba::tools
