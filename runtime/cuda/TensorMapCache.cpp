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
  auto count = static_cast<size_t>(kernel.num_tensor_maps);
  if (recent.find(key, [&](const TensorMaps &kept) {
        std::copy_n(kept.begin(), count, maps.begin());
      }))
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
  recent.insert(key, [&](TensorMaps &kept) {
    std::copy_n(maps.begin(), count, kept.begin());
  });
  return {};
}
