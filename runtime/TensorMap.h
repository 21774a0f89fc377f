// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_TENSORMAP_H
#define MAMBA_RUNTIME_TENSORMAP_H

#include "runtime/Arguments.h"

namespace mamba::rt {

/// A tensor map before it is encoded, innermost dimension first.
struct TensorMapShape {
  int32_t rank = 0;
  std::array<uint64_t, MAMBA_MAX_TENSOR_MAP_RANK> sizes = {};
  /// In bytes, of every dimension but the innermost, whose elements adjoin.
  std::array<uint64_t, MAMBA_MAX_TENSOR_MAP_RANK - 1> strides = {};
  std::array<uint32_t, MAMBA_MAX_TENSOR_MAP_RANK> box = {};
};

/// Fills `shape` for a map of a verified plan. MAMBA_INVALID_ARGUMENT names the
/// size or stride that hardware cannot address.
Status shapeTensorMap(const Plan &plan, const mamba_tensor_map &map,
                      const CheckedArguments &checked, TensorMapShape &shape);

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_TENSORMAP_H
