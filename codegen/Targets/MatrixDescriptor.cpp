// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Targets/MatrixDescriptor.h"

namespace mamba::codegen {

using tile::kBankRowBytes;
using tile::kUnitBytes;

/// Eight rows, after which the permutation of units repeats.
static constexpr int64_t kGroupBytes = 8 * kBankRowBytes;

uint32_t MatrixDescriptor::low() const {
  // A step along K lies in one panel: the distance is ignored.
  int64_t panels = alongOuter ? layout.panelBytes() : kUnitBytes;
  return static_cast<uint32_t>(panels / kUnitBytes) << 16;
}

uint32_t MatrixDescriptor::high() const {
  constexpr uint32_t permuted = uint32_t{1} << 30;
  return static_cast<uint32_t>(kGroupBytes / kUnitBytes) | permuted;
}

int64_t MatrixDescriptor::stepOffset(int64_t k) const {
  if (alongOuter)
    return k * kBankRowBytes;
  int64_t byte = k * layout.elementBytes;
  return byte / kBankRowBytes * layout.panelBytes() + byte % kBankRowBytes;
}

} // namespace mamba::codegen
