// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The first GPU: functions go through the C interface of the runtime, as an
// application's would; memory and streams are the tools'.

#include "runtime/cuda/Memory.h"
#include "tools/mamba-bench/ArgumentSets.h"
#include "tools/mamba-bench/CudaGraph.h"
#include "tools/mamba-bench/GpuRates.h"
#include "tools/runner/Backends.h"

#include <chrono>

using namespace mlir;

namespace mamba::tools {
namespace {

constexpr unsigned warmUps = 5;
/// Launches in a graph, at least, and how often the graph is launched.
constexpr unsigned graphLaunches = 16, graphRepeats = 7;
/// Launches that are timed on the host, so many behind one another.
constexpr unsigned hostRepeats = 96, hostLaunches = 8;

using DeviceHandle = std::unique_ptr<mamba_device, void (*)(mamba_device *)>;

class GpuBenchDevice : public BenchDevice {
public:
  GpuBenchDevice(std::shared_ptr<rt::cu::GpuDevice> device, DeviceHandle handle,
                 std::unique_ptr<rt::cu::OwnedStream> stream,
                 const Target &target)
      : device(std::move(device)), handle(std::move(handle)),
        stream(std::move(stream)), target(target), context(*this->device) {}

  std::string describe() const override {
    return std::string(device->info().name) + " (code for " +
           target.name.str() + ", driver for CUDA " +
           rt::cu::versionText(device->driver().version()) + ")";
  }
  const Target &getTarget() const override { return target; }
  DLDevice getDLDevice() const override {
    return {kDLCUDA, device->info().ordinal};
  }

  llvm::Expected<DeviceMemory> allocate(size_t bytes) override;
  llvm::Error upload(char *to, const char *from, size_t bytes) override {
    const rt::cu::Driver &driver = device->driver();
    return toError(driver.check(
        driver.memcpyToDevice(reinterpret_cast<rt::cu::DevicePointer>(to), from,
                              bytes),
        "cuMemcpyHtoD"));
  }
  llvm::Error download(char *to, const char *from, size_t bytes) override {
    const rt::cu::Driver &driver = device->driver();
    return toError(driver.check(
        driver.memcpyToHost(to, reinterpret_cast<rt::cu::DevicePointer>(from),
                            bytes),
        "cuMemcpyDtoH"));
  }

