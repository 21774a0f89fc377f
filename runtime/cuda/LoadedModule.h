// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_CUDA_LOADEDMODULE_H
#define MAMBA_RUNTIME_CUDA_LOADEDMODULE_H

#include "runtime/cuda/Device.h"

namespace mamba::rt::cu {

/// Code loaded on a device.
class LoadedModule {
public:
  /// Loads PTX text, a cubin or a fatbin. With a cache directory, PTX is
  /// compiled once for this image, device architecture and driver version.
  /// MAMBA_COMPILE_FAILED carries the JIT's log, MAMBA_UNSUPPORTED means code
  /// for another architecture or a newer driver.
  static Result<std::shared_ptr<LoadedModule>>
  load(std::shared_ptr<GpuDevice> device, const void *image, size_t bytes,
       const std::string &cacheDirectory);
  ~LoadedModule();

  LoadedModule(const LoadedModule &) = delete;
  LoadedModule &operator=(const LoadedModule &) = delete;

  /// The kernel called `name`; MAMBA_INVALID_ARGUMENT if there is none.
  Result<Kernel> kernel(const char *name) const;

  const GpuDevice &device() const { return *owner; }

private:
  LoadedModule(std::shared_ptr<GpuDevice> device, Module module)
      : owner(std::move(device)), module(module) {}

  std::shared_ptr<GpuDevice> owner;
  Module module;
};

} // namespace mamba::rt::cu

#endif // MAMBA_RUNTIME_CUDA_LOADEDMODULE_H
