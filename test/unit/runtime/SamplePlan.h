// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A small function for the tests: y = scan(x, dt) with
//   x   B×T×4×8  bfloat16, 16-byte aligned        (argument 0)
//   dt  B×T×4    float32                           (argument 1)
//   tmp B×ceil(T/16)×4×8 float32, a temporary
//   y   B×T×4×8  bfloat16                          (argument 2)

#ifndef MAMBA_TEST_UNIT_RUNTIME_SAMPLEPLAN_H
#define MAMBA_TEST_UNIT_RUNTIME_SAMPLEPLAN_H

#include "runtime/mamba.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace mamba::test {

/// A status that is freed, as text.
struct Outcome {
  mamba_status_code code;
  std::string message;

  Outcome(mamba_status *status)
      : code(mamba_status_get_code(status)),
        message(mamba_status_message(status)) {
    mamba_status_free(status);
  }
  bool isOk() const { return code == MAMBA_OK; }
};

/// The plan's parts, free to be broken by a test before `get`.
struct SamplePlan {
  std::vector<mamba_param> params = {
      {"x",
       MAMBA_PARAM_INPUT,
       MAMBA_DTYPE_BF16,
       4,
       16,
       0,
       {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_SYMBOL(1), MAMBA_DIM_STATIC(4),
        MAMBA_DIM_STATIC(8)}},
      {"dt",
       MAMBA_PARAM_INPUT,
       MAMBA_DTYPE_F32,
       3,
       0,
       0,
       {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_SYMBOL(1), MAMBA_DIM_STATIC(4)}},
      {"tmp",
       MAMBA_PARAM_TEMPORARY,
       MAMBA_DTYPE_F32,
       4,
       0,
       0,
       {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_CEIL_DIV(1, 16), MAMBA_DIM_STATIC(4),
        MAMBA_DIM_STATIC(8)}},
      {"y",
       MAMBA_PARAM_OUTPUT,
       MAMBA_DTYPE_BF16,
       4,
       16,
       0,
       {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_SYMBOL(1), MAMBA_DIM_STATIC(4),
        MAMBA_DIM_STATIC(8)}}};
  std::vector<mamba_symbol> symbols = {{"batch", 0, 0}, {"length", 0, 1}};
  std::vector<mamba_kernel> kernels = {
      {"scan_states",
       3,
       {0, 1, 2},
       2,
       {0, 1},
       3,
       {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_STATIC(4), MAMBA_DIM_CEIL_DIV(1, 16)},
       128,
       1024,
       0,
       {},
       0,
       0,
       0,
       0,
       {}},
      {"scan_outputs",
       4,
       {2, 0, 1, 3},
       2,
       {0, 1},
       2,
       {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_STATIC(4)},
       256,
       100000,
       0,
       {},
       0,
       0,
       0,
       0,
       {}}};
  mamba_plan plan = {MAMBA_PLAN_VERSION,
                     "scan",
                     "sm_80",
                     80,
                     0,
                     0,
                     nullptr,
                     0,
                     nullptr,
                     0,
                     nullptr};

  /// The same for the CPU.
  static SamplePlan onCpu() {
    SamplePlan sample;
    sample.plan.target = "cpu";
    sample.plan.min_capability = 0;
    return sample;
  }

  /// The same for sm_90a: scan_outputs is persistent, has tensor maps of x and
  /// y with boxes of 16 tokens, and exchanges flags, one for each
  /// multiprocessor.
  static SamplePlan persistent() {
    SamplePlan sample;
    sample.plan.target = "sm_90a";
    sample.plan.min_capability = 90;
    sample.plan.exact_capability = 1;
    sample.params.push_back({"flags",
                             MAMBA_PARAM_TEMPORARY,
                             MAMBA_DTYPE_I64,
                             1,
                             0,
                             MAMBA_PARAM_FLAGS,
                             {MAMBA_DIM_UNITS(1)}});
    mamba_kernel &kernel = sample.kernels[1];
    kernel.params[kernel.num_params++] = 4;
    kernel.grid[1] = MAMBA_DIM_STATIC(1);
    kernel.num_tensor_maps = 2;
    kernel.tensor_maps[0] = {0, {8, 1, 16, 1}};
    kernel.tensor_maps[1] = {3, {8, 1, 16, 1}};
    kernel.gang = 4;
    kernel.segment_chunks = 0;
    kernel.chunk = 16;
    return sample;
  }

  /// persistent(), with an alternative scan_wide to scan_outputs: gangs of two
  /// blocks, which take longer to start and half of the time a chunk.
  static SamplePlan alternatives() {
    SamplePlan sample = persistent();
    mamba_kernel &first = sample.kernels[1];
    first.cost = {1000, 2000, 1000, 500, 0};
    mamba_kernel &second = sample.kernels.emplace_back(sample.kernels[1]);
    second.name = "scan_wide";
    second.alternative = 1;
    second.gang = 2;
    second.cost = {9000, 1000, 500, 500, 0};
    return sample;
  }

  const mamba_plan *get() {
    plan.num_params = static_cast<int32_t>(params.size());
    plan.params = params.data();
    plan.num_symbols = static_cast<int32_t>(symbols.size());
    plan.symbols = symbols.data();
    plan.num_kernels = static_cast<int32_t>(kernels.size());
    plan.kernels = kernels.data();
    return &plan;
  }
};

/// A tensor with its shape and, unless `data` is given, memory of its own.
class Tensor {
public:
  Tensor(std::vector<int64_t> sizes, DLDataType dtype, DLDevice device,
         void *data = nullptr)
      : shape(std::move(sizes)) {
    size_t bytes = dtype.bits / 8;
    for (int64_t size : shape)
      bytes *= size > 0 ? static_cast<size_t>(size) : 1;
    if (!data) {
      memory.reset(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
      data = memory.get();
    }
    tensor = {data,  device,       static_cast<int32_t>(shape.size()),
              dtype, shape.data(), nullptr,
              0};
  }

  template <typename T>
  T *as() {
    return static_cast<T *>(tensor.data);
  }

  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  DLTensor tensor;

private:
  struct Free {
    void operator()(void *pointer) const { std::free(pointer); }
  };
  std::unique_ptr<void, Free> memory;
};

constexpr DLDataType bfloat16 = {kDLBfloat, 16, 1};
constexpr DLDataType float16 = {kDLFloat, 16, 1};
constexpr DLDataType float32 = {kDLFloat, 32, 1};

/// Correct arguments of the sample plan.
struct SampleArguments {
  explicit SampleArguments(DLDevice device, int64_t batch = 2,
                           int64_t length = 33)
      : x({batch, length, 4, 8}, bfloat16, device),
        dt({batch, length, 4}, float32, device),
        y({batch, length, 4, 8}, bfloat16, device) {}

  Tensor x, dt, y;
  const DLTensor *list[3] = {&x.tensor, &dt.tensor, &y.tensor};
};

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_RUNTIME_SAMPLEPLAN_H