  llvm::Expected<BenchRates> measureRates() override;
  llvm::Expected<Measurement> time(const BenchFunction &function,
                                   const ArgumentSets &sets,
                                   unsigned count) override;

protected:
  llvm::Error bind(BenchFunction &function) override;

private:
  std::shared_ptr<rt::cu::GpuDevice> device;
  DeviceHandle handle;
  std::unique_ptr<rt::cu::OwnedStream> stream;
  const Target &target;
  rt::cu::ContextScope context; ///< Current for the whole run.
};

} // namespace

llvm::Expected<DeviceMemory> GpuBenchDevice::allocate(size_t bytes) {
  auto buffer = rt::cu::DeviceBuffer::allocate(device, bytes);
  if (!buffer.isOk())
    return toError(buffer.status());
  auto owned = std::make_shared<rt::cu::DeviceBuffer>(std::move(*buffer));
  // The deleter owns the buffer and frees it when it is destroyed itself.
  return DeviceMemory(static_cast<char *>(owned->data()),
                      [owned](char *) mutable { owned.reset(); });
}

llvm::Error GpuBenchDevice::bind(BenchFunction &function) {
  mamba_module *module = nullptr;
  StringRef ptx = function.code->getPtx();
  if (llvm::Error error =
          takeError(mamba_module_load(handle.get(), ptx.data(), ptx.size(),
                                      /*options=*/nullptr, &module)))
    return error;
  mamba_function *bound = nullptr;
  llvm::Error error = takeError(
      mamba_function_create(module, &function.code->getPlan(), &bound));
  mamba_module_release(module);
  function.handle.reset(bound);
  return error;
}

llvm::Expected<BenchRates> GpuBenchDevice::measureRates() {
  BenchRates rates;
  auto copy = measureCopyRate(*device, handle.get(), stream->get());
  if (!copy.isOk())
    return toError(copy.status());
  rates.bytesPerSecond = *copy;
  rates.source = "copies of 1 GiB by the driver";
  auto matmul = measureMatmulRate(*device, handle.get(), stream->get());
  if (matmul.isOk()) {
    rates.flopsPerSecond = *matmul;
    rates.source += ", bf16 products of 8192 x 8192 by cuBLAS";
  } else {
    rates.source +=
        "; no matmul rate: " + std::string(matmul.status().message());
  }
  return rates;
}

llvm::Expected<Measurement> GpuBenchDevice::time(const BenchFunction &function,
                                                 const ArgumentSets &sets,
                                                 unsigned count) {
  using Clock = std::chrono::steady_clock;
  auto workspace = allocateWorkspace(function, sets);
  if (!workspace)
    return workspace.takeError();
  auto launch = [&](unsigned i) {
    ArrayRef<const DLTensor *> arguments = sets.get(i);
    return adoptStatus(mamba_function_launch(
        function.handle.get(), arguments.data(), arguments.size(),
        workspace->first.get(), workspace->second, stream->get()));
  };
  auto seconds =
      timeOnStream(handle.get(), stream->get(), warmUps, count, launch);
  if (!seconds.isOk())
    return toError(seconds.status());
  Measurement measurement;
  measurement.seconds = std::move(*seconds);

  // What a launch costs the host, without events between launches; the stream
  // is idle in front of every few of them, so that its queue does not fill.
  std::vector<double> hostSeconds;
  for (unsigned i = 0; i < hostRepeats; ++i) {
    if (i % hostLaunches == 0)
      if (rt::Status status = stream->synchronize(); !status.isOk())
        return toError(status);
    Clock::time_point start = Clock::now();
    rt::Status status = launch(i);
    std::chrono::duration<double> elapsed = Clock::now() - start;
    if (!status.isOk())
      return toError(status);
    hostSeconds.push_back(elapsed.count());
  }
  measurement.hostSeconds = getMedian(std::move(hostSeconds));

  // The same inside a graph, where the host does nothing between launches.
  unsigned inGraph = llvm::alignTo(graphLaunches, sets.size());
  auto graph = CudaGraph::capture(*device, stream->get(), [&] {
    rt::Status status;
    for (unsigned i = 0; i < inGraph && status.isOk(); ++i)
      status = launch(i);
    return status;
  });
  if (graph.status().code() == MAMBA_UNSUPPORTED)
    return measurement;
  if (!graph.isOk())
    return toError(graph.status());
  seconds =
      timeOnStream(handle.get(), stream->get(), /*warmUp=*/1, graphRepeats,
                   [&](unsigned) { return graph->launch(); });
  if (!seconds.isOk())
    return toError(seconds.status());
  measurement.graphSeconds = getMedian(std::move(*seconds)) / inGraph;
  return measurement;
}

llvm::Expected<std::unique_ptr<BenchDevice>>
createGpuBenchDevice(const Target *target) {
  auto device = rt::cu::GpuDevice::open(/*ordinal=*/0);
  if (!device.isOk())
    return toError(device.status());
  if (!target) {
    auto chosen = chooseGpuTarget((*device)->info());
    if (!chosen)
      return chosen.takeError();
    target = *chosen;
  }
  mamba_device *opened = nullptr;
  if (llvm::Error error = takeError(mamba_device_open(/*ordinal=*/0, &opened)))
    return error;
  DeviceHandle handle(opened, mamba_device_release);
  auto stream = rt::cu::OwnedStream::create(*device);
  if (!stream.isOk())
    return toError(stream.status());
  return std::make_unique<GpuBenchDevice>(*device, std::move(handle),
                                          std::move(*stream), *target);
}

} // namespace mamba::tools
