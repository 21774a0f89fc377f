// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_CUDA_DEVICE_H
#define MAMBA_RUNTIME_CUDA_DEVICE_H

#include "runtime/Sha256.h"
#include "runtime/cuda/Driver.h"

#include <map>
#include <memory>
#include <mutex>

namespace mamba::rt::cu {

class LoadedModule;

/// A CUDA device with its primary context retained, and the modules loaded on
/// it.
class GpuDevice : public std::enable_shared_from_this<GpuDevice> {
public:
  /// MAMBA_INVALID_ARGUMENT if there is no device `ordinal`.
  static Result<std::shared_ptr<GpuDevice>> open(int32_t ordinal);
  ~GpuDevice();

  GpuDevice(const GpuDevice &) = delete;
  GpuDevice &operator=(const GpuDevice &) = delete;

  const Driver &driver() const { return *api; }
  const mamba_device_info &info() const { return deviceInfo; }
  Context context() const { return primary; }

  /// The module made from `image` (PTX text, cubin or fatbin of `bytes` bytes),
  /// which is loaded unless it is already. `cacheDirectory` as in
  /// mamba_module_options, "" for none. Threads load different images side by
  /// side.
  Result<std::shared_ptr<LoadedModule>> load(const void *image, size_t bytes,
                                             const std::string &cacheDirectory);

private:
  explicit GpuDevice(std::shared_ptr<const Driver> driver)
      : api(std::move(driver)) {}

  Status queryInfo(int32_t ordinal);

  std::shared_ptr<const Driver> api;
  Device handle = 0;
  Context primary = nullptr;
  mamba_device_info deviceInfo = {};
  /// One image: who holds the mutex loads it, unless it is loaded.
  struct ModuleSlot {
    std::mutex loading;
    std::weak_ptr<LoadedModule> module;
  };
  std::shared_ptr<ModuleSlot> findSlot(const Digest &digest);

  std::mutex modulesMutex; ///< Of the map, not of its slots.
  std::map<Digest, std::shared_ptr<ModuleSlot>> modules;
};

/// Makes a device's primary context current while it lives.
class ContextScope {
public:
  explicit ContextScope(const GpuDevice &device);
  ~ContextScope();

  ContextScope(const ContextScope &) = delete;
  ContextScope &operator=(const ContextScope &) = delete;

  /// Whether the context could be made current; checked before any call.
  Status takeStatus() { return std::move(status); }

private:
  const Driver &driver;
  bool pushed = false;
  Status status;
};

} // namespace mamba::rt::cu

#endif // MAMBA_RUNTIME_CUDA_DEVICE_H
