// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/GpuFunction.h"

#include <algorithm>

using namespace mamba::rt;
using namespace mamba::rt::cu;

namespace {

/// Largest grid.x of every architecture since Kepler.
constexpr int64_t maxGridX = 2147483647;

/// Shared memory a kernel may use without asking, in bytes.
constexpr int32_t defaultSharedBytes = 48 * 1024;

/// Checks the kernel's needs against the device and asks for its shared memory.
Status configure(const GpuDevice &device, const mamba_kernel &kernel,
                 Kernel handle) {
  const Driver &driver = device.driver();
  int maxThreads = 0;
  int staticShared = 0;
  Status status;
  if (kernel.num_tensor_maps > 0)
    status = driver.checkTensorMaps();
  if (status.isOk())
    status = driver.check(
        driver.funcGetAttribute(&maxThreads, kernelMaxThreads, handle),
        "cuFuncGetAttribute");
  if (status.isOk())
    status = driver.check(
        driver.funcGetAttribute(&staticShared, kernelStaticShared, handle),
        "cuFuncGetAttribute");
  if (!status.isOk())
    return status;
  if (kernel.block_size > maxThreads)
    return error(MAMBA_UNSUPPORTED, "needs blocks of ", kernel.block_size,
                 " threads, at most ", maxThreads, " are possible");
  int32_t limit = device.info().max_shared_bytes_per_block;
  int64_t wanted = int64_t(staticShared) + kernel.dynamic_shared_bytes;
  if (wanted > limit)
    return error(MAMBA_UNSUPPORTED, "needs ", wanted,
                 " bytes of shared memory a block, '", device.info().name,
                 "' has ", limit);
  if (wanted <= defaultSharedBytes)
    return {};
  return driver.check(driver.funcSetAttribute(handle, kernelMaxDynamicShared,
                                              kernel.dynamic_shared_bytes),
                      "cuFuncSetAttribute");
}

/// Checks that a kernel of every step fits on the device.
Status checkGangs(const Plan &plan, int64_t units) {
  for (const PlanStep &step : plan.steps()) {
    auto kernels = plan.kernels().subspan(step.first, step.count);
    bool fits = std::ranges::any_of(kernels, [&](const mamba_kernel &kernel) {
      return checkGang(kernel, units).isOk();
    });
    if (!fits)
      return checkGang(kernels.front(), units);
  }
  return {};
}

/// Null if the plan has no flags.
Result<std::unique_ptr<FlagSlots>> createSlots(const GpuDevice &device,
                                               const Plan &plan) {
  Result<int64_t> bytes = measureFlags(plan, device.info().multiprocessors);
  if (!bytes.isOk())
    return bytes.takeStatus();
  if (*bytes == 0)
    return std::unique_ptr<FlagSlots>();
  return FlagSlots::create(device.shared_from_this(),
                           static_cast<size_t>(*bytes));
}

} // namespace

GpuFunction::GpuFunction(std::shared_ptr<LoadedModule> module, Plan plan,
                         std::vector<BoundKernel> bound,
                         std::unique_ptr<FlagSlots> slots)
    : Function(std::move(plan),
               Placement{{kDLCUDA, module->device().info().ordinal},
                         module->device().info().multiprocessors},
               maxGridX),
      module(std::move(module)), bound(std::move(bound)),
      slots(std::move(slots)) {}

