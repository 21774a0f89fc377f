// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the elements of a tile stand in shared memory.
//
// Shared memory has 32 banks of 4 bytes. `ldmatrix` reads eight rows of 16
// bytes at a time, and they must fill all banks once: so the 16-byte units of a
// row are permuted by an exclusive or with bits of the row number, such that
// eight consecutive rows put one column of units into eight different places of
// the 128 bytes. Pitches below 128 bytes hold 128 / pitch rows in those 128
// bytes and need fewer row bits. Exclusive or keeps addresses cheap: a constant
// column becomes one `xor` with the lane's base address.
//
// Panels: rows of more than 128 bytes are cut into 128-byte columns of rows, one
// whole panel after the other, as tensor maps and warpgroup products want it.

#ifndef DIALECT_TILE_SHAREDLAYOUT_H
#define DIALECT_TILE_SHAREDLAYOUT_H

#include <cstdint>

namespace mamba::tile {

inline constexpr int64_t kUnitBytes = 16;
inline constexpr int64_t kBankRowBytes = 128;

struct SharedLayout {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t elementBytes = 0;
  bool panels = false;

  /// Bytes from one row to the next: the row rounded up to 16, 32, 64 or a
  /// multiple of 128 bytes; in panels 128.
  int64_t pitch() const;
  /// Bytes from one panel to the next.
  int64_t panelBytes() const { return rows * kBankRowBytes; }
  /// Bytes of the tile, a multiple of 128.
  int64_t bytes() const;
  /// Which unit of its 128-byte group the unit 0 of this row lies at.
  int64_t swizzle(int64_t row) const;
  /// The swizzle of a row is (row >> swizzleShift()) & swizzleMask().
  int64_t swizzleShift() const;
  int64_t swizzleMask() const;
  /// Byte offset of an element from the start of the tile.
  int64_t offset(int64_t row, int64_t column) const;
};

} // namespace mamba::tile

#endif // DIALECT_TILE_SHAREDLAYOUT_H
