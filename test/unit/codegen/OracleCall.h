// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The tensors of one call of an oracle.

#pragma once

#include "dialect/Reference/ReferenceTensor.h"
#include "runtime/Grid.h"
#include "tools/support/Float16.h"

#include <cstring>
#include <deque>

namespace mamba::codegen {

/// The elements of a tensor in memory, in a param's element type.
inline std::string encode(const ssd::ReferenceTensor &tensor, int32_t dtype) {
  std::string bytes;
  auto append = [&](auto value) {
    bytes.append(reinterpret_cast<const char *>(&value), sizeof(value));
  };
  for (double value : tensor.getValues()) {
    if (dtype == MAMBA_DTYPE_F16)
      append(tools::Half::fromDouble(value));
    else if (dtype == MAMBA_DTYPE_BF16)
      append(tools::Bfloat16::fromDouble(value));
    else if (dtype == MAMBA_DTYPE_F32)
      append(float(value));
    else if (dtype == MAMBA_DTYPE_F64)
      append(value);
    else if (dtype == MAMBA_DTYPE_I32)
      append(int32_t(value));
    else
      append(int64_t(value));
  }
  return bytes;
}

/// The values that `encode` gives, rounded to the element type.
inline ssd::ReferenceTensor round(const ssd::ReferenceTensor &tensor,
                                  int32_t dtype) {
  ssd::ReferenceTensor rounded = tensor;
  for (double &value : rounded.getValues()) {
    if (dtype == MAMBA_DTYPE_F16)
      value = tools::Half::toDouble(tools::Half::fromDouble(value));
    else if (dtype == MAMBA_DTYPE_BF16)
      value = tools::Bfloat16::toDouble(tools::Bfloat16::fromDouble(value));
    else if (dtype == MAMBA_DTYPE_F32)
      value = float(value);
  }
  return rounded;
}

inline DLDataType dlpackType(int32_t dtype) {
  auto bits = uint8_t(8 * rt::dtypeBytes(dtype));
  if (dtype == MAMBA_DTYPE_BF16)
    return {kDLBfloat, bits, 1};
  bool isInteger = dtype == MAMBA_DTYPE_I32 || dtype == MAMBA_DTYPE_I64;
  return {uint8_t(isInteger ? kDLInt : kDLFloat), bits, 1};
}

/// The inputs and outputs of a call in host memory. Outputs start as NaN.
struct Call {
  Call(const rt::Plan &plan, llvm::ArrayRef<ssd::ReferenceTensor> arguments)
      : numInputs(arguments.size()) {
    int64_t symbols[MAMBA_MAX_SYMBOLS] = {};
    for (auto [i, symbol] : llvm::enumerate(plan.symbols()))
      symbols[i] = arguments[symbol.param].getDimSize(symbol.dim);
    for (auto [i, param] : llvm::enumerate(plan.params())) {
      if (param.kind == MAMBA_PARAM_TEMPORARY)
        continue;
      llvm::SmallVector<int64_t> &shape = shapes.emplace_back();
      int64_t bytes = rt::dtypeBytes(param.dtype);
      for (const mamba_dim &dim : llvm::ArrayRef(param.dims, param.rank)) {
        shape.push_back(dim.symbol < 0 ? dim.extent : symbols[dim.symbol]);
        bytes *= shape.back();
      }
      memory.push_back(param.kind == MAMBA_PARAM_INPUT
                           ? encode(arguments[i], param.dtype)
                           : std::string(bytes, '\xff'));
      tensors.push_back({memory.back().data(),
                         {kDLCPU, 0},
                         param.rank,
                         dlpackType(param.dtype),
                         shape.data(),
                         nullptr,
                         0});
      list.push_back(&tensors.back());
    }
  }

  llvm::SmallVector<ssd::ReferenceTensor> results() const {
    llvm::SmallVector<ssd::ReferenceTensor> results;
    for (size_t i = numInputs; i < list.size(); ++i) {
      std::vector<double> values(memory[i].size() / sizeof(double));
      std::memcpy(values.data(), memory[i].data(), memory[i].size());
      results.push_back(ssd::ReferenceTensor(shapes[i], values));
    }
    return results;
  }

  size_t numInputs;
  std::deque<llvm::SmallVector<int64_t>> shapes;
  std::deque<std::string> memory;
  std::deque<DLTensor> tensors;
  llvm::SmallVector<const DLTensor *> list;
};

} // namespace mamba::codegen
