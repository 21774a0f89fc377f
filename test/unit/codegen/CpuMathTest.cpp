// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Elementary functions as the CPU back end computes them, element by element
// against float64.

#include "test/unit/codegen/CpuHarness.h"

#include "llvm/Support/FormatVariadic.h"

namespace mamba::test {
namespace {

/// Largest relative error of `op` on [low, high], spaced evenly.
double largestError(const char *op, double (*function)(double), double low,
                    double high) {
  const char *text = R"(
func.func @f(%x: tensor<?x?x1x16xf32>) -> tensor<?x?x1x16xf32> {{
  %y = ssd.chunk_scan chunk 4 heads 1 ins(%x as [batch, time, head, channel] : tensor<?x?x1x16xf32>)
      outs([batch, time, head, channel] : tensor<?x?x1x16xf32>) {{
  ^bb0(%xt: tensor<4x16xf32>):
    %r = {0} %xt : tensor<4x16xf32>
    ssd.yield %r : tensor<4x16xf32>
  }
  return %y : tensor<?x?x1x16xf32>
})";
  auto executable = compile(llvm::formatv(text, op).str(), "f");
  if (!executable)
    return INFINITY;
  constexpr int64_t length = 4096, count = length * 16;
  Array x, y;
  for (int64_t i = 0; i < count; ++i)
    x.values.push_back(low + (high - low) * double(i) / (count - 1));
  x.store();
  y.poison(count);
  run(*executable, {&x, &y}, 1, length);
  double largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    double expected = function(x.values[i]);
    // Results below the normal numbers may be flushed to zero.
    double error = std::fabs(expected) < 1.2e-38
                       ? std::fabs(y.values[i])
                       : std::fabs(y.values[i] / expected - 1);
    if (!(error <= largest))
      largest = error;
  }
  return largest;
}

TEST(CpuMath, Exp) {
  EXPECT_LE(largestError("math.exp", std::exp, -1, 0), 1.2e-7);
  EXPECT_LE(largestError("math.exp", std::exp, -100, 80), 1.2e-7);
}

TEST(CpuMath, Log) {
  EXPECT_LE(largestError("math.log", std::log, 1.5, 100), 2e-7);
  EXPECT_LE(largestError("math.log1p", std::log1p, 1e-6, 1), 3e-7);
}

TEST(CpuMath, Tanh) {
  EXPECT_LE(largestError("math.tanh", std::tanh, 1e-3, 9), 5e-7);
}

TEST(CpuMath, Expm1) {
  EXPECT_LE(largestError("math.expm1", std::expm1, -20, -1e-3), 4e-7);
}

TEST(CpuMath, Erf) {
  EXPECT_LE(largestError("math.erf", std::erf, -4, -1e-3), 5e-7);
}

TEST(CpuMath, SinAndCosFromTheLibrary) {
  EXPECT_LE(largestError("math.sin", std::sin, -100, 100), 2e-7);
  EXPECT_LE(largestError("math.cos", std::cos, -100, 100), 2e-7);
}

TEST(CpuMath, Rsqrt) {
  EXPECT_LE(
      largestError(
          "math.rsqrt", [](double x) { return 1 / std::sqrt(x); }, 1e-3, 50),
      3e-7);
}

} // namespace
} // namespace mamba::test
