// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Plan.h"
#include "test/unit/runtime/SamplePlan.h"

#include <functional>
#include <gtest/gtest.h>

using namespace mamba::rt;
using mamba::test::SamplePlan;

namespace {

std::string messageOf(const mamba_plan *plan) {
  return std::string(verifyPlan(plan).message());
}

/// The message after `change` broke the sample.
std::string messageAfter(const std::function<void(SamplePlan &)> &change,
                         SamplePlan sample = {}) {
  change(sample);
  Status status = verifyPlan(sample.get());
  EXPECT_EQ(status.code(), MAMBA_INVALID_ARGUMENT);
  return std::string(status.message());
}

} // namespace

TEST(Plan, SampleIsSound) {
  EXPECT_EQ(messageOf(SamplePlan().get()), "ok");
  EXPECT_EQ(messageOf(SamplePlan::onCpu().get()), "ok");
}

TEST(Plan, CopyOwnsEverything) {
  auto sample = std::make_unique<SamplePlan>();
  std::string name = "renamed later";
  sample->params[0].name = name.c_str();
  Result<Plan> plan = Plan::copy(sample->get());
  ASSERT_TRUE(plan.isOk());
  sample.reset();
  name.assign(name.size(), '!');
  EXPECT_STREQ(plan->params()[0].name, "renamed later");
  EXPECT_STREQ(plan->kernels()[1].name, "scan_outputs");
  EXPECT_STREQ(plan->symbols()[1].name, "length");
  EXPECT_EQ(plan->argumentCount(), 3u);
  EXPECT_EQ(plan->positionOf(2), -1);
  EXPECT_EQ(plan->positionOf(3), 2);
}

TEST(Plan, HeaderErrors) {
  EXPECT_NE(messageOf(nullptr).find("the plan is null"), std::string::npos);
  SamplePlan sample;
  sample.get();
  sample.plan.version = 99;
  EXPECT_NE(messageOf(&sample.plan)
                .find("has version 99, this runtime reads "
                      "version 5"),
            std::string::npos);
  sample.plan.version = MAMBA_PLAN_VERSION;
  sample.plan.target = nullptr;
  EXPECT_NE(messageOf(&sample.plan).find("has no target"), std::string::npos);
  sample.plan.target = "sm_80";
  sample.plan.num_kernels = 0;
  EXPECT_NE(messageOf(&sample.plan).find("number of kernels is 0"),
            std::string::npos);
  sample.get();
  sample.plan.kernels = nullptr;
  EXPECT_NE(messageOf(&sample.plan).find("a list of the plan is null"),
            std::string::npos);
}

TEST(Plan, ParamErrors) {
  EXPECT_EQ(messageAfter([](auto &s) { s.params[1].name = nullptr; }),
            "plan 'scan': param 1: name is null");
  EXPECT_EQ(messageAfter([](auto &s) { s.params[1].kind = 7; }),
            "plan 'scan': param 1: kind is 7, expected 1 to 3");
  EXPECT_EQ(messageAfter([](auto &s) { s.params[0].dtype = 0; }),
            "plan 'scan': param 0: dtype 0 is unknown");
  EXPECT_EQ(messageAfter([](auto &s) { s.params[0].rank = 7; }),
            "plan 'scan': param 0: rank is 7, expected 0 to 6");
  EXPECT_EQ(messageAfter([](auto &s) { s.params[0].alignment = 24; }),
            "plan 'scan': param 0: alignment 24 is not a power of two");
  EXPECT_EQ(messageAfter([](auto &s) { s.params[0].dims[2].extent = 0; }),
            "plan 'scan': param 0: dimension 2: size 0 is not positive");
  EXPECT_EQ(messageAfter([](auto &s) { s.params[0].dims[1].symbol = 2; }),
            "plan 'scan': param 0: dimension 1: symbol 2 does not exist, "
            "there are 2");
  EXPECT_EQ(messageAfter([](auto &s) { s.params[3].dims[1].extent = 16; }),
            "plan 'scan': param 3: dimension 1: an input's or output's size "
            "cannot be a symbol divided by 16");
}

