// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Timer.h"

using namespace mamba::rt;
using namespace mamba::rt::cu;

Result<std::unique_ptr<Timer>>
Timer::create(std::shared_ptr<const GpuDevice> device) {
  std::unique_ptr<Timer> timer(new Timer(std::move(device)));
  ContextScope scope(*timer->device);
  Status status = scope.takeStatus();
  const Driver &driver = timer->device->driver();
  for (Event *event : {&timer->startEvent, &timer->stopEvent})
    if (status.isOk())
      status =
          driver.check(driver.eventCreate(event, /*flags=*/0), "cuEventCreate");
  if (!status.isOk())
    return status;
  return timer;
}

Timer::~Timer() {
  ContextScope scope(*device);
  if (!scope.takeStatus().isOk())
    return;
  for (Event event : {startEvent, stopEvent})
    if (event)
      device->driver().eventDestroy(event);
}

Status Timer::record(Event event, Stream stream) {
  ContextScope scope(*device);
  Status status = scope.takeStatus();
  if (!status.isOk())
    return status;
  return device->driver().check(device->driver().eventRecord(event, stream),
                                "cuEventRecord");
}

Status Timer::start(Stream stream) {
  stopped = false;
  return record(startEvent, stream);
}

Status Timer::stop(Stream stream) {
  Status status = record(stopEvent, stream);
  stopped = status.isOk();
  return status;
}

Result<double> Timer::elapsedMilliseconds() {
  if (!stopped)
    return error(MAMBA_INVALID_ARGUMENT, "the timer was not stopped");
  ContextScope scope(*device);
  Status status = scope.takeStatus();
  const Driver &driver = device->driver();
  float milliseconds = 0;
  if (status.isOk())
    status =
        driver.check(driver.eventSynchronize(stopEvent), "cuEventSynchronize");
  if (status.isOk())
    status = driver.check(
        driver.eventElapsedTime(&milliseconds, startEvent, stopEvent),
        "cuEventElapsedTime");
  if (!status.isOk())
    return status;
  return milliseconds;
}
