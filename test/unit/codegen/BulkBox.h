// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One box of a bulk copy, between a tensor and shared memory.

#ifndef MAMBA_TEST_UNIT_CODEGEN_BULKBOX_H
#define MAMBA_TEST_UNIT_CODEGEN_BULKBOX_H

#include "test/unit/codegen/EmulatedTensorMap.h"

#include <cstddef>
#include <vector>

namespace mamba::test {

class BulkBox {
public:
  /// Fails if the map or the address cannot be those of a bulk copy.
  BulkBox(uint64_t map, uint64_t sharedAddress, const int32_t *corner, int rank,
          const char *what);

  unsigned char *memory() const { return shared; }
  size_t bytes() const { return rows * kRowBytes; }

  /// Copies the box to shared memory.
  void load() const;
  /// Copies `image`, which stood in shared memory, to the tensor.
  void store(const std::vector<unsigned char> &image) const;

private:
  static constexpr size_t kRowBytes = 128, kUnitBytes = 16;

  /// The first element of a row in the tensor, or null if it has none there.
  char *rowInTensor(size_t row) const;
  /// Bytes of a row that the tensor has.
  size_t validBytes() const;
  /// Where a unit of a row stands in the box.
  size_t unitOffset(size_t row, size_t unit) const;

  const EmulatedTensorMap *map;
  unsigned char *shared;
  int32_t corner[EmulatedTensorMap::kMaxRank] = {};
  size_t rows = 1;
};

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_BULKBOX_H