Result<GpuFunction> GpuFunction::create(std::shared_ptr<LoadedModule> module,
                                        Plan plan) {
  const GpuDevice &device = module->device();
  if (!plan.onGpu())
    return error(MAMBA_INVALID_ARGUMENT, "'", plan.name(),
                 "' was compiled for ", plan.target(), ", not for a GPU");
  Status status = plan.checkCapability(device.info().capability);
  if (!status.isOk())
    return status;
  status = checkGangs(plan, device.info().multiprocessors);
  if (!status.isOk())
    return status;
  ContextScope scope(device);
  status = scope.takeStatus();
  std::vector<BoundKernel> bound;
  for (const mamba_kernel &kernel : plan.kernels()) {
    if (!status.isOk())
      break;
    Result<Kernel> handle = module->kernel(kernel.name);
    if (!handle.isOk())
      return handle.takeStatus();
    status = configure(device, kernel, *handle)
                 .withContext(text("kernel '", kernel.name, "'"));
    bound.push_back({*handle, nullptr});
    if (kernel.num_tensor_maps > 0)
      bound.back().tensorMaps = std::make_unique<TensorMapCache>(
          device.driver().tensorMapEncodeTiled);
  }
  if (!status.isOk())
    return status;
  Result<std::unique_ptr<FlagSlots>> slots = createSlots(device, plan);
  if (!slots.isOk())
    return slots.takeStatus();
  return GpuFunction(std::move(module), std::move(plan), std::move(bound),
                     std::move(*slots));
}

Status GpuFunction::launchKernel(const ChosenKernel &chosen,
                                 CheckedArguments &checked,
                                 Stream stream) const {
  const mamba_kernel &kernel = plan().kernels()[chosen.index];
  const BoundKernel &binding = bound[chosen.index];
  const Driver &driver = module->device().driver();
  // The driver copies the values these point to before it returns.
  void *values[MAMBA_MAX_KERNEL_PARAMS + MAMBA_MAX_SYMBOLS +
               MAMBA_MAX_TENSOR_MAPS];
  TensorMaps maps;
  int32_t count = 0;
  for (int32_t p = 0; p < kernel.num_params; ++p)
    values[count++] = &checked.pointers[kernel.params[p]];
  for (int32_t s = 0; s < kernel.num_symbols; ++s)
    values[count++] = &checked.symbols[kernel.symbols[s]];
  if (binding.tensorMaps) {
    Status status =
        binding.tensorMaps->get(driver, plan(), kernel, checked, maps);
    if (!status.isOk())
      return status;
    for (int32_t m = 0; m < kernel.num_tensor_maps; ++m)
      values[count++] = &maps[m];
  }
  return driver.check(
      driver.launchKernel(binding.handle,
                          static_cast<unsigned>(chosen.work.blocks), 1, 1,
                          static_cast<unsigned>(kernel.block_size), 1, 1,
                          static_cast<unsigned>(kernel.dynamic_shared_bytes),
                          stream, values, nullptr),
      "cuLaunchKernel");
}

Status GpuFunction::provideFlags(void *workspace, CheckedArguments &checked,
                                 Stream stream) const {
  char *start = static_cast<char *>(workspace);
  if (char *slot = static_cast<char *>(slots->find(workspace))) {
    for (size_t i = 0; i < plan().params().size(); ++i)
      if (plan().params()[i].flags & MAMBA_PARAM_FLAGS)
        checked.pointers[i] =
            slot + (static_cast<char *>(checked.pointers[i]) - start);
    return {};
  }
  // Flags are the start of the workspace.
  const Driver &driver = module->device().driver();
  return driver.check(
      driver.memsetWordsAsync(reinterpret_cast<DevicePointer>(workspace),
                              /*value=*/0, slots->bytes() / 4, stream),
      "cuMemsetD32Async");
}

Status GpuFunction::launch(ArgumentList arguments, void *workspace,
                           uint64_t workspaceBytes, Stream stream) const {
  PreparedLaunch prepared;
  Status status = prepare(arguments, workspace, workspaceBytes, prepared);
  if (!status.isOk())
    return status;
  CheckedArguments &checked = prepared.checked;
  ContextScope scope(module->device());
  status = scope.takeStatus();
  if (status.isOk() && prepared.choice.readsFlags)
    status = provideFlags(workspace, checked, stream);
  for (size_t step = 0; status.isOk() && step < plan().steps().size(); ++step)
    status = launchKernel(chosen(prepared, step), checked, stream);
  return status;
}
