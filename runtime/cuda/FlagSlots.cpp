// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/FlagSlots.h"

using namespace mamba::rt;
using namespace mamba::rt::cu;

Result<std::unique_ptr<FlagSlots>>
FlagSlots::create(const std::shared_ptr<const GpuDevice> &device,
                  size_t bytes) {
  // What no device has is the driver's to refuse.
  size_t total = bytes > SIZE_MAX / capacity ? SIZE_MAX : capacity * bytes;
  Result<DeviceBuffer> memory = DeviceBuffer::allocate(device, total);
  if (!memory.isOk())
    return memory.takeStatus();
  // A stream of its own waits for nobody's work.
  Result<std::unique_ptr<OwnedStream>> stream = OwnedStream::create(device);
  if (!stream.isOk())
    return stream.takeStatus();
  const Driver &driver = device->driver();
  ContextScope scope(*device);
  Status status = scope.takeStatus();
  if (status.isOk())
    status =
        driver.check(driver.memsetWordsAsync(
                         reinterpret_cast<DevicePointer>(memory->data()),
                         /*value=*/0, memory->size() / 4, (*stream)->get()),
                     "cuMemsetD32Async");
  if (status.isOk())
    status = (*stream)->synchronize();
  if (!status.isOk())
    return status;
  return std::unique_ptr<FlagSlots>(new FlagSlots(std::move(*memory), bytes));
}

void *FlagSlots::find(const void *workspace) {
  for (size_t i = 0; i < capacity; ++i) {
    const void *owner = owners[i].load(std::memory_order_relaxed);
    // Another thread may be faster; then `owner` is whom the slot belongs to.
    if (!owner && owners[i].compare_exchange_strong(owner, workspace,
                                                    std::memory_order_relaxed))
      owner = workspace;
    if (owner == workspace)
      return static_cast<char *>(memory.data()) + i * slotBytes;
  }
  return nullptr;
}
