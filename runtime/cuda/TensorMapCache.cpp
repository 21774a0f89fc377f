// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/TensorMapCache.h"

#include <algorithm>

using namespace mamba::rt;
using namespace mamba::rt::cu;

Status TensorMapCache::get(const Driver &driver, const Plan &plan,
                           const mamba_kernel &kernel,
                           const CheckedArguments &checked, TensorMaps &maps) {
  Key key;
  for (int32_t i = 0; i < kernel.num_tensor_maps; ++i)
    key.pointers[i] = checked.pointers[kernel.tensor_maps[i].param];
  key.symbols = checked.symbols;
  if (find(key, kernel.num_tensor_maps, maps))
    return {};
  for (int32_t i = 0; i < kernel.num_tensor_maps; ++i) {
    const mamba_tensor_map &map = kernel.tensor_maps[i];
    const mamba_param &param = plan.params()[map.param];
    TensorMapShape shape;
    Status status = shapeTensorMap(plan, map, checked, shape);
    if (!status.isOk())
      return status;
    constexpr uint32_t steps[MAMBA_MAX_TENSOR_MAP_RANK] = {1, 1, 1, 1, 1};
    Code result = encode(
        &maps[i],
        param.dtype == MAMBA_DTYPE_BF16 ? tensorMapBf16 : tensorMapF16,
        static_cast<uint32_t>(shape.rank), key.pointers[i], shape.sizes.data(),
        shape.strides.data(), shape.box.data(), steps, tensorMapInterleaveNone,
        tensorMapSwizzle128, tensorMapPromotion128, tensorMapFillZero);
    if (result != success)
      return driver.check(result, "cuTensorMapEncodeTiled")
          .withContext(text("tensor map of '", param.name, "'"));
  }
  insert(key, kernel.num_tensor_maps, maps);
  return {};
}

bool TensorMapCache::find(const Key &key, int32_t count, TensorMaps &maps) {
  std::lock_guard<std::mutex> lock(mutex);
  // Launches come in the same order again and again: begin where the last
  // search ended.
  for (size_t i = 0; i < numEntries; ++i) {
    size_t at = (latest + i) % numEntries;
    if (!(entries[at].key == key))
      continue;
    latest = at;
    std::copy_n(entries[at].maps.begin(), count, maps.begin());
    return true;
  }
  return false;
}

void TensorMapCache::insert(const Key &key, int32_t count,
                            const TensorMaps &maps) {
  std::lock_guard<std::mutex> lock(mutex);
  // Another thread may have inserted the same key: a wasted entry, no error.
  size_t at = oldest;
  oldest = (oldest + 1) % capacity;
  numEntries = std::min(numEntries + 1, capacity);
  entries[at].key = key;
  std::copy_n(maps.begin(), count, entries[at].maps.begin());
  latest = at;
}
