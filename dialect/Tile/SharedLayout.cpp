// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialect/Tile/SharedLayout.h"

#include <initializer_list>

namespace mamba::tile {

static int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

int64_t SharedLayout::pitch() const {
  if (panels)
    return kBankRowBytes;
  int64_t row = columns * elementBytes;
  for (int64_t small : {16, 32, 64})
    if (row <= small)
      return small;
  return roundUp(row, kBankRowBytes);
}

int64_t SharedLayout::bytes() const {
  if (panels)
    return roundUp(columns * elementBytes, kBankRowBytes) / kBankRowBytes *
           panelBytes();
  return roundUp(rows * pitch(), kBankRowBytes);
}

int64_t SharedLayout::swizzleShift() const {
  int64_t shift = 0;
  for (int64_t size = pitch(); size < kBankRowBytes; size *= 2)
    ++shift;
  return shift;
}

int64_t SharedLayout::swizzleMask() const {
  int64_t units = pitch() / kUnitBytes;
  return (units < 8 ? units : 8) - 1;
}

int64_t SharedLayout::swizzle(int64_t row) const {
  return row >> swizzleShift() & swizzleMask();
}

int64_t SharedLayout::offset(int64_t row, int64_t column) const {
  int64_t byte = column * elementBytes;
  int64_t panel = 0;
  if (panels) {
    panel = byte / kBankRowBytes * panelBytes();
    byte %= kBankRowBytes;
  }
  int64_t unit = byte / kUnitBytes ^ swizzle(row);
  return panel + row * pitch() + unit * kUnitBytes + byte % kUnitBytes;
}

} // namespace mamba::tile
