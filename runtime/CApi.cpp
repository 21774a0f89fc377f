// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The exported C functions: handles around the C++ classes.

#include "runtime/DiskCache.h"
#include "runtime/cpu/CpuFunction.h"
#include "runtime/cuda/GpuFunction.h"
#include "runtime/cuda/Timer.h"

using namespace mamba::rt;

struct mamba_device {
  std::shared_ptr<cu::GpuDevice> impl;
};

struct mamba_module {
  std::shared_ptr<cu::LoadedModule> impl;
};

/// Exactly one of the two is set.
struct mamba_function {
  std::optional<cu::GpuFunction> gpu;
  std::optional<CpuFunction> cpu;

  const Function &get() const {
    return gpu ? static_cast<const Function &>(*gpu) : *cpu;
  }
};

struct mamba_timer {
  std::unique_ptr<cu::Timer> impl;
};

namespace {

mamba_status *nullArgument(const char *name) {
  return error(MAMBA_INVALID_ARGUMENT, "'", name, "' is null").release();
}

cu::Stream streamOf(void *stream) { return static_cast<cu::Stream>(stream); }

mamba_status *checkList(const mamba_function *function,
                        const DLTensor *const *arguments, int32_t count) {
  if (!function)
    return nullArgument("function");
  if (!arguments && count != 0)
    return nullArgument("arguments");
  if (count < 0)
    return error(MAMBA_INVALID_ARGUMENT, "the number of arguments is ", count)
        .release();
  return nullptr;
}

ArgumentList listOf(const DLTensor *const *arguments, int32_t count) {
  return ArgumentList(arguments, static_cast<size_t>(count));
}

mamba_status *inContext(Status status, const char *action,
                        const mamba_function *function) {
  if (status.isOk())
    return nullptr;
  return std::move(status)
      .withContext(text(action, " '", function->get().plan().name(), "'"))
      .release();
}

} // namespace

