// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Device.h"

#include "runtime/cuda/LoadedModule.h"

using namespace mamba::rt;
using namespace mamba::rt::cu;

Result<std::shared_ptr<GpuDevice>> GpuDevice::open(int32_t ordinal) {
  auto driver = Driver::open();
  if (!driver.isOk())
    return driver.takeStatus();
  int count = (*driver)->deviceCount();
  if (ordinal < 0 || ordinal >= count)
    return error(MAMBA_INVALID_ARGUMENT, "there is no CUDA device ", ordinal,
                 ", the number of devices is ", count);
  std::shared_ptr<GpuDevice> device(new GpuDevice(std::move(*driver)));
  Status status = device->queryInfo(ordinal);
  if (status.isOk())
    status = device->api->check(
        device->api->primaryCtxRetain(&device->primary, device->handle),
        "cuDevicePrimaryCtxRetain");
  if (!status.isOk())
    return std::move(status).withContext(text("opening CUDA device ", ordinal));
  return device;
}

GpuDevice::~GpuDevice() {
  if (primary)
    api->primaryCtxRelease(handle);
}

Status GpuDevice::queryInfo(int32_t ordinal) {
  deviceInfo.ordinal = ordinal;
  Status status = api->check(api->deviceGet(&handle, ordinal), "cuDeviceGet");
  auto attribute = [&](int number, int32_t &value) {
    if (status.isOk())
      status = api->check(api->deviceGetAttribute(&value, number, handle),
                          "cuDeviceGetAttribute");
  };
  int32_t major = 0;
  int32_t minor = 0;
  attribute(capabilityMajor, major);
  attribute(capabilityMinor, minor);
  attribute(multiprocessorCount, deviceInfo.multiprocessors);
  attribute(maxThreadsPerBlock, deviceInfo.max_threads_per_block);
  attribute(maxSharedPerBlockOptin, deviceInfo.max_shared_bytes_per_block);
  attribute(clockRate, deviceInfo.clock_khz);
  attribute(memoryClockRate, deviceInfo.memory_clock_khz);
  attribute(memoryBusWidth, deviceInfo.memory_bus_bits);
  deviceInfo.capability = 10 * major + minor;
  deviceInfo.driver_version = api->version();
  if (status.isOk())
    status = api->check(api->deviceGetName(deviceInfo.name,
                                           sizeof(deviceInfo.name) - 1, handle),
                        "cuDeviceGetName");
  size_t bytes = 0;
  if (status.isOk())
    status =
        api->check(api->deviceTotalMem(&bytes, handle), "cuDeviceTotalMem");
  deviceInfo.memory_bytes = static_cast<int64_t>(bytes);
  return status;
}

std::shared_ptr<GpuDevice::ModuleSlot>
GpuDevice::findSlot(const Digest &digest) {
  std::lock_guard<std::mutex> lock(modulesMutex);
  // A slot that only the map knows is not being loaded.
  std::erase_if(modules, [](auto &entry) {
    return entry.second.use_count() == 1 && entry.second->module.expired();
  });
  std::shared_ptr<ModuleSlot> &slot = modules[digest];
  if (!slot)
    slot = std::make_shared<ModuleSlot>();
  return slot;
}

Result<std::shared_ptr<LoadedModule>>
GpuDevice::load(const void *image, size_t bytes,
                const std::string &cacheDirectory) {
  std::shared_ptr<ModuleSlot> slot =
      findSlot(sha256({static_cast<const char *>(image), bytes}));
  std::lock_guard<std::mutex> lock(slot->loading);
  if (std::shared_ptr<LoadedModule> loaded = slot->module.lock())
    return loaded;
  auto loaded =
      LoadedModule::load(shared_from_this(), image, bytes, cacheDirectory);
  if (loaded.isOk())
    slot->module = *loaded;
  return loaded;
}

ContextScope::ContextScope(const GpuDevice &device) : driver(device.driver()) {
  // Mostly it is current already: frameworks use primary contexts, too.
  Context current = nullptr;
  if (driver.ctxGetCurrent(&current) == success && current == device.context())
    return;
  status =
      driver.check(driver.ctxPushCurrent(device.context()), "cuCtxPushCurrent");
  pushed = status.isOk();
}

ContextScope::~ContextScope() {
  Context previous = nullptr;
  if (pushed)
    driver.ctxPopCurrent(&previous);
}
