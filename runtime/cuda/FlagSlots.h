// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_CUDA_FLAGSLOTS_H
#define MAMBA_RUNTIME_CUDA_FLAGSLOTS_H

#include "runtime/cuda/Memory.h"

#include <array>
#include <atomic>

namespace mamba::rt::cu {

/// Memory for the flags of one function, which its launches find as the ones
/// before have left it. Launches that overlap in time have workspaces of their
/// own, so they get memory of their own if it belongs to a workspace: each of
/// the first ones that come along has a slot for ever. It cannot be taken back,
/// because a graph may hold launches with it.
class FlagSlots {
public:
  static constexpr size_t capacity = 16;

  /// Allocates slots of `bytes` bytes (a multiple of 4), clears them and waits.
  static Result<std::unique_ptr<FlagSlots>>
  create(const std::shared_ptr<const GpuDevice> &device, size_t bytes);

  /// The slot of a workspace (not null); null if all belong to others. From any
  /// thread; takes no lock.
  void *find(const void *workspace);

  /// Of one slot.
  size_t bytes() const { return slotBytes; }

private:
  FlagSlots(DeviceBuffer memory, size_t slotBytes)
      : memory(std::move(memory)), slotBytes(slotBytes) {}

  DeviceBuffer memory;
  size_t slotBytes;
  /// The workspaces that slots belong to, null for none.
  std::array<std::atomic<const void *>, capacity> owners = {};
};

} // namespace mamba::rt::cu

#endif // MAMBA_RUNTIME_CUDA_FLAGSLOTS_H
