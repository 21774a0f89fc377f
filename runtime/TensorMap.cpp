// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/TensorMap.h"

using namespace mamba::rt;

namespace {

// Limits of cuTensorMapEncodeTiled.
constexpr int64_t maxSize = int64_t(1) << 32;
constexpr int64_t maxStride = (int64_t(1) << 40) - 1;
constexpr int64_t strideAlignment = 16;

template <typename... Parts>
Status invalid(const mamba_param &param, const Parts &...parts) {
  return error(MAMBA_INVALID_ARGUMENT, "tensor map of '", param.name,
               "': ", parts...);
}

} // namespace

Status mamba::rt::shapeTensorMap(const Plan &plan, const mamba_tensor_map &map,
                                 const CheckedArguments &checked,
                                 TensorMapShape &shape) {
  const mamba_param &param = plan.params()[map.param];
  shape.rank = param.rank;
  // Cannot overflow: the size of the whole tensor in bytes does not.
  int64_t stride = dtypeBytes(param.dtype);
  for (int32_t i = 0; i < param.rank; ++i) {
    int32_t dim = param.rank - 1 - i;
    int64_t size = dimValue(param.dims[dim], checked);
    if (size > maxSize)
      return invalid(param, "dimension ", dim, " is ", size, ", at most ",
                     maxSize, " is possible");
    if (i > 0 && (stride % strideAlignment != 0 || stride > maxStride))
      return invalid(param, "stride of dimension ", dim, " is ", stride,
                     " bytes, expected a multiple of ", strideAlignment,
                     " up to ", maxStride);
    shape.sizes[i] = static_cast<uint64_t>(size);
    if (i > 0)
      shape.strides[i - 1] = static_cast<uint64_t>(stride);
    shape.box[i] = static_cast<uint32_t>(map.box[i]);
    stride *= size;
  }
  return {};
}
