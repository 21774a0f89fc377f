// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_CUDA_GPUFUNCTION_H
#define MAMBA_RUNTIME_CUDA_GPUFUNCTION_H

#include "runtime/Function.h"
#include "runtime/cuda/FlagSlots.h"
#include "runtime/cuda/LoadedModule.h"
#include "runtime/cuda/TensorMapCache.h"

#include <vector>

namespace mamba::rt::cu {

/// A plan bound to the kernels of a module.
class GpuFunction : public Function {
public:
  /// MAMBA_UNSUPPORTED if the device's architecture, threads or shared memory
  /// do not suffice, with both numbers.
  static Result<GpuFunction> create(std::shared_ptr<LoadedModule> module,
                                    Plan plan);

  /// Validates, provides the flags, then launches one kernel of every step on
  /// `stream`. No allocation, no synchronisation.
  Status launch(ArgumentList arguments, void *workspace,
                uint64_t workspaceBytes, Stream stream) const;

private:
  /// A kernel of the plan as the driver knows it.
  struct BoundKernel {
    Kernel handle;
    /// Null if the kernel takes no tensor maps.
    std::unique_ptr<TensorMapCache> tensorMaps;
  };

  GpuFunction(std::shared_ptr<LoadedModule> module, Plan plan,
              std::vector<BoundKernel> bound, std::unique_ptr<FlagSlots> slots);

  /// Gives the launch the flags that belong to its workspace, or clears those
  /// in the workspace.
  Status provideFlags(void *workspace, CheckedArguments &checked,
                      Stream stream) const;
  Status launchKernel(const ChosenKernel &chosen, CheckedArguments &checked,
                      Stream stream) const;

  std::shared_ptr<LoadedModule> module;
  std::vector<BoundKernel> bound;
  /// Null if the plan has no flags.
  std::unique_ptr<FlagSlots> slots;
};

} // namespace mamba::rt::cu

#endif // MAMBA_RUNTIME_CUDA_GPUFUNCTION_H
