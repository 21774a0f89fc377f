// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/BulkBox.h"

#include "test/unit/codegen/SharedMemory.h"
#include "test/unit/codegen/WarpFibers.h"

#include <algorithm>
#include <cstring>

namespace mamba::test {

BulkBox::BulkBox(uint64_t mapAddress, uint64_t sharedAddress,
                 const int32_t *first, int rank, const char *what)
    : map(reinterpret_cast<const EmulatedTensorMap *>(mapAddress)) {
  if (mapAddress % alignof(EmulatedTensorMap) != 0 ||
      map->magic != EmulatedTensorMap::kMagic)
    fail(std::string(what) + " without a tensor map");
  if (map->rank != rank)
    fail(std::string(what) + " with " + std::to_string(rank) +
         " coordinates, the tensor map has " + std::to_string(map->rank));
  if (size_t(map->box[0]) * map->elementBytes != kRowBytes)
    fail(std::string(what) + " of a box whose rows are not 128 bytes");
  std::copy(first, first + rank, corner);
  for (int i = 1; i < rank; ++i)
    rows *= map->box[i];
  shared = sharedAt(sharedAddress, bytes(), kRowBytes, what);
}

char *BulkBox::rowInTensor(size_t row) const {
  char *at = map->base + corner[0] * map->strides[0];
  for (int i = 1; i < map->rank; ++i) {
    int64_t index = corner[i] + static_cast<int64_t>(row % map->box[i]);
    row /= map->box[i];
    if (index < 0 || index >= map->dims[i])
      return nullptr;
    at += index * map->strides[i];
  }
  return at;
}

size_t BulkBox::validBytes() const {
  int64_t left = map->dims[0] - corner[0];
  if (corner[0] < 0)
    fail("a bulk copy from a negative innermost coordinate");
  return std::clamp<int64_t>(left, 0, map->box[0]) * map->elementBytes;
}

size_t BulkBox::unitOffset(size_t row, size_t unit) const {
  // The permutation is one of addresses.
  size_t swizzle = (sharedAddress(shared) / kRowBytes + row) % 8;
  return row * kRowBytes + (unit ^ swizzle) * kUnitBytes;
}

void BulkBox::load() const {
  for (size_t row = 0; row < rows; ++row) {
    char image[kRowBytes] = {};
    if (const char *source = rowInTensor(row))
      std::memcpy(image, source, validBytes());
    for (size_t unit = 0; unit < kRowBytes / kUnitBytes; ++unit)
      std::memcpy(shared + unitOffset(row, unit), image + unit * kUnitBytes,
                  kUnitBytes);
  }
}

void BulkBox::store(const std::vector<unsigned char> &source) const {
  for (size_t row = 0; row < rows; ++row) {
    char image[kRowBytes];
    for (size_t unit = 0; unit < kRowBytes / kUnitBytes; ++unit)
      std::memcpy(image + unit * kUnitBytes,
                  source.data() + unitOffset(row, unit), kUnitBytes);
    if (char *target = rowInTensor(row))
      std::memcpy(target, image, validBytes());
  }
}

} // namespace mamba::test
