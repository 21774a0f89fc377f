// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operands of a warpgroup's product of 16 elements along K, as they stand
// in shared memory.

#ifndef MAMBA_TEST_UNIT_CODEGEN_MATRIXOPERAND_H
#define MAMBA_TEST_UNIT_CODEGEN_MATRIXOPERAND_H

#include <cstdint>
#include <vector>

namespace mamba::test {

inline constexpr int kStepK = 16;

/// A 64-bit descriptor, and which part of the matrix is read through it. M and
/// N are the outer extents of the two operands.
struct MatrixOperand {
  uint64_t descriptor = 0;
  /// Rows in memory run along the outer extent.
  bool alongOuter = false;
  int firstOuter = 0;
  int numOuter = 0;

  /// The bits of element (o, k) at 16·o + k. Fails if the descriptor is not for
  /// units permuted over 128 bytes, or what it reads has not been fenced.
  std::vector<uint16_t> read() const;
};

/// The value of 16 bits.
float toFloat(uint16_t bits, bool isHalf);

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_MATRIXOPERAND_H
