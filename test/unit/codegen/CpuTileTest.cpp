// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Single tile operations, compiled and run, against float64; and the shapes of
// register tiles.

#include "codegen/CPU/ProductTiles.h"
#include "test/unit/codegen/CpuHarness.h"

#include "llvm/Support/FormatVariadic.h"

namespace mamba::test {
namespace {

/// Runs `body`, which computes %r : tensor<QxR> of the tile %a : tensor<QxK>,
/// on one chunk of Q tokens.
std::vector<double> runTile(const std::string &body, const Array &a, int64_t q,
                            int64_t k, int64_t r) {
  const char *text = R"(
func.func @f(%x: tensor<?x?x1x{1}xf32>) -> tensor<?x?x1x{2}xf32> {{
  %y = ssd.chunk_scan chunk {0} heads 1 ins(%x as [batch, time, head, channel] : tensor<?x?x1x{1}xf32>)
      outs([batch, time, head, channel] : tensor<?x?x1x{2}xf32>) {{
  ^bb0(%a: tensor<{0}x{1}xf32>):
    {3}
    ssd.yield %r : tensor<{0}x{2}xf32>
  }
  return %y : tensor<?x?x1x{2}xf32>
})";
  auto executable = compile(llvm::formatv(text, q, k, r, body).str(), "f");
  Array copy = a, y;
  y.poison(q * r);
  if (executable)
    run(*executable, {&copy, &y}, 1, q);
  return y.values;
}

Array negative(std::mt19937 &random, int64_t count, double scale) {
  Array a = randomArray(random, count, scale);
  for (double &value : a.values)
    value = -std::fabs(value);
  a.store();
  return a;
}

/// A token vector as operand: rank-1 tiles come from tensors without channels.
std::vector<double> runVector(const std::string &body, const Array &v,
                              int64_t q) {
  const char *text = R"(
func.func @f(%x: tensor<?x?x1xf32>) -> tensor<?x?x1x{0}xf32> {{
  %y = ssd.chunk_scan chunk {0} heads 1 ins(%x as [batch, time, head] : tensor<?x?x1xf32>)
      outs([batch, time, head, channel] : tensor<?x?x1x{0}xf32>) {{
  ^bb0(%v: tensor<{0}xf32>):
    {1}
    ssd.yield %r : tensor<{0}x{0}xf32>
  }
  return %y : tensor<?x?x1x{0}xf32>
})";
  auto executable = compile(llvm::formatv(text, q, body).str(), "f");
  Array copy = v, y;
  y.poison(q * q);
  if (executable)
    run(*executable, {&copy, &y}, 1, q);
  return y.values;
}

/// L_ij of the header of ssd.segment_decay.
double decayAt(const Array &v, int64_t i, int64_t j, bool strict) {
  if (j > i || (strict && j == i))
    return 0;
  double sum = 0;
  for (int64_t k = j + 1; k <= i; ++k)
    sum += v.values[k];
  return std::exp(sum);
}

void checkDecay(int64_t q, int64_t subBlock, bool strict, bool transposed,
                double scale = 1) {
  SCOPED_TRACE(testing::Message() << q << " by " << subBlock);
  std::mt19937 random(q);
  Array v = negative(random, q, scale);
  std::string body = llvm::formatv(
      "%r = ssd.segment_decay %v sub_block {1} {2} {3} : "
      "(tensor<{0}xf32>) -> tensor<{0}x{0}xf32>",
      q, subBlock, strict ? "strict" : "", transposed ? "transposed" : "");
  std::vector<double> out = runVector(body, v, q);
  double largest = 0;
  for (int64_t i = 0; i < q; ++i)
    for (int64_t j = 0; j < q; ++j) {
      double expected =
          transposed ? decayAt(v, j, i, strict) : decayAt(v, i, j, strict);
      double value = out[i * q + j];
      if (expected < 1e-37)
        EXPECT_LE(std::fabs(value), 1.2e-37) << i << ", " << j;
      else
        largest = std::max(largest, std::fabs(value / expected - 1));
    }
  // Every element, not only their norm: sums of up to q terms, each rounded.
  EXPECT_LE(largest, 2e-6 * std::max(1.0, scale * double(q) / 16));
}

TEST(CpuTile, SegmentDecay) {
  checkDecay(1, 1, false, false);
  checkDecay(16, 16, false, false);
  checkDecay(64, 16, false, false);
  checkDecay(37, 8, false, false);
  checkDecay(100, 100, false, false);
}

TEST(CpuTile, SegmentDecayStrictAndTransposed) {
  checkDecay(48, 16, true, false);
  checkDecay(48, 16, false, true);
  checkDecay(19, 8, true, true);
}

TEST(CpuTile, StrongSegmentDecayUnderflowsToZero) {
  checkDecay(64, 16, false, false, 30);
}

TEST(CpuTile, TriangleOfOnes) {
  Array v;
  v.values.assign(9, 0);
  v.store();
  for (bool strict : {false, true}) {
    std::string body =
        llvm::formatv("%r = ssd.segment_decay sub_block 3 {0} : () -> "
                      "tensor<9x9xf32>",
                      strict ? "strict" : "");
    std::vector<double> out = runVector(body, v, 9);
    for (int64_t i = 0; i < 9; ++i)
      for (int64_t j = 0; j < 9; ++j)
        EXPECT_EQ(out[i * 9 + j], j < i || (j == i && !strict) ? 1 : 0);
  }
}

TEST(CpuTile, Cumsum) {
  for (int64_t q : {1, 5, 16, 17, 40})
    for (bool exclusive : {false, true})
      for (bool reverse : {false, true}) {
        SCOPED_TRACE(testing::Message() << q << exclusive << reverse);
        std::mt19937 random(q);
        Array v = negative(random, q, 1);
        std::string body = llvm::formatv(
            "%c = ssd.cumsum %v {1} {2} : tensor<{0}xf32>\n"
            "%r = ssd.broadcast %c dims [1] : tensor<{0}xf32> -> "
            "tensor<{0}x{0}xf32>",
            q, exclusive ? "exclusive" : "", reverse ? "reverse" : "");
        std::vector<double> out = runVector(body, v, q);
        for (int64_t i = 0; i < q; ++i) {
          double sum = 0;
          for (int64_t k = 0; k < q; ++k)
            if ((reverse ? k > i : k < i) || (k == i && !exclusive))
              sum += v.values[k];
          EXPECT_NEAR(out[i * q], sum, 1e-6 * (1 + std::fabs(sum)));
        }
      }
}

TEST(CpuTile, DotInEveryOrientation) {
  // aᵀ·a, a·aᵀ and their products with a: each operand contracted either way.
  constexpr int64_t q = 21, k = 35;
  std::mt19937 random(5);
  Array a = randomArray(random, q * k);
  std::string body = R"(
    %rows = ssd.dot %a, %a contract [1, 1] : tensor<21x35xf32>, tensor<21x35xf32> -> tensor<21x21xf32>
    %columns = ssd.dot %a, %a contract [0, 0] : tensor<21x35xf32>, tensor<21x35xf32> -> tensor<35x35xf32>
    %left = ssd.dot %rows, %a contract [0, 0] : tensor<21x21xf32>, tensor<21x35xf32> -> tensor<21x35xf32>
    %r = ssd.dot %a, %columns contract [1, 1] init %left : tensor<21x35xf32>, tensor<35x35xf32>, tensor<21x35xf32> -> tensor<21x35xf32>)";
  std::vector<double> out = runTile(body, a, q, k, k), expected(q * k);
  auto at = [&](int64_t i, int64_t j) { return a.values[i * k + j]; };
  // Both terms are a·aᵀ·a.
  for (int64_t i = 0; i < q; ++i)
    for (int64_t j = 0; j < q; ++j) {
      double rows = 0;
      for (int64_t c = 0; c < k; ++c)
        rows += at(i, c) * at(j, c);
      for (int64_t c = 0; c < k; ++c)
        expected[i * k + c] += 2 * rows * at(j, c);
    }
  EXPECT_LE(relativeError(out, expected), 2e-6);
}

TEST(CpuTile, StateIsReadBeforeItIsUpdated) {
  // It is multiplied along its first dimension, behind its update.
  const char *text = R"(
func.func @f(%x: tensor<?x?x1x6xf32>, %c: tensor<?x?x1x4xf32>) -> (tensor<?x?x1x6xf32>, tensor<?x1x4x6xf32>) {
  %y, %s = ssd.chunk_scan chunk 3 heads 1 ins(%x as [batch, time, head, channel] : tensor<?x?x1x6xf32>, %c as [batch, time, head, state] : tensor<?x?x1x4xf32>)
      outs([batch, time, head, channel] : tensor<?x?x1x6xf32>) finals(tensor<?x1x4x6xf32>) {
  ^bb0(%xt: tensor<3x6xf32>, %ct: tensor<3x4xf32>, %st: tensor<4x6xf32>):
    %next = ssd.dot %ct, %xt contract [0, 0] init %st : tensor<3x4xf32>, tensor<3x6xf32>, tensor<4x6xf32> -> tensor<4x6xf32>
    %read = ssd.dot %ct, %st contract [1, 0] : tensor<3x4xf32>, tensor<4x6xf32> -> tensor<3x6xf32>
    ssd.yield %read, %next : tensor<3x6xf32>, tensor<4x6xf32>
  }
  return %y, %s : tensor<?x?x1x6xf32>, tensor<?x1x4x6xf32>
})";
  auto executable = compile(text, "f");
  ASSERT_TRUE(executable);
  std::mt19937 random(5);
  constexpr int64_t length = 7;
  Array x = randomArray(random, length * 6),
        c = randomArray(random, length * 4);
  Array y, s;
  y.poison(length * 6);
  s.poison(24);
  run(*executable, {&x, &c, &y, &s}, 1, length);
  std::vector<double> expected(length * 6), state(24);
  for (int64_t chunk = 0; chunk < length; chunk += 3) {
    int64_t end = std::min(length, chunk + 3);
    for (int64_t t = chunk; t < end; ++t)
      for (int64_t p = 0; p < 6; ++p)
        for (int64_t n = 0; n < 4; ++n)
          expected[t * 6 + p] += c.values[t * 4 + n] * state[n * 6 + p];
    for (int64_t t = chunk; t < end; ++t)
      for (int64_t p = 0; p < 6; ++p)
        for (int64_t n = 0; n < 4; ++n)
          state[n * 6 + p] += c.values[t * 4 + n] * x.values[t * 6 + p];
  }
  EXPECT_LE(relativeError(y.values, expected), 2e-6);
  EXPECT_LE(relativeError(s.values, state), 2e-6);
}

TEST(CpuTile, StateThatNobodyWantsAtTheEnd) {
  // y_t = Σ_{k<t} x_k + s0, with an initial and without a final state.
  const char *text = R"(
func.func @f(%x: tensor<?x?x1x6xf32>, %s0: tensor<?x1x1x6xf32>) -> tensor<?x?x1x6xf32> {
  %y = ssd.chunk_scan chunk 1 heads 1 ins(%x as [batch, time, head, channel] : tensor<?x?x1x6xf32>)
      inits(%s0 : tensor<?x1x1x6xf32>) outs([batch, time, head, channel] : tensor<?x?x1x6xf32>) {
  ^bb0(%xt: tensor<1x6xf32>, %st: tensor<1x6xf32>):
    %next = arith.addf %st, %xt : tensor<1x6xf32>
    ssd.yield %st, %next : tensor<1x6xf32>, tensor<1x6xf32>
  }
  return %y : tensor<?x?x1x6xf32>
})";
  auto executable = compile(text, "f");
  ASSERT_TRUE(executable);
  std::mt19937 random(5);
  constexpr int64_t length = 4;
  Array x = randomArray(random, 2 * length * 6);
  Array init = randomArray(random, 2 * 6), y;
  y.poison(2 * length * 6);
  run(*executable, {&x, &init, &y}, 2, length);
  std::vector<double> expected;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t t = 0; t < length; ++t)
      for (int64_t p = 0; p < 6; ++p)
        expected.push_back(t == 0 ? init.values[n * 6 + p]
                                  : expected[(n * length + t - 1) * 6 + p] +
                                        x.values[(n * length + t - 1) * 6 + p]);
  EXPECT_LE(relativeError(y.values, expected), 2e-6);
}

TEST(CpuTile, RegisterTilesFitTheRegisters) {
  for (int64_t registers : {16, 32})
    for (int64_t lanes : {4, 8, 16})
      for (int64_t m = 1; m <= 40; ++m)
        for (int64_t n = 1; n <= 200; ++n) {
          codegen::RegisterTile tile =
              codegen::chooseRegisterTile(m, n, lanes, registers);
          ASSERT_GE(tile.rows, 1);
          ASSERT_LE(tile.rows, m);
          ASSERT_EQ(tile.columns % lanes, 0);
          ASSERT_GT(n, tile.columns - lanes);
          int64_t vectors = tile.columns / lanes;
          ASSERT_GE(vectors, 1);
          // Two registers at least hold operands.
          ASSERT_LE(tile.rows * vectors, registers - 2);
        }
}

} // namespace
} // namespace mamba::test