TEST(Plan, SymbolErrors) {
  EXPECT_EQ(messageAfter([](auto &s) { s.symbols[1].param = 4; }),
            "plan 'scan': symbol 1: param 4 does not exist, there are 4");
  EXPECT_EQ(messageAfter([](auto &s) { s.symbols[1].param = 3; }),
            "plan 'scan': symbol 1: is read from 'y', which is not an input");
  EXPECT_EQ(messageAfter([](auto &s) { s.symbols[1] = {"length", 1, 3}; }),
            "plan 'scan': symbol 1: is read from dimension 3 of 'dt', whose "
            "rank is 3");
  EXPECT_EQ(messageAfter([](auto &s) { s.symbols[1].dim = 0; }),
            "plan 'scan': symbol 1: is read from dimension 0 of 'x', which is "
            "another symbol");
}

TEST(Plan, KernelErrors) {
  EXPECT_EQ(messageAfter([](auto &s) { s.kernels[0].params[2] = 4; }),
            "plan 'scan': kernel 0: param index is 4, expected 0 to 3");
  EXPECT_EQ(messageAfter([](auto &s) { s.kernels[1].symbols[1] = -1; }),
            "plan 'scan': kernel 1: symbol index is -1, expected 0 to 1");
  EXPECT_EQ(messageAfter([](auto &s) { s.kernels[1].num_params = 33; }),
            "plan 'scan': kernel 1: number of params is 33, expected 0 to 32");
  EXPECT_EQ(messageAfter([](auto &s) { s.kernels[0].grid[2].extent = 0; }),
            "plan 'scan': kernel 0: grid factor 2: divisor 0 is not positive");
  EXPECT_EQ(messageAfter([](auto &s) { s.kernels[0].block_size = 1025; }),
            "plan 'scan': kernel 0: block size is 1025, expected 1 to 1024");
  EXPECT_EQ(
      messageAfter([](auto &s) { s.kernels[0].dynamic_shared_bytes = -1; }),
      "plan 'scan': kernel 0: dynamic shared memory of -1 bytes");
  EXPECT_EQ(messageAfter([](auto &s) { s.kernels[0].num_symbols = 1; },
                         SamplePlan::onCpu()),
            "plan 'scan': kernel 0: a CPU kernel takes the two symbols batch "
            "and length, not 1");
}

TEST(Plan, TemporaryErrors) {
  auto units = [](SamplePlan &s) { s.params[2].dims[0] = MAMBA_DIM_UNITS(2); };
  EXPECT_EQ(messageAfter(units, SamplePlan::onCpu()),
            "plan 'scan': param 2: dimension 0: is counted in multiprocessors, "
            "which a CPU plan cannot");
  EXPECT_EQ(
      messageAfter([](auto &s) { s.params[1].dims[0] = MAMBA_DIM_UNITS(1); }),
      "plan 'scan': param 1: dimension 0: is counted in multiprocessors, which "
      "only a temporary's size can be");
  EXPECT_EQ(
      messageAfter([](auto &s) { s.kernels[0].grid[0] = MAMBA_DIM_UNITS(1); }),
      "plan 'scan': kernel 0: grid factor 0: is counted in multiprocessors, "
      "which only a temporary's size can be");
  EXPECT_EQ(
      messageAfter([](auto &s) { s.params[2].dims[0] = MAMBA_DIM_UNITS(0); }),
      "plan 'scan': param 2: dimension 0: size for each multiprocessor is 0, "
      "expected 1 to 2147483647");
  EXPECT_EQ(messageAfter([](auto &s) { s.params[2].dims[0].symbol = -3; }),
            "plan 'scan': param 2: dimension 0: symbol -3 does not exist, "
            "there are 2");
}

