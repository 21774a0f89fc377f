// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/ArgumentSets.h"
#include "tools/runner/Machine.h"
#include "llvm/Support/MemAlloc.h"

#include <chrono>
#include <cstring>
#include <ctime>

using namespace mlir;

namespace mamba::tools {
namespace {

constexpr size_t alignment = 4096;

class CpuBenchDevice : public BenchDevice {
public:
  explicit CpuBenchDevice(unsigned threads) : threads(threads) {}

  std::string describe() const override {
    return "the CPU (" + codegen::getHostCpuTarget().cpu + ", " +
           std::to_string(countThreads()) + " threads)";
  }
  const Target &getTarget() const override { return *lookupTarget("cpu"); }
  DLDevice getDLDevice() const override { return {kDLCPU, 0}; }

  llvm::Expected<DeviceMemory> allocate(size_t bytes) override {
    auto *data = static_cast<char *>(llvm::allocate_buffer(bytes, alignment));
    return DeviceMemory(data, [bytes](char *address) {
      llvm::deallocate_buffer(address, bytes, alignment);
    });
  }
  llvm::Error upload(char *target, const char *source, size_t bytes) override {
    std::memcpy(target, source, bytes);
    return llvm::Error::success();
  }
  llvm::Error download(char *target, const char *source,
                       size_t bytes) override {
    return upload(target, source, bytes);
  }

  llvm::Expected<BenchRates> measureRates() override {
    MachineLimits limits = measureCpu(countThreads());
    return BenchRates{limits.bytesPerSecond, limits.flopsPerSecond,
                      "memcpy and f32 multiply-adds on all threads"};
  }
  llvm::Expected<Measurement> time(const BenchFunction &function,
                                   const ArgumentSets &sets,
                                   unsigned count) override;

protected:
  unsigned getThreads() const override { return threads; }
  llvm::Error bind(BenchFunction &function) override;

private:
  unsigned countThreads() const {
    return llvm::hardware_concurrency(threads).compute_thread_count();
  }

  unsigned threads;
};

} // namespace

llvm::Error CpuBenchDevice::bind(BenchFunction &function) {
  mamba_function *handle = nullptr;
  llvm::Error error = takeError(mamba_function_create_cpu(
      &function.code->getPlan(), function.code->getCpu()->getKernels().data(),
      &handle));
  function.handle.reset(handle);
  return error;
}

llvm::Expected<Measurement> CpuBenchDevice::time(const BenchFunction &function,
                                                 const ArgumentSets &sets,
                                                 unsigned count) {
  using Clock = std::chrono::steady_clock;
  auto workspace = allocateWorkspace(function, sets);
  if (!workspace)
    return workspace.takeError();
  Measurement measurement;
  std::vector<double> hostSeconds;
  for (unsigned i = 0; i <= count; ++i) {
    ArrayRef<const DLTensor *> arguments = sets.get(i);
    std::clock_t used = std::clock();
    Clock::time_point start = Clock::now();
    if (llvm::Error error = takeError(mamba_function_launch_cpu(
            function.handle.get(), arguments.data(), arguments.size(),
            workspace->first.get(), workspace->second,
            codegen::CpuExecutable::parallelFor, function.code->getCpu())))
      return error;
    std::chrono::duration<double> elapsed = Clock::now() - start;
    if (i == 0)
      continue;
    measurement.seconds.push_back(elapsed.count());
    hostSeconds.push_back(double(std::clock() - used) / CLOCKS_PER_SEC);
  }
  measurement.hostSeconds = getMedian(std::move(hostSeconds));
  return measurement;
}

std::unique_ptr<BenchDevice> createCpuBenchDevice(unsigned threads) {
  return std::make_unique<CpuBenchDevice>(threads);
}

} // namespace mamba::tools
