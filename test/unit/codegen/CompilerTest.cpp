// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The compiler as a library, through its C interface.

#include "codegen/Compiler/mamba_compiler.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <cstring>
#include <vector>

namespace {

using testing::HasSubstr;

// y_i = Σ_{j ≤ i} (c_i · b_j) x_j: linear attention, here with one head.
constexpr const char *kLinearAttention = R"mlir(
func.func @attend(%x: tensor<?x?x1x8xTYPE> {ssd.name = "x"},
                  %b: tensor<?x?x1x8xTYPE> {ssd.name = "b"},
                  %c: tensor<?x?x1x8xTYPE> {ssd.name = "c"})
    -> (tensor<?x?x1x8xTYPE> {ssd.name = "y"}) {
  %M = ssd.state_space %c, %b : tensor<?x?x1x8xTYPE>, tensor<?x?x1x8xTYPE>
  %y = ssd.apply %M, %x : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x8xTYPE>
      -> tensor<?x?x1x8xTYPE>
  return %y : tensor<?x?x1x8xTYPE>
}
)mlir";

std::string linearAttention(const std::string &type) {
  std::string text = kLinearAttention;
  for (size_t at; (at = text.find("TYPE")) != std::string::npos;)
    text.replace(at, 4, type);
  return text;
}

struct Compiled {
  char *message = nullptr;
  mamba_compiled *function;

  Compiled(const std::string &text, const char *entry, const char *target)
      : function(mamba_compile(text.c_str(), entry, target, &message)) {}
  ~Compiled() {
    mamba_compiled_free(function);
    mamba_compiler_free_message(message);
  }
};

TEST(Compiler, RunsOnTheCpu) {
  Compiled compiled(linearAttention("f32"), nullptr, "cpu");
  ASSERT_NE(compiled.function, nullptr) << compiled.message;
  EXPECT_EQ(compiled.message, nullptr);
  EXPECT_EQ(mamba_compiled_ptx(compiled.function), nullptr);
  const mamba_plan *plan = mamba_compiled_plan(compiled.function);
  ASSERT_EQ(plan->num_kernels, 1);
  ASSERT_EQ(plan->num_params, 4);
  EXPECT_STREQ(plan->params[3].name, "y");

  constexpr int64_t length = 37;
  std::vector<float> x(length * 8), b(length * 8), c(length * 8);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = float(i % 7) - 3;
    b[i] = float(i % 5) - 2;
    c[i] = float(i % 3) - 1;
  }
  std::vector<float> y(length * 8, -1.0e30f);
  const mamba_kernel &kernel = plan->kernels[0];
  float *data[] = {x.data(), b.data(), c.data(), y.data()};
  std::vector<void *> pointers;
  for (int32_t i = 0; i < kernel.num_params; ++i)
    pointers.push_back(data[kernel.params[i]]);
  struct Call {
    mamba_cpu_kernel kernel;
    void **pointers;
  } call{mamba_compiled_cpu_kernel(compiled.function, 0), pointers.data()};
  ASSERT_NE(call.kernel, nullptr);
  EXPECT_EQ(mamba_compiled_cpu_kernel(compiled.function, 1), nullptr);
  mamba_compiled_parallel_for(
      compiled.function, /*count=*/1,
      [](void *closure, int64_t begin, int64_t end) {
        auto *call = static_cast<Call *>(closure);
        call->kernel(call->pointers, 1, length, begin, end);
      },
      &call);

  // All values are small integers: the sums are exact.
  for (int64_t i = 0; i < length; ++i)
    for (int64_t p = 0; p < 8; ++p) {
      float expected = 0;
      for (int64_t j = 0; j <= i; ++j)
        for (int64_t n = 0; n < 8; ++n)
          expected += c[i * 8 + n] * b[j * 8 + n] * x[j * 8 + p];
      ASSERT_EQ(y[i * 8 + p], expected) << "token " << i << " channel " << p;
    }
}

TEST(Compiler, EmitsPtxWithThePlanOfItsLaunch) {
  Compiled compiled(linearAttention("bf16"), "attend", "sm_90a");
  ASSERT_NE(compiled.function, nullptr) << compiled.message;
  EXPECT_THAT(mamba_compiled_ptx(compiled.function),
              HasSubstr(".target sm_90a"));
  EXPECT_EQ(mamba_compiled_cpu_kernel(compiled.function, 0), nullptr);
  const mamba_plan *plan = mamba_compiled_plan(compiled.function);
  ASSERT_EQ(plan->num_kernels, 1);
  EXPECT_THAT(mamba_compiled_ptx(compiled.function),
              HasSubstr(plan->kernels[0].name));
  // A producer, a mask maker and two consumer warpgroups, one block each.
  const mamba_kernel &kernel = plan->kernels[0];
  EXPECT_EQ(kernel.block_size % 128, 0);
  EXPECT_GE(kernel.block_size, 3 * 128);
  EXPECT_GT(kernel.dynamic_shared_bytes, 0);
  EXPECT_EQ(kernel.chunk, 64);
  EXPECT_GT(kernel.gang, 0);
  EXPECT_EQ(kernel.num_tensor_maps, 4);
  EXPECT_EQ(plan->min_capability, 90);
  EXPECT_EQ(plan->exact_capability, 1);
}

struct Failure {
  const char *name;
  std::string text;
  const char *entry;
  const char *target;
  const char *expected;
};

class CompilerErrors : public testing::TestWithParam<Failure> {};

TEST_P(CompilerErrors, SaysWhatWhichAndWhere) {
  const Failure &failure = GetParam();
  Compiled compiled(failure.text, failure.entry, failure.target);
  ASSERT_EQ(compiled.function, nullptr);
  EXPECT_THAT(compiled.message, HasSubstr(failure.expected));
}

INSTANTIATE_TEST_SUITE_P(
    All, CompilerErrors,
    testing::Values(
        Failure{"Syntax", "func.func @f(", nullptr, "cpu", "source:1:13"},
        Failure{"Entry", linearAttention("f32"), "attention", "cpu",
                "the module has no function 'attention'; it has attend"},
        Failure{"Target", linearAttention("f32"), nullptr, "sm_70",
                "unknown target 'sm_70'; known targets are cpu, sm_80"},
        Failure{"Operands", linearAttention("f32"), nullptr, "sm_80", "f32"}),
    [](const auto &info) { return info.param.name; });

} // namespace
