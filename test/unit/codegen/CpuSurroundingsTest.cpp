// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What surrounds chunk programs in a function: point-wise operations and
// constants.

#include "test/unit/codegen/CpuHarness.h"

namespace mamba::test {
namespace {

TEST(CpuSurroundings, PointwiseLoopsOfTheirOwn) {
  const char *text = R"(
#token = affine_map<(b, t, h, p) -> (b, t, h, p)>
#head = affine_map<(b, t, h, p) -> (h)>
func.func @f(%x: tensor<?x?x3x5xf32>, %d: tensor<3xf32>) -> tensor<?x?x3x5xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %two = arith.constant 2.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x?x3x5xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x3x5xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x3x5xf32>
  %eh = tensor.empty() : tensor<3xf32>
  %twice = linalg.generic {indexing_maps = [affine_map<(h) -> (h)>, affine_map<(h) -> (h)>], iterator_types = ["parallel"]}
      ins(%d : tensor<3xf32>) outs(%eh : tensor<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %p = arith.mulf %in, %two : f32
    linalg.yield %p : f32
  } -> tensor<3xf32>
  %scaled = linalg.generic {indexing_maps = [#token, #head, #token], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %twice : tensor<?x?x3x5xf32>, tensor<3xf32>) outs(%e : tensor<?x?x3x5xf32>) {
  ^bb0(%in: f32, %f: f32, %out: f32):
    %i = linalg.index 3 : index
    %i32 = arith.index_cast %i : index to i32
    %fi = arith.sitofp %i32 : i32 to f32
    %p = arith.mulf %in, %f : f32
    %q = arith.addf %p, %fi : f32
    linalg.yield %q : f32
  } -> tensor<?x?x3x5xf32>
  %y = ssd.chunk_scan chunk 4 heads 3 ins(%scaled as [batch, time, head, channel] : tensor<?x?x3x5xf32>, %x as [batch, time, head, channel] : tensor<?x?x3x5xf32>)
      outs([batch, time, head, channel] : tensor<?x?x3x5xf32>) {
  ^bb0(%s: tensor<4x5xf32>, %xt: tensor<4x5xf32>):
    %sum = arith.subf %s, %xt : tensor<4x5xf32>
    ssd.yield %sum : tensor<4x5xf32>
  }
  return %y : tensor<?x?x3x5xf32>
})";
  auto executable = compile(text, "f");
  ASSERT_TRUE(executable);
  EXPECT_EQ(executable->getKernels().size(), 3u);
  std::mt19937 random(3);
  int64_t batch = 2, length = 7;
  Array x = randomArray(random, batch * length * 15);
  Array d = randomArray(random, 3), y;
  y.poison(x.values.size());
  run(*executable, {&x, &d, &y}, batch, length);
  std::vector<double> expected;
  for (size_t i = 0; i < x.values.size(); ++i)
    expected.push_back(x.values[i] * 2 * d.values[i / 5 % 3] + double(i % 5) -
                       x.values[i]);
  EXPECT_LE(relativeError(y.values, expected), 2e-6);
}

TEST(CpuSurroundings, FilledTensor) {
  const char *text = R"(
func.func @f(%x: tensor<?x?x2x3xf32>) -> tensor<?x?x2x3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %three = arith.constant 3.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x?x2x3xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x2x3xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x2xf32>
  %threes = linalg.generic {indexing_maps = [affine_map<(b, t, h) -> ()>, affine_map<(b, t, h) -> (b, t, h)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%three : f32) outs(%e : tensor<?x?x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<?x?x2xf32>
  %y = ssd.chunk_scan chunk 4 heads 2 ins(%threes as [batch, time, head] : tensor<?x?x2xf32>, %x as [batch, time, head, channel] : tensor<?x?x2x3xf32>)
      outs([batch, time, head, channel] : tensor<?x?x2x3xf32>) {
  ^bb0(%s: tensor<4xf32>, %xt: tensor<4x3xf32>):
    %sb = ssd.broadcast %s dims [1] : tensor<4xf32> -> tensor<4x3xf32>
    %p = arith.mulf %sb, %xt : tensor<4x3xf32>
    ssd.yield %p : tensor<4x3xf32>
  }
  return %y : tensor<?x?x2x3xf32>
})";
  auto executable = compile(text, "f");
  ASSERT_TRUE(executable);
  std::mt19937 random(3);
  Array x = randomArray(random, 2 * 9 * 6), y;
  y.poison(x.values.size());
  run(*executable, {&x, &y}, 2, 9);
  for (size_t i = 0; i < x.values.size(); ++i)
    EXPECT_FLOAT_EQ(y.values[i], 3 * x.values[i]);
}

TEST(CpuSurroundings, ConstantsArePartOfTheKernel) {
  const char *text = R"(
func.func @f(%x: tensor<?x?x2x4xf32>) -> tensor<?x?x2x4xf32> {
  %d = arith.constant dense<[3.0, -5.0]> : tensor<2xf32>
  %y = ssd.chunk_scan chunk 4 heads 2 ins(%x as [batch, time, head, channel] : tensor<?x?x2x4xf32>, %d as [head] : tensor<2xf32>)
      outs([batch, time, head, channel] : tensor<?x?x2x4xf32>) {
  ^bb0(%xt: tensor<4x4xf32>, %dt: tensor<f32>):
    %b = ssd.broadcast %dt dims [0, 1] : tensor<f32> -> tensor<4x4xf32>
    %p = arith.mulf %xt, %b : tensor<4x4xf32>
    ssd.yield %p : tensor<4x4xf32>
  }
  return %y : tensor<?x?x2x4xf32>
})";
  auto executable = compile(text, "f");
  ASSERT_TRUE(executable);
  EXPECT_EQ(executable->getPlan().num_params, 2);
  std::mt19937 random(3);
  Array x = randomArray(random, 6 * 8), y;
  y.poison(x.values.size());
  run(*executable, {&x, &y}, 1, 6);
  for (size_t i = 0; i < x.values.size(); ++i)
    EXPECT_FLOAT_EQ(y.values[i], x.values[i] * (i / 4 % 2 ? -5 : 3));
}

} // namespace
} // namespace mamba::test
