// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Grid.h"
#include "test/unit/runtime/SamplePlan.h"

#include <gtest/gtest.h>

using namespace mamba::rt;
using namespace mamba::test;

namespace {

constexpr DLDevice gpu = {kDLCUDA, 0};

class Arguments : public testing::Test {
protected:
  std::string check() {
    Result<Plan> plan = Plan::copy(sample.get());
    EXPECT_TRUE(plan.isOk()) << plan.status().message();
    Status status = checkArguments(*plan, {gpu, units}, list, checked);
    EXPECT_TRUE(status.isOk() || status.code() == MAMBA_INVALID_ARGUMENT);
    return std::string(status.message());
  }

  static constexpr int64_t units = 108;
  SamplePlan sample;
  SampleArguments arguments = SampleArguments(gpu);
  std::vector<const DLTensor *> list = {arguments.list, arguments.list + 3};
  CheckedArguments checked;
};

} // namespace

TEST_F(Arguments, SoundOnesGiveSymbolsPointersAndSizes) {
  ASSERT_EQ(check(), "ok");
  EXPECT_EQ(checked.symbols[0], 2);
  EXPECT_EQ(checked.symbols[1], 33);
  EXPECT_EQ(checked.pointers[0], arguments.x.tensor.data);
  EXPECT_EQ(checked.pointers[2], nullptr);
  EXPECT_EQ(checked.pointers[3], arguments.y.tensor.data);
  EXPECT_EQ(checked.bytes[1], 2 * 33 * 4 * 4);
  // ceil(33 / 16) = 3 chunks, 1536 bytes in all batches.
  EXPECT_EQ(checked.bytes[2], 2 * 3 * 4 * 8 * 4);
  EXPECT_EQ(checked.workspaceBytes, 768);
}

TEST_F(Arguments, Count) {
  list.pop_back();
  EXPECT_EQ(check(), "2 arguments were given, 'scan' takes 3: x, dt, y");
}

TEST_F(Arguments, NullTensorShapeAndData) {
  list[1] = nullptr;
  EXPECT_EQ(check(), "argument 1 'dt': the tensor is null");
  list[1] = &arguments.dt.tensor;
  arguments.dt.tensor.shape = nullptr;
  EXPECT_EQ(check(), "argument 1 'dt': the shape is null");
  arguments.dt.tensor.shape = arguments.dt.shape.data();
  arguments.dt.tensor.data = nullptr;
  EXPECT_EQ(check(), "argument 1 'dt': the data pointer is null");
}

TEST_F(Arguments, Rank) {
  arguments.dt.tensor.ndim = 2;
  EXPECT_EQ(check(), "argument 1 'dt': rank is 2, expected 3");
}

TEST_F(Arguments, Dtype) {
  arguments.x.tensor.dtype = float16;
  EXPECT_EQ(check(), "argument 0 'x': dtype is float16, expected bfloat16");
  arguments.x.tensor.dtype = {kDLBfloat, 16, 2};
  EXPECT_EQ(check(), "argument 0 'x': dtype is bfloat16x2, expected bfloat16");
  arguments.x.tensor.dtype = {99, 8, 1};
  EXPECT_EQ(check(), "argument 0 'x': dtype is dtype code 99 of 8 bits, "
                     "expected bfloat16");
}

TEST_F(Arguments, Memory) {
  arguments.y.tensor.device = {kDLCPU, 0};
  EXPECT_EQ(check(), "argument 2 'y': is on cpu, expected cuda:0");
  arguments.y.tensor.device = {kDLCUDA, 1};
  EXPECT_EQ(check(), "argument 2 'y': is on cuda:1, expected cuda:0");
  arguments.y.tensor.device = {kDLCUDAManaged, 0};
  EXPECT_EQ(check(), "ok");
}

TEST_F(Arguments, StaticSize) {
  arguments.x.shape[3] = 16;
  EXPECT_EQ(check(), "argument 0 'x': dimension 3 is 16, expected 8");
}

TEST_F(Arguments, SymbolsAgree) {
  arguments.y.shape[1] = 32;
  EXPECT_EQ(check(), "argument 2 'y': dimension 1 is 32, but length is 33 in "
                     "dimension 1 of argument 0 'x'");
}

TEST_F(Arguments, SizesArePositive) {
  arguments.dt.shape[1] = 0;
  EXPECT_EQ(check(),
            "argument 1 'dt': dimension 1 is 0, sizes must be positive");
  arguments.dt.shape[1] = -5;
  EXPECT_EQ(check(),
            "argument 1 'dt': dimension 1 is -5, sizes must be positive");
}

