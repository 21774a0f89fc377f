// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The values of the reference interpreter: dense row-major float64 tensors of
// any rank. Scalars are tensors of rank 0; integers, indices and booleans are
// held as the doubles they equal (exact up to 2^53).

#pragma once

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <cassert>
#include <cstdint>
#include <vector>

namespace mamba::ssd {

class ReferenceTensor {
public:
  /// A scalar zero.
  ReferenceTensor() : values(1, 0.0) {}
  explicit ReferenceTensor(llvm::ArrayRef<int64_t> shape, double fill = 0);
  /// `values` in row-major order, as many as `shape` holds.
  ReferenceTensor(llvm::ArrayRef<int64_t> shape, std::vector<double> values);
  static ReferenceTensor scalar(double value);

  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getRank() const { return shape.size(); }
  int64_t getDimSize(unsigned dim) const { return shape[dim]; }
  int64_t getNumElements() const { return values.size(); }

  llvm::ArrayRef<double> getValues() const { return values; }
  llvm::MutableArrayRef<double> getValues() { return values; }

  /// Position of an index in row-major order.
  int64_t offset(llvm::ArrayRef<int64_t> index) const;
  double &at(llvm::ArrayRef<int64_t> index) { return values[offset(index)]; }
  double at(llvm::ArrayRef<int64_t> index) const {
    return values[offset(index)];
  }

  /// The value of a scalar.
  double getScalar() const {
    assert(values.size() == 1 && "not a scalar");
    return values.front();
  }

  /// The same values in the same order under another shape.
  ReferenceTensor reshaped(llvm::ArrayRef<int64_t> newShape) const {
    return ReferenceTensor(newShape, values);
  }

private:
  llvm::SmallVector<int64_t, 4> shape;
  std::vector<double> values;
};

/// Number of elements of a shape.
int64_t countElements(llvm::ArrayRef<int64_t> shape);

/// Calls `visit` with every index of a shape, in row-major order.
void forEachIndex(llvm::ArrayRef<int64_t> shape,
                  llvm::function_ref<void(llvm::ArrayRef<int64_t>)> visit);

} // namespace mamba::ssd
