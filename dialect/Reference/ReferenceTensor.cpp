// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialect/Reference/ReferenceTensor.h"

#include <numeric>

using namespace llvm;

namespace mamba::ssd {

int64_t countElements(ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                         std::multiplies<int64_t>());
}

ReferenceTensor::ReferenceTensor(ArrayRef<int64_t> shape, double fill)
    : shape(shape), values(countElements(shape), fill) {}

ReferenceTensor::ReferenceTensor(ArrayRef<int64_t> shape,
                                 std::vector<double> values)
    : shape(shape), values(std::move(values)) {
  assert(countElements(shape) == getNumElements() &&
         "values do not fill shape");
}

ReferenceTensor ReferenceTensor::scalar(double value) {
  return ReferenceTensor({}, value);
}

int64_t ReferenceTensor::offset(ArrayRef<int64_t> index) const {
  assert(index.size() == shape.size() && "index has another rank");
  int64_t result = 0;
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    assert(index[dim] >= 0 && index[dim] < shape[dim] && "out of bounds");
    result = result * shape[dim] + index[dim];
  }
  return result;
}

void forEachIndex(ArrayRef<int64_t> shape,
                  function_ref<void(ArrayRef<int64_t>)> visit) {
  if (countElements(shape) == 0)
    return;
  SmallVector<int64_t, 4> index(shape.size(), 0);
  while (true) {
    visit(index);
    int64_t dim = int64_t(shape.size()) - 1;
    while (dim >= 0 && ++index[dim] == shape[dim])
      index[dim--] = 0;
    if (dim < 0)
      return;
  }
}

} // namespace mamba::ssd