TEST(Plan, FlagErrors) {
  EXPECT_EQ(messageAfter([](auto &s) { s.params[3].flags = 4; }),
            "plan 'scan': param 3: flags 4 are unknown");
  auto flags = [](SamplePlan &s) { s.params[2].flags = MAMBA_PARAM_FLAGS; };
  EXPECT_EQ(messageAfter(flags, SamplePlan::onCpu()),
            "plan 'scan': param 2: flags of thread blocks need a GPU");
  EXPECT_EQ(
      messageAfter([](auto &s) { s.params[3].flags = MAMBA_PARAM_FLAGS; }),
      "plan 'scan': param 3: only a temporary can be flags of thread blocks");
  EXPECT_EQ(messageAfter(flags),
            "plan 'scan': param 2: flags of thread blocks are float32, "
            "expected int64");
  auto sized = [&](SamplePlan &s) {
    flags(s);
    s.params[2].dtype = MAMBA_DTYPE_I64;
  };
  EXPECT_EQ(messageAfter(sized),
            "plan 'scan': param 2: the size of flags of thread blocks is "
            "symbol 0 in dimension 0");
  EXPECT_EQ(messageAfter([&](auto &s) {
              sized(s);
              s.params[2].rank = 0;
            }),
            "plan 'scan': kernel 0: takes flags of thread blocks, but is not "
            "persistent");
}

namespace {

/// Breaks the second kernel of a sound plan with a tensor map and a gang.
std::string kernelMessageAfter(
    const std::function<void(mamba_kernel &, SamplePlan &)> &change) {
  SamplePlan sample = SamplePlan::persistent();
  EXPECT_EQ(messageOf(sample.get()), "ok");
  change(sample.kernels[1], sample);
  std::string message = messageOf(sample.get());
  std::string prefix = "plan 'scan': kernel 1: ";
  EXPECT_EQ(message.substr(0, prefix.size()), prefix);
  return message.substr(std::min(prefix.size(), message.size()));
}

} // namespace

TEST(Plan, PersistentKernelErrors) {
  EXPECT_EQ(kernelMessageAfter([](auto &k, auto &) { k.gang = -1; }),
            "gang is -1, expected 1 to 65536");
  EXPECT_EQ(kernelMessageAfter([](auto &k, auto &) {
              k.gang = 0;
              k.segment_chunks = 2;
            }),
            "has segments of 2 chunks of 16 tokens, but no gang that works on "
            "them");
  EXPECT_EQ(kernelMessageAfter([](auto &k, auto &) { k.chunk = 0; }),
            "chunk length is 0, expected 1 to 2147483647");
  EXPECT_EQ(kernelMessageAfter([](auto &k, auto &) { k.segment_chunks = -8; }),
            "segment length in chunks is -8, expected 0 to 2147483647");
  EXPECT_EQ(kernelMessageAfter([](auto &k, auto &) { k.num_symbols = 1; }),
            "a persistent kernel takes the two symbols batch and length, not "
            "1");
  EXPECT_EQ(
      messageAfter([](auto &s) { s.kernels[1].gang = 4; }, SamplePlan::onCpu()),
      "plan 'scan': kernel 1: a CPU kernel cannot be persistent");
}

