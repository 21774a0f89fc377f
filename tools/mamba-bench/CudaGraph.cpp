// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/CudaGraph.h"

using namespace mamba::rt;
using namespace mamba::rt::cu;

namespace mamba::tools {

/// The part of the driver's interface that the runtime does not need. Names
/// and argument lists are those of the CUDA Driver API reference, version 12.0.
struct CudaGraph::Api {
  explicit Api(DynamicLibrary library) : library(std::move(library)) {}

  Status bind() {
    Status status = library.bind("cuStreamBeginCapture_v2", beginCapture);
    auto add = [&](const char *name, auto *&function) {
      if (status.isOk())
        status = library.bind(name, function);
    };
    add("cuStreamEndCapture", endCapture);
    add("cuGraphInstantiateWithFlags", instantiate);
    add("cuGraphLaunch", launch);
    add("cuGraphDestroy", destroyGraph);
    add("cuGraphExecDestroy", destroyExecutable);
    return status;
  }

  DynamicLibrary library;
  Code (*beginCapture)(Stream, int mode) = nullptr;
  Code (*endCapture)(Stream, GraphRecord **) = nullptr;
  Code (*instantiate)(GraphExecRecord **, GraphRecord *,
                      unsigned long long flags) = nullptr;
  Code (*launch)(GraphExecRecord *, Stream) = nullptr;
  Code (*destroyGraph)(GraphRecord *) = nullptr;
  Code (*destroyExecutable)(GraphExecRecord *) = nullptr;
};

// CUstreamCaptureMode
static constexpr int captureThreadLocal = 1;

CudaGraph::CudaGraph(std::unique_ptr<Api> api, const Driver &driver,
                     Stream stream)
    : api(std::move(api)), driver(driver), stream(stream) {}

CudaGraph::CudaGraph(CudaGraph &&other) noexcept = default;

CudaGraph::~CudaGraph() {
  if (!api) // Moved away.
    return;
  if (executable)
    api->destroyExecutable(executable);
  if (graph)
    api->destroyGraph(graph);
}

Result<CudaGraph> CudaGraph::capture(const GpuDevice &device, Stream stream,
                                     const std::function<Status()> &enqueue) {
  auto library = DynamicLibrary::open(
      libraryCandidates("MAMBA_LIBCUDA_PATH", {"libcuda.so.1"}, {}));
  if (!library.isOk())
    return library.takeStatus();
  auto api = std::make_unique<Api>(std::move(*library));
  Status status = api->bind();
  if (!status.isOk())
    return status;
  CudaGraph graph(std::move(api), device.driver(), stream);
  status =
      graph.driver.check(graph.api->beginCapture(stream, captureThreadLocal),
                         "cuStreamBeginCapture");
  if (!status.isOk())
    return status;
  status = enqueue();
  // Ends the capture in any case; what went wrong first is what is said.
  Status finished = graph.finish();
  if (status.isOk())
    status = std::move(finished);
  if (!status.isOk())
    return status;
  return graph;
}

Status CudaGraph::finish() {
  Status status =
      driver.check(api->endCapture(stream, &graph), "cuStreamEndCapture");
  if (!status.isOk())
    return status;
  return driver.check(api->instantiate(&executable, graph, /*flags=*/0),
                      "cuGraphInstantiate");
}

Status CudaGraph::launch() const {
  return driver.check(api->launch(executable, stream), "cuGraphLaunch");
}

} // namespace mamba::tools
