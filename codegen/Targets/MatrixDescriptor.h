// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the asynchronous products find an operand in shared memory: a 64-bit
// descriptor for each k16 step, of which all but the start address follows from
// the buffer's layout. Plain arithmetic, tested against SharedLayout.
//
//     bits  0–13  start address / 16
//          16–29  bytes between panels / 16 (operands along M or N)
//          32–45  bytes between groups of eight rows / 16
//          62–63  1: units are permuted over 128 bytes

#ifndef CODEGEN_TARGETS_MATRIXDESCRIPTOR_H
#define CODEGEN_TARGETS_MATRIXDESCRIPTOR_H

#include "dialect/Tile/SharedLayout.h"

namespace mamba::codegen {

/// An operand of 16-bit elements in a buffer of panels or of 128-byte rows,
/// which starts at a multiple of 1024 bytes. M (of a left operand) or N (of a
/// right one) are the operand's *outer* extent.
class MatrixDescriptor {
public:
  /// `alongOuter`: rows of the buffer run along M or N, and K goes from row to
  /// row; the transposition bit of the instruction says the same. Otherwise
  /// rows run along K.
  MatrixDescriptor(const tile::SharedLayout &layout, bool alongOuter)
      : layout(layout), alongOuter(alongOuter) {}

  /// The two halves of a descriptor with start address 0.
  uint32_t low() const;
  uint32_t high() const;
  /// Bytes from the buffer's start to the step that begins at element k.
  int64_t stepOffset(int64_t k) const;

private:
  tile::SharedLayout layout;
  bool alongOuter;
};

} // namespace mamba::codegen

#endif // CODEGEN_TARGETS_MATRIXDESCRIPTOR_H
