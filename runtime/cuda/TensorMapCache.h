// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_CUDA_TENSORMAPCACHE_H
#define MAMBA_RUNTIME_CUDA_TENSORMAPCACHE_H

#include "runtime/RecentValues.h"
#include "runtime/TensorMap.h"
#include "runtime/cuda/Driver.h"

namespace mamba::rt::cu {

/// The encoded tensor maps of one launch of a kernel, in its order.
using TensorMaps = std::array<EncodedTensorMap, MAMBA_MAX_TENSOR_MAPS>;

/// The tensor maps of one kernel for the argument sets launched last. A network
/// calls the same kernel with the tensors of each of its layers in turn.
class TensorMapCache {
public:
  static constexpr size_t capacity = 16;

  /// `encode` is cuTensorMapEncodeTiled.
  explicit TensorMapCache(decltype(Driver::tensorMapEncodeTiled) encode)
      : encode(encode) {}

  /// Writes the maps of `kernel` for `checked` to `maps`: those kept, or newly
  /// encoded ones. From any thread; does not allocate.
  Status get(const Driver &driver, const Plan &plan, const mamba_kernel &kernel,
             const CheckedArguments &checked, TensorMaps &maps);

private:
  /// Everything that the maps of a kernel depend on.
  struct Key {
    std::array<void *, MAMBA_MAX_TENSOR_MAPS> pointers = {};
    std::array<int64_t, MAMBA_MAX_SYMBOLS> symbols = {};
    bool operator==(const Key &) const = default;
  };

  decltype(Driver::tensorMapEncodeTiled) encode;
  RecentValues<Key, TensorMaps, capacity> recent;
};

} // namespace mamba::rt::cu

#endif // MAMBA_RUNTIME_CUDA_TENSORMAPCACHE_H
