// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/MatrixOperand.h"

#include "test/unit/codegen/SharedMemory.h"
#include "test/unit/codegen/WarpFibers.h"

#include "tools/support/Float16.h"
#include "llvm/ADT/STLExtras.h"

#include <bit>
#include <cstring>

namespace mamba::test {
namespace {

constexpr int kUnitBytes = 16, kUnitElements = 8;
constexpr int kRowBytes = 128, kRowElements = 64;
/// Rows of a group: the permutation repeats behind them.
constexpr int kGroupRows = 8;

/// The fields of a descriptor, in bytes.
struct Fields {
  explicit Fields(uint64_t bits)
      : start((bits & 0x3fff) << 4), panel((bits >> 16 & 0x3fff) << 4),
        group((bits >> 32 & 0x3fff) << 4) {
    if (bits >> 62 != 1 || (bits >> 49 & 7) != 0)
      fail("wgmma with a descriptor that is not of 128-byte swizzle");
  }
  uint64_t start, panel, group;
};

/// The eight elements of a unit.
std::array<uint16_t, kUnitElements> readUnit(uint64_t address) {
  // The permutation is one of addresses.
  address ^= address / kRowBytes % kGroupRows * kUnitBytes;
  unsigned char *memory = sharedAt(address, kUnitBytes, kUnitBytes, "wgmma");
  checkFenced(memory, kUnitBytes, "wgmma");
  std::array<uint16_t, kUnitElements> unit;
  std::memcpy(unit.data(), memory, kUnitBytes);
  return unit;
}

} // namespace

std::vector<uint16_t> MatrixOperand::read() const {
  Fields fields(descriptor);
  std::vector<uint16_t> elements(static_cast<size_t>(numOuter) * kStepK);
  auto rowAt = [&](int row) {
    return fields.start + row / kGroupRows * fields.group +
           row % kGroupRows * kRowBytes;
  };
  if (!alongOuter) {
    for (int outer = 0; outer < numOuter; ++outer)
      for (int k = 0; k < kStepK; k += kUnitElements) {
        auto unit = readUnit(rowAt(firstOuter + outer) + k * 2);
        llvm::copy(unit, elements.begin() + outer * kStepK + k);
      }
    return elements;
  }
  for (int k = 0; k < kStepK; ++k)
    for (int outer = 0; outer < numOuter; outer += kUnitElements) {
      int at = firstOuter + outer;
      auto unit = readUnit(rowAt(k) + at / kRowElements * fields.panel +
                           at % kRowElements * 2);
      for (int i = 0; i < kUnitElements; ++i)
        elements[(outer + i) * kStepK + k] = unit[i];
    }
  return elements;
}

float toFloat(uint16_t bits, bool isHalf) {
  if (!isHalf)
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  static const std::vector<float> table = [] {
    std::vector<float> values(size_t{1} << 16);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] =
          static_cast<float>(tools::Half::toDouble(static_cast<uint16_t>(i)));
    return values;
  }();
  return table[bits];
}

} // namespace mamba::test