TEST_F(Arguments, SizesDoNotOverflow) {
  for (Tensor *tensor : {&arguments.x, &arguments.dt, &arguments.y}) {
    tensor->shape[0] = int64_t(1) << 32;
    tensor->shape[1] = int64_t(1) << 30;
  }
  EXPECT_EQ(check(),
            "argument 0 'x': is larger than 9223372036854775807 bytes");
}

TEST_F(Arguments, Strides) {
  arguments.dt.strides = {132, 4, 1};
  arguments.dt.tensor.strides = arguments.dt.strides.data();
  EXPECT_EQ(check(), "ok");
  arguments.dt.strides[1] = 8;
  EXPECT_EQ(check(), "argument 1 'dt': stride of dimension 1 is 8, expected 4: "
                     "tensors must be compact and row-major");
}

TEST_F(Arguments, StrideOfSizeOneIsFree) {
  SampleArguments one(gpu, /*batch=*/1);
  one.dt.strides = {-77, 4, 1};
  one.dt.tensor.strides = one.dt.strides.data();
  list.assign(one.list, one.list + 3);
  EXPECT_EQ(check(), "ok");
}

TEST_F(Arguments, AlignmentCountsTheByteOffset) {
  arguments.x.tensor.byte_offset = 8;
  EXPECT_NE(check().find("argument 0 'x': address 0x"), std::string::npos);
  EXPECT_NE(check().find("is not a multiple of 16 bytes"), std::string::npos);
  arguments.x.tensor.data = arguments.x.as<char>() + 8;
  EXPECT_EQ(check(), "ok");
  EXPECT_EQ(checked.pointers[0], arguments.x.as<char>() + 8);
  // Without a requirement the element size counts.
  arguments.dt.tensor.byte_offset = 2;
  EXPECT_NE(check().find("is not a multiple of 4 bytes"), std::string::npos);
}

TEST_F(Arguments, AddressSpace) {
  arguments.x.tensor.byte_offset = UINT64_MAX - 15;
  EXPECT_EQ(check(), "argument 0 'x': ends beyond the address space");
}

TEST_F(Arguments, OutputsOverlapNothing) {
  arguments.y.tensor.data = arguments.x.as<char>() + 16;
  EXPECT_EQ(check(), "argument 2 'y': overlaps argument 0 'x' in memory");
  arguments.y.tensor.data = arguments.x.tensor.data;
  EXPECT_EQ(check(), "argument 2 'y': overlaps argument 0 'x' in memory");
  sample.params[3].flags = MAMBA_PARAM_IN_PLACE;
  EXPECT_EQ(check(), "ok");
  arguments.y.tensor.data = arguments.x.as<char>() + 16;
  EXPECT_EQ(check(), "argument 2 'y': overlaps argument 0 'x' in memory");
}

TEST_F(Arguments, WorkspaceIsCheckedAndCut) {
  sample.params.push_back(sample.params[2]);
  sample.params[4].name = "tmp2";
  sample.params[4].dims[3] = MAMBA_DIM_STATIC(1);
  ASSERT_EQ(check(), "ok");
  EXPECT_EQ(checked.workspaceBytes, 768 + 256);
  Result<Plan> plan = Plan::copy(sample.get());
  auto place = [&](void *workspace, uint64_t bytes) {
    return std::string(
        placeTemporaries(*plan, workspace, bytes, checked).message());
  };
  Tensor memory({1024}, float32, gpu);
  EXPECT_EQ(place(nullptr, 1024),
            "the workspace is null, 1024 bytes are needed");
  EXPECT_EQ(place(memory.as<char>(), 1023),
            "the workspace has 1023 bytes, 1024 are needed");
  EXPECT_NE(place(memory.as<char>() + 16, 1024)
                .find("is not a multiple of 256 bytes"),
            std::string::npos);
  EXPECT_EQ(place(memory.as<char>(), 1024), "ok");
  EXPECT_EQ(checked.pointers[2], memory.as<char>());
  EXPECT_EQ(checked.pointers[4], memory.as<char>() + 768);
}

TEST_F(Arguments, GridIsBounded) {
  ASSERT_EQ(check(), "ok");
  EXPECT_EQ(divideWork(sample.kernels[0], checked, 24)->blocks, 2 * 4 * 3);
  EXPECT_EQ(divideWork(sample.kernels[0], checked, 23).status().message(),
            "kernel 'scan_states' would need more than 23 work items, the "
            "limit of a grid; split the batch");
  checked.symbols[0] = INT64_MAX;
  EXPECT_FALSE(divideWork(sample.kernels[0], checked, INT64_MAX).isOk());
}
