// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_TEST_UNIT_CODEGEN_EMULATEDTENSORMAP_H
#define MAMBA_TEST_UNIT_CODEGEN_EMULATEDTENSORMAP_H

#include <cstdint>

namespace mamba::test {

/// What the emulator takes for a tensor map: dimensions from the innermost on.
/// Rows of boxes are 128 bytes and lie in shared memory with their 16-byte
/// units permuted; what is outside of the tensor is read as zero and not
/// written.
struct alignas(64) EmulatedTensorMap {
  static constexpr int64_t kMagic = 0x70616d726f736e65;
  static constexpr int kMaxRank = 5;

  int64_t magic = kMagic;
  char *base = nullptr;
  int32_t elementBytes = 2;
  int32_t rank = 0;
  /// Of the tensor in elements, 0 beyond the rank.
  int32_t dims[kMaxRank] = {};
  /// Of the box in elements, 0 beyond the rank.
  int32_t box[kMaxRank] = {};
  /// Between neighbours in bytes.
  int64_t strides[kMaxRank] = {};
};
static_assert(sizeof(EmulatedTensorMap) == 128);

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_EMULATEDTENSORMAP_H
