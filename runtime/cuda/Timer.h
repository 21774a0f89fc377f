// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_CUDA_TIMER_H
#define MAMBA_RUNTIME_CUDA_TIMER_H

#include "runtime/cuda/Device.h"

namespace mamba::rt::cu {

/// Device time between two points of a stream, by CUDA events.
class Timer {
public:
  static Result<std::unique_ptr<Timer>>
  create(std::shared_ptr<const GpuDevice> device);
  ~Timer();

  Timer(const Timer &) = delete;
  Timer &operator=(const Timer &) = delete;

  Status start(Stream stream);
  Status stop(Stream stream);

  /// Waits for the stop point. MAMBA_INVALID_ARGUMENT before `stop`.
  Result<double> elapsedMilliseconds();

private:
  explicit Timer(std::shared_ptr<const GpuDevice> device)
      : device(std::move(device)) {}

  Status record(Event event, Stream stream);

  std::shared_ptr<const GpuDevice> device;
  Event startEvent = nullptr;
  Event stopEvent = nullptr;
  bool stopped = false;
};

} // namespace mamba::rt::cu

#endif // MAMBA_RUNTIME_CUDA_TIMER_H
