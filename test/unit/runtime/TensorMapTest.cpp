// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/TensorMap.h"
#include "test/unit/runtime/SamplePlan.h"

#include <gtest/gtest.h>

using namespace mamba::rt;
using namespace mamba::test;

namespace {

/// Tensor maps of x, B×T×4×8, for sizes that a test gives.
class TensorMapShapes : public testing::Test {
protected:
  std::string shapeOf(int64_t batch, int64_t length) {
    Result<Plan> plan = Plan::copy(sample.get());
    EXPECT_TRUE(plan.isOk()) << plan.status().message();
    checked.symbols = {batch, length};
    checked.units = 132;
    shape = {};
    Status status = shapeTensorMap(*plan, plan->kernels()[1].tensor_maps[0],
                                   checked, shape);
    EXPECT_TRUE(status.isOk() || status.code() == MAMBA_INVALID_ARGUMENT);
    return std::string(status.message());
  }

  SamplePlan sample = SamplePlan::persistent();
  CheckedArguments checked;
  TensorMapShape shape;
};

using Sizes = std::array<uint64_t, 5>;
using Strides = std::array<uint64_t, 4>;
using Box = std::array<uint32_t, 5>;

} // namespace

TEST_F(TensorMapShapes, BeginWithTheInnermostDimension) {
  ASSERT_EQ(shapeOf(2, 33), "ok");
  EXPECT_EQ(shape.rank, 4);
  EXPECT_EQ(shape.sizes, (Sizes{8, 4, 33, 2}));
  EXPECT_EQ(shape.strides, (Strides{16, 64, 33 * 64}));
  EXPECT_EQ(shape.box, (Box{8, 1, 16, 1}));
}

TEST_F(TensorMapShapes, OfOneDimensionHaveNoStrides) {
  sample.params.push_back(sample.params[2]);
  mamba_param &flat = sample.params.back();
  flat.dtype = MAMBA_DTYPE_F16;
  flat.rank = 1;
  flat.dims[0] = MAMBA_DIM_UNITS(8);
  sample.kernels[1].tensor_maps[0] = {5, {64}};
  ASSERT_EQ(shapeOf(2, 33), "ok");
  EXPECT_EQ(shape.rank, 1);
  EXPECT_EQ(shape.sizes, Sizes{132 * 8});
  EXPECT_EQ(shape.strides, Strides{});
}

TEST_F(TensorMapShapes, LimitsOfSizes) {
  int64_t limit = int64_t(1) << 32;
  EXPECT_EQ(shapeOf(limit, 1), "ok");
  EXPECT_EQ(shapeOf(limit + 1, 1),
            "tensor map of 'x': dimension 0 is 4294967297, at most 4294967296 "
            "is possible");
}

TEST_F(TensorMapShapes, LimitsOfStrides) {
  // 1024 bytes a token: 2^30 tokens are 2^40 bytes.
  sample.params[0].dims[2] = MAMBA_DIM_STATIC(64);
  EXPECT_EQ(shapeOf(1, (int64_t(1) << 30) - 1), "ok");
  EXPECT_EQ(shapeOf(1, int64_t(1) << 30),
            "tensor map of 'x': stride of dimension 0 is 1099511627776 bytes, "
            "expected a multiple of 16 up to 1099511627775");
  sample.params[0].dims[3] = MAMBA_DIM_STATIC(12);
  EXPECT_EQ(shapeOf(1, 64),
            "tensor map of 'x': stride of dimension 2 is 24 bytes, expected a "
            "multiple of 16 up to 1099511627775");
}
