// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Level L1 in the reference interpreter: tile operations against values by
// hand, chunk programs against ssd.apply.

#include "test/unit/dialect/ReferenceTestBase.h"

using namespace mlir;

namespace mamba::ssd {
namespace {

class ReferenceChunks : public testing::Test, public ReferenceTestBase {};

TEST_F(ReferenceChunks, TilesByHand) {
  const char *text = R"mlir(
    func.func @f(%a: tensor<2x3xf32>, %b: tensor<2x2xf32>, %v: tensor<3xf32>)
        -> (tensor<3x2xf32>, tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>,
            tensor<f32>, tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xf32>) {
      %one = arith.constant dense<1.0> : tensor<3x2xf32>
      %d = ssd.dot %a, %b contract [0, 1] init %one : tensor<2x3xf32>, tensor<2x2xf32>, tensor<3x2xf32> -> tensor<3x2xf32>
      %r = ssd.broadcast %v dims [0] : tensor<3xf32> -> tensor<2x3xf32>
      %c = ssd.cumsum %v : tensor<3xf32>
      %w = ssd.cumsum %v exclusive reverse : tensor<3xf32>
      %s = ssd.reduce_sum %v : tensor<3xf32> -> tensor<f32>
      %L = ssd.segment_decay %v sub_block 2 : (tensor<3xf32>) -> tensor<3x3xf32>
      %U = ssd.segment_decay %v sub_block 1 strict transposed : (tensor<3xf32>) -> tensor<3x3xf32>
      %I = ssd.segment_decay sub_block 3 : () -> tensor<3x3xf32>
      return %d, %r, %c, %w, %s, %L, %U, %I : tensor<3x2xf32>, tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<f32>, tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xf32>
    })mlir";
  Tensors results = run(text, {ReferenceTensor({2, 3}, {1, 2, 3, 4, 5, 6}),
                               ReferenceTensor({2, 2}, {1, 10, 100, 1000}),
                               ReferenceTensor({3}, {-1, -2, -4})});
  ASSERT_EQ(results.size(), 8u) << message;
  expectValues(results[0], {42, 4101, 53, 5201, 64, 6301});
  expectValues(results[1], {-1, -2, -4, -1, -2, -4});
  expectValues(results[2], {-1, -3, -7});
  expectValues(results[3], {-6, -4, 0});
  expectValues(results[4], {-7});
  double e2 = std::exp(-2), e4 = std::exp(-4), e6 = std::exp(-6);
  expectValues(results[5], {1, 0, 0, e2, 1, 0, e6, e4, 1});
  expectValues(results[6], {0, e2, e6, 0, 0, e4, 0, 0, 0});
  expectValues(results[7], {1, 0, 0, 1, 1, 0, 1, 1, 1});
}

/// The chunked form of THEORY §2.1, or its adjoint, as a chunk program.
std::string makeChunkProgram(bool isReverse) {
  const char *body = isReverse ? R"mlir(
      %L = ssd.segment_decay %lt sub_block 2 transposed : (tensor<4xf32>) -> tensor<4x4xf32>
      %in = ssd.cumsum %lt exclusive reverse : tensor<4xf32>
      %out = ssd.cumsum %lt : tensor<4xf32>)mlir"
                               : R"mlir(
      %L = ssd.segment_decay %lt sub_block 2 : (tensor<4xf32>) -> tensor<4x4xf32>
      %in = ssd.cumsum %lt : tensor<4xf32>
      %out = ssd.cumsum %lt exclusive reverse : tensor<4xf32>)mlir";
  return std::string(R"mlir(
    func.func @f(%x: tensor<?x?x2x5xf32>, %la: tensor<?x?x2xf32>,
                 %b: tensor<?x?x1x3xf32>, %c: tensor<?x?x2x3xf32>,
                 %s0: tensor<?x2x5x3xf32>)
        -> (tensor<?x?x2x5xf32>, tensor<?x2x5x3xf32>) {
      %y, %sT = ssd.chunk_scan chunk 4 heads 2 )mlir") +
         (isReverse ? "reverse" : "") + R"mlir(
          ins(%x as [batch, time, head, channel] : tensor<?x?x2x5xf32>,
              %la as [batch, time, head] : tensor<?x?x2xf32>,
              %b as [batch, time, head, state] : tensor<?x?x1x3xf32>,
              %c as [batch, time, head, state] : tensor<?x?x2x3xf32>)
          inits(%s0 : tensor<?x2x5x3xf32>)
          outs([batch, time, head, channel] : tensor<?x?x2x5xf32>)
          finals(tensor<?x2x5x3xf32>) {
      ^bb0(%xt: tensor<4x5xf32>, %lr: tensor<4xf32>, %bt: tensor<4x3xf32>,
           %ct: tensor<4x3xf32>, %s: tensor<5x3xf32>):
      %lt = ssd.pad %lr with 0.0 : tensor<4xf32>)mlir" +
         body + R"mlir(
      %G = ssd.dot %ct, %bt contract [1, 1] : tensor<4x3xf32>, tensor<4x3xf32> -> tensor<4x4xf32>
      %W = arith.mulf %L, %G : tensor<4x4xf32>
      %yd = ssd.dot %W, %xt contract [1, 0] : tensor<4x4xf32>, tensor<4x5xf32> -> tensor<4x5xf32>
      %ei = math.exp %in : tensor<4xf32>
      %eb = ssd.broadcast %ei dims [1] : tensor<4xf32> -> tensor<4x5xf32>
      %yo = ssd.dot %ct, %s contract [1, 1] : tensor<4x3xf32>, tensor<5x3xf32> -> tensor<4x5xf32>
      %ys = arith.mulf %eb, %yo : tensor<4x5xf32>
      %yt = arith.addf %yd, %ys : tensor<4x5xf32>
      %eo = math.exp %out : tensor<4xf32>
      %ob = ssd.broadcast %eo dims [1] : tensor<4xf32> -> tensor<4x5xf32>
      %xw = arith.mulf %xt, %ob : tensor<4x5xf32>
      %sum = ssd.reduce_sum %lt : tensor<4xf32> -> tensor<f32>
      %es = math.exp %sum : tensor<f32>
      %esb = ssd.broadcast %es dims [0, 1] : tensor<f32> -> tensor<5x3xf32>
      %sd = arith.mulf %esb, %s : tensor<5x3xf32>
      %sn = ssd.dot %xw, %bt contract [0, 0] init %sd : tensor<4x5xf32>, tensor<4x3xf32>, tensor<5x3xf32> -> tensor<5x3xf32>
      ssd.yield %yt, %sn : tensor<4x5xf32>, tensor<5x3xf32>
      }
      return %y, %sT : tensor<?x?x2x5xf32>, tensor<?x2x5x3xf32>
    })mlir";
}