// What a missing pointer means is the same everywhere.
#define MAMBA_REQUIRE(pointer)                                                 \
  do {                                                                         \
    if (!(pointer))                                                            \
      return nullArgument(#pointer);                                           \
  } while (false)

uint32_t mamba_version(void) { return MAMBA_VERSION; }

mamba_status_code mamba_status_get_code(const mamba_status *status) {
  return status ? status->code : MAMBA_OK;
}

const char *mamba_status_message(const mamba_status *status) {
  return status ? status->message.c_str() : "ok";
}

const char *mamba_status_code_name(mamba_status_code code) {
  switch (code) {
  case MAMBA_OK:
    return "ok";
  case MAMBA_INVALID_ARGUMENT:
    return "invalid argument";
  case MAMBA_UNAVAILABLE:
    return "unavailable";
  case MAMBA_UNSUPPORTED:
    return "unsupported";
  case MAMBA_COMPILE_FAILED:
    return "compile failed";
  case MAMBA_OUT_OF_MEMORY:
    return "out of memory";
  case MAMBA_DEVICE_ERROR:
    return "device error";
  case MAMBA_IO_ERROR:
    return "input/output error";
  }
  return "unknown status code";
}

void mamba_status_free(mamba_status *status) { delete status; }

mamba_status *mamba_device_count(int32_t *count) {
  MAMBA_REQUIRE(count);
  auto driver = cu::Driver::open();
  if (!driver.isOk())
    return driver.takeStatus().release();
  *count = (*driver)->deviceCount();
  return nullptr;
}

mamba_status *mamba_device_open(int32_t ordinal, mamba_device **device) {
  MAMBA_REQUIRE(device);
  auto opened = cu::GpuDevice::open(ordinal);
  if (!opened.isOk())
    return opened.takeStatus().release();
  *device = new mamba_device{std::move(*opened)};
  return nullptr;
}

mamba_status *mamba_device_get_info(const mamba_device *device,
                                    mamba_device_info *info) {
  MAMBA_REQUIRE(device);
  MAMBA_REQUIRE(info);
  *info = device->impl->info();
  return nullptr;
}

void mamba_device_release(mamba_device *device) { delete device; }

mamba_status *mamba_module_load(mamba_device *device, const void *image,
                                size_t image_bytes,
                                const mamba_module_options *options,
                                mamba_module **module) {
  MAMBA_REQUIRE(device);
  MAMBA_REQUIRE(image);
  MAMBA_REQUIRE(module);
  auto loaded = device->impl->load(
      image, image_bytes,
      cacheDirectory(options ? options->cache_directory : nullptr));
  if (!loaded.isOk())
    return loaded.takeStatus().release();
  *module = new mamba_module{std::move(*loaded)};
  return nullptr;
}

void mamba_module_release(mamba_module *module) { delete module; }

mamba_status *mamba_function_create(mamba_module *module,
                                    const mamba_plan *plan,
                                    mamba_function **function) {
  MAMBA_REQUIRE(module);
  MAMBA_REQUIRE(function);
  Result<Plan> copy = Plan::copy(plan);
  if (!copy.isOk())
    return copy.takeStatus().release();
  auto created = cu::GpuFunction::create(module->impl, std::move(*copy));
  if (!created.isOk())
    return created.takeStatus().release();
  *function = new mamba_function{std::move(*created), std::nullopt};
  return nullptr;
}

mamba_status *mamba_function_create_cpu(const mamba_plan *plan,
                                        const mamba_cpu_kernel *kernels,
                                        mamba_function **function) {
  MAMBA_REQUIRE(function);
  Result<Plan> copy = Plan::copy(plan);
  if (!copy.isOk())
    return copy.takeStatus().release();
  auto created = CpuFunction::create(std::move(*copy), kernels);
  if (!created.isOk())
    return created.takeStatus().release();
  *function = new mamba_function{std::nullopt, std::move(*created)};
  return nullptr;
}

void mamba_function_release(mamba_function *function) { delete function; }

mamba_status *mamba_function_check(const mamba_function *function,
                                   const DLTensor *const *arguments,
                                   int32_t num_arguments) {
  if (mamba_status *status = checkList(function, arguments, num_arguments))
    return status;
  PreparedLaunch launch;
  return inContext(
      function->get().check(listOf(arguments, num_arguments), launch),
      "checking", function);
}

mamba_status *mamba_function_workspace_bytes(const mamba_function *function,
                                             const DLTensor *const *arguments,
                                             int32_t num_arguments,
                                             size_t *bytes) {
  if (mamba_status *status = checkList(function, arguments, num_arguments))
    return status;
  MAMBA_REQUIRE(bytes);
  Result<int64_t> size =
      function->get().workspaceBytes(listOf(arguments, num_arguments));
  if (size.isOk())
    *bytes = static_cast<size_t>(*size);
  return inContext(size.takeStatus(), "measuring the workspace of", function);
}

mamba_status *mamba_function_kernel_name(const mamba_function *function,
                                         const DLTensor *const *arguments,
                                         int32_t num_arguments, int32_t step,
                                         const char **name) {
  if (mamba_status *status = checkList(function, arguments, num_arguments))
    return status;
  MAMBA_REQUIRE(name);
  Result<const char *> found =
      function->get().kernelName(listOf(arguments, num_arguments), step);
  if (found.isOk())
    *name = *found;
  return inContext(found.takeStatus(), "choosing a kernel of", function);
}

mamba_status *mamba_function_launch(const mamba_function *function,
                                    const DLTensor *const *arguments,
                                    int32_t num_arguments, void *workspace,
                                    size_t workspace_bytes, void *stream) {
  if (mamba_status *status = checkList(function, arguments, num_arguments))
    return status;
  Status status =
      function->gpu
          ? function->gpu->launch(listOf(arguments, num_arguments), workspace,
                                  workspace_bytes, streamOf(stream))
          : error(
                MAMBA_INVALID_ARGUMENT,
                "a CPU function has no stream; use mamba_function_launch_cpu");
  return inContext(std::move(status), "launching", function);
}

mamba_status *mamba_function_launch_cpu(const mamba_function *function,
                                        const DLTensor *const *arguments,
                                        int32_t num_arguments, void *workspace,
                                        size_t workspace_bytes,
                                        mamba_parallel_for parallel_for,
                                        void *user) {
  if (mamba_status *status = checkList(function, arguments, num_arguments))
    return status;
  Status status =
      function->cpu
          ? function->cpu->launch(listOf(arguments, num_arguments), workspace,
                                  workspace_bytes, parallel_for, user)
          : error(MAMBA_INVALID_ARGUMENT,
                  "a GPU function needs a stream; use mamba_function_launch");
  return inContext(std::move(status), "launching", function);
}

mamba_status *mamba_timer_create(mamba_device *device, mamba_timer **timer) {
  MAMBA_REQUIRE(device);
  MAMBA_REQUIRE(timer);
  auto created = cu::Timer::create(device->impl);
  if (!created.isOk())
    return created.takeStatus().release();
  *timer = new mamba_timer{std::move(*created)};
  return nullptr;
}

mamba_status *mamba_timer_start(mamba_timer *timer, void *stream) {
  MAMBA_REQUIRE(timer);
  return timer->impl->start(streamOf(stream)).release();
}

mamba_status *mamba_timer_stop(mamba_timer *timer, void *stream) {
  MAMBA_REQUIRE(timer);
  return timer->impl->stop(streamOf(stream)).release();
}

mamba_status *mamba_timer_elapsed_ms(mamba_timer *timer, double *milliseconds) {
  MAMBA_REQUIRE(timer);
  MAMBA_REQUIRE(milliseconds);
  Result<double> elapsed = timer->impl->elapsedMilliseconds();
  if (!elapsed.isOk())
    return elapsed.takeStatus().release();
  *milliseconds = *elapsed;
  return nullptr;
}

void mamba_timer_release(mamba_timer *timer) { delete timer; }