TEST(Plan, TensorMapErrors) {
  EXPECT_EQ(kernelMessageAfter([](auto &k, auto &) { k.num_tensor_maps = 9; }),
            "number of tensor maps is 9, expected 0 to 8");
  EXPECT_EQ(
      kernelMessageAfter([](auto &, auto &s) { s.plan.min_capability = 80; }),
      "tensor map 0: needs compute capability 9.0, the plan is for sm_90a");
  EXPECT_EQ(
      kernelMessageAfter([](auto &k, auto &) { k.tensor_maps[1].param = 5; }),
      "tensor map 1: param index is 5, expected 0 to 4");
  EXPECT_EQ(
      kernelMessageAfter([](auto &k, auto &) { k.tensor_maps[1].param = 1; }),
      "tensor map 1: 'dt': elements are float32, expected 16-bit ones");
  EXPECT_EQ(kernelMessageAfter([](auto &, auto &s) {
              s.params[0].rank = 6;
              s.params[0].dims[4] = s.params[0].dims[5] = MAMBA_DIM_STATIC(1);
            }),
            "tensor map 0: 'x': rank is 6, expected 1 to 5");
  EXPECT_EQ(
      kernelMessageAfter([](auto &, auto &s) { s.params[0].alignment = 8; }),
      "tensor map 0: 'x': alignment is 8, expected 16 or more");
  EXPECT_EQ(kernelMessageAfter(
                [](auto &k, auto &) { k.tensor_maps[0].box[2] = 257; }),
            "tensor map 0: 'x': box size is 257, expected 1 to 256");
  EXPECT_EQ(
      kernelMessageAfter([](auto &k, auto &) { k.tensor_maps[0].box[4] = 1; }),
      "tensor map 0: 'x': box size beyond the rank is 1, expected 0 to 0");
  for (int32_t width : {4, 72})
    EXPECT_EQ(kernelMessageAfter(
                  [=](auto &k, auto &) { k.tensor_maps[0].box[0] = width; }),
              "tensor map 0: 'x': a box is " + std::to_string(2 * width) +
                  " bytes wide, expected a multiple of 16 up to 128");
}

TEST(Plan, AlternativeErrors) {
  auto messageAfter = [](const std::function<void(SamplePlan &)> &change) {
    SamplePlan sample = SamplePlan::alternatives();
    EXPECT_EQ(messageOf(sample.get()), "ok");
    change(sample);
    return messageOf(sample.get());
  };
  EXPECT_EQ(messageAfter([](auto &s) { s.kernels[2].alternative = 2; }),
            "plan 'scan': kernel 2: alternative is 2, expected 0 to 1");
  EXPECT_EQ(messageAfter([](auto &s) {
              s.kernels.erase(s.kernels.begin(), s.kernels.begin() + 2);
            }),
            "plan 'scan': kernel 0: is an alternative, but no kernel stands "
            "before it");
  EXPECT_EQ(messageAfter([](auto &s) { s.kernels[1].cost.chunk = 0; }),
            "plan 'scan': kernel 1: has alternatives, but a chunk of 16 "
            "tokens, 2 symbols and a cost of 0 ps a chunk; expected 1 or more "
            "of tokens and ps, and the symbols batch and length");
  EXPECT_EQ(messageAfter([](auto &s) { s.kernels[2].cost.launch = -1; }),
            "plan 'scan': kernel 2: cost of a launch is -1, expected 0 to "
            "1000000000000");
  EXPECT_EQ(messageAfter([](auto &s) { s.kernels[2].cost.state = -1; }),
            "plan 'scan': kernel 2: cost of states is -1, expected 0 to "
            "1000000000000");
  EXPECT_EQ(messageAfter([](auto &s) {
              s.plan.min_capability = 0;
              s.params.pop_back();
              for (mamba_kernel &kernel : s.kernels) {
                kernel.num_params = std::min(kernel.num_params, 4);
                kernel.gang = kernel.segment_chunks = 0;
                kernel.num_tensor_maps = 0;
              }
            }),
            "plan 'scan': kernel 1: a CPU kernel cannot have alternatives");
}

TEST(Plan, CapabilityOfFamilyAndOfOneArchitecture) {
  SamplePlan sample;
  Result<Plan> family = Plan::copy(sample.get());
  EXPECT_TRUE(family->checkCapability(80).isOk());
  EXPECT_TRUE(family->checkCapability(121).isOk());
  EXPECT_EQ(family->checkCapability(75).message(),
            "'scan' was compiled for sm_80 and needs compute capability 8.0 "
            "or newer; the device has 7.5");
  sample.plan.target = "sm_90a";
  sample.plan.min_capability = 90;
  sample.plan.exact_capability = 1;
  Result<Plan> one = Plan::copy(sample.get());
  EXPECT_TRUE(one->checkCapability(90).isOk());
  EXPECT_EQ(one->checkCapability(100).message(),
            "'scan' was compiled for sm_90a and needs compute capability 9.0; "
            "the device has 10.0");
}