std::string makeApply(bool isReverse) {
  std::string type = isReverse ? "!ssd.matrix<?x2x?, anticausal>"
                               : "!ssd.matrix<?x2x?, causal>";
  // The transpose swaps the roles of read and write keys.
  std::string keys = isReverse ? "%b, %c decay %la : tensor<?x?x1x3xf32>, "
                                 "tensor<?x?x2x3xf32>, tensor<?x?x2xf32>\n"
                                 "%M = ssd.transpose %K : "
                                 "!ssd.matrix<?x2x?, causal>\n"
                               : "%c, %b decay %la : tensor<?x?x2x3xf32>, "
                                 "tensor<?x?x1x3xf32>, tensor<?x?x2xf32>\n";
  return "func.func @f(%x: tensor<?x?x2x5xf32>, %la: tensor<?x?x2xf32>, %b: "
         "tensor<?x?x1x3xf32>, %c: tensor<?x?x2x3xf32>, %s0: "
         "tensor<?x2x5x3xf32>) -> (tensor<?x?x2x5xf32>, "
         "tensor<?x2x5x3xf32>) {\n" +
         std::string(isReverse ? "%K" : "%M") + " = ssd.state_space " + keys +
         "%y, %s = ssd.apply %M, %x init %s0 : " + type +
         ", tensor<?x?x2x5xf32>, tensor<?x2x5x3xf32> -> "
         "tensor<?x?x2x5xf32>, tensor<?x2x5x3xf32>\n"
         "return %y, %s : tensor<?x?x2x5xf32>, tensor<?x2x5x3xf32>\n}";
}

TEST_F(ReferenceChunks, ChunkProgramEqualsApply) {
  for (bool isReverse : {false, true})
    for (int64_t length : {1, 3, 4, 5, 8, 11}) {
      Tensors arguments = {random({2, length, 2, 5}),
                           randomDecay({2, length, 2}),
                           random({2, length, 1, 3}), random({2, length, 2, 3}),
                           random({2, 2, 5, 3})};
      Tensors chunked = run(makeChunkProgram(isReverse), arguments);
      Tensors applied = run(makeApply(isReverse), arguments);
      ASSERT_EQ(chunked.size(), 2u) << message;
      ASSERT_EQ(applied.size(), 2u) << message;
      EXPECT_LT(relativeError(chunked[0], applied[0]), 1e-13)
          << "length " << length << (isReverse ? " reverse" : "");
      EXPECT_LT(relativeError(chunked[1], applied[1]), 1e-13)
          << "length " << length << (isReverse ? " reverse" : "");
    }
}

TEST_F(ReferenceChunks, ChunkProgramErrors) {
  Tensors arguments = {random({1, 5, 2, 5}), randomDecay({1, 5, 2}),
                       random({1, 5, 1, 3}), random({1, 5, 2, 3}),
                       random({2, 2, 5, 3})};
  EXPECT_TRUE(run(makeChunkProgram(false), arguments).empty());
  EXPECT_NE(message.find("initial state of batch size 2, but operands of 1"),
            message.npos)
      << message;
  message.clear();
  arguments[2] = random({1, 6, 1, 3});
  EXPECT_TRUE(run(makeChunkProgram(false), arguments).empty());
  EXPECT_NE(message.find("operands of time size 5 and 6"), message.npos)
      << message;
  message.clear();
  arguments[2] = random({1, 5, 1, 3});
  arguments[4] = random({1, 2, 5, 3});
  arguments[1].at({0, 4, 1}) = 2;
  EXPECT_TRUE(run(makeChunkProgram(false), arguments).empty());
  EXPECT_NE(message.find("log decay (result of 'ssd.pad') is 2"), message.npos)
      << message;
}

} // namespace
} // namespace mamba::ssd
