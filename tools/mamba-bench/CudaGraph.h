// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Work that was captured from a stream and is launched as a whole.

#pragma once

#include "runtime/cuda/Device.h"

#include <functional>

namespace mamba::tools {

class CudaGraph {
public:
  /// Captures what `enqueue` puts on `stream`. MAMBA_UNSUPPORTED if the driver
  /// has no graphs. The device's context is current and outlives the graph.
  static rt::Result<CudaGraph>
  capture(const rt::cu::GpuDevice &device, rt::cu::Stream stream,
          const std::function<rt::Status()> &enqueue);

  CudaGraph(CudaGraph &&other) noexcept;
  CudaGraph &operator=(CudaGraph &&) = delete;
  ~CudaGraph();

  /// Launches the graph on the stream that it was captured from.
  rt::Status launch() const;

private:
  struct Api;

  CudaGraph(std::unique_ptr<Api> api, const rt::cu::Driver &driver,
            rt::cu::Stream stream);

  rt::Status finish();

  std::unique_ptr<Api> api;
  const rt::cu::Driver &driver;
  rt::cu::Stream stream;
  struct GraphRecord *graph = nullptr;
  struct GraphExecRecord *executable = nullptr;
};

} // namespace mamba::tools
