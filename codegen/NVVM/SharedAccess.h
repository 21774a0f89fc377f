// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Addresses in swizzled shared memory for one thread, and `ldmatrix` and
// `stmatrix` on them.

#ifndef CODEGEN_NVVM_SHAREDACCESS_H
#define CODEGEN_NVVM_SHAREDACCESS_H

#include "codegen/NVVM/ThreadBuilder.h"
#include "dialect/Tile/SharedLayout.h"

namespace mamba::codegen {

/// Byte offset of a unit (i32, at most `last`) from the start of its row, which
/// permutes the units by `swizzle` (i32).
mlir::Value unitOffset(ThreadBuilder &builder, const tile::SharedLayout &layout,
                       mlir::Value unit, int64_t last, mlir::Value swizzle);

/// Where in a tile a thread starts: row and 16-byte unit, known at run time.
struct SharedOrigin {
  /// Row in a group of eight (0 to 7), and the rest, a multiple of 8 (i32).
  mlir::Value rowInGroup;
  mlir::Value rowGroup;
  /// Unit in the row (i32), and every bit that it may have set.
  mlir::Value unit;
  int64_t unitBits;
};

/// The addresses origin + (constant row, constant unit) of a tile.
class SharedAccess {
public:
  SharedAccess(ThreadBuilder &builder, mlir::Value base,
               const tile::SharedLayout &layout, SharedOrigin origin);

  /// Pointer to a unit; `row` is a multiple of 8.
  mlir::Value pointer(int64_t row, int64_t unit);

private:
  ThreadBuilder &builder;
  mlir::Value base;
  tile::SharedLayout layout;
  SharedOrigin origin;
  /// Byte offset of the origin's row, and of the origin's swizzled unit.
  mlir::Value rowBytes;
  mlir::Value swizzle;
  mlir::Value originBytes;
};

/// Which 8×8 matrices a warp moves at once. Matrix q of four stands at
/// (8·rowBit(q), unitBit(q)), where one of the two is bit 0 of q and the other
/// bit 1.
enum class MatrixOrder { RowsFirst, UnitsFirst };

/// `ldmatrix` and `stmatrix` of 16-bit elements on a part of a tile.
class MatrixAccess {
public:
  /// The part starts at row `row` (a multiple of 8) and unit `unit` (i32), of
  /// which `unitBits` may be set.
  MatrixAccess(ThreadBuilder &builder, mlir::Value base,
               const tile::SharedLayout &layout, MatrixOrder order,
               mlir::Value row, mlir::Value unit, int64_t unitBits);

  /// Four (or, in the order of bit 0, two) words of the matrices whose first
  /// stands at (row, unit) of the part.
  llvm::SmallVector<mlir::Value> load(int64_t row, int64_t unit, int count,
                                      bool transposed);
  void store(int64_t row, int64_t unit, llvm::ArrayRef<mlir::Value> words,
             bool transposed);

private:
  ThreadBuilder &builder;
  SharedAccess access;
};

/// Every bit that a multiple of `step` below `count`·`step` may have set.
int64_t possibleBits(int64_t step, int64_t count);

/// The words (pairs of 16-bit elements, i32) of a tile of any 2-D layout that a
/// thread holds, in the order of its registers, read from a buffer that holds
/// the tile or (`transposed`) its transpose. `rightOperand`: the layout's pairs
/// run along its rows, as in operand_b.
llvm::SmallVector<mlir::Value> loadMatrices(ThreadBuilder &builder,
                                            mlir::Value base,
                                            const tile::SharedLayout &shared,
                                            const tile::RegisterLayout &layout,
                                            bool rightOperand, bool transposed);

/// Writes the words of an accumulator or left operand to a buffer that then
/// holds the tile or (`transposed`) its transpose. The target has `stmatrix`.
void storeMatrices(ThreadBuilder &builder, mlir::Value base,
                   const tile::SharedLayout &shared,
                   const tile::RegisterLayout &layout,
                   llvm::ArrayRef<mlir::Value> words, bool transposed);

} // namespace mamba::codegen

#endif // CODEGEN_NVVM_SHAREDACCESS_H
