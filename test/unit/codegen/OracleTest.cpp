// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/OracleTestBase.h"

#include "runtime/cuda/Nvrtc.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba::codegen {
namespace {

class OracleTest : public testing::Test, public OracleTestBase {};

TEST_F(OracleTest, Mamba2Layer) {
  ReferenceTensor rate = randomDecay({24});
  expectAgreement(readExample("mamba2"),
                  {random({2, 5, 24, 64}), random({2, 5, 24}), rate,
                   random({2, 5, 1, 128}), random({2, 5, 1, 128}), random({24}),
                   random({2, 5, 24, 64}), random({24}),
                   random({2, 24, 64, 128})});
}

TEST_F(OracleTest, LinearAttention) {
  expectAgreement(
      readExample("linear_attention"),
      {random({2, 3, 16, 64}), random({2, 3, 16, 64}), random({2, 3, 16, 64})});
}

TEST_F(OracleTest, RetentionWithAConstantDecay) {
  expectAgreement(readExample("retention"),
                  {random({1, 4, 8, 64}), random({1, 4, 8, 64}),
                   random({1, 4, 8, 128}), random({1, 8, 128, 64})});
}

// Every matrix operation once, terms of several key factors, heads that are
// shared differently, states in and out.
TEST_F(OracleTest, Algebra) {
  expectAgreement(R"mlir(
    func.func @f(%a: tensor<?x?x4xf32>, %g: tensor<2xf32>,
                 %c: tensor<?x?x1x3xf32>, %b: tensor<?x?x2x3xf32>,
                 %c2: tensor<?x?x4x2xf16>, %b2: tensor<?x?x1x2xbf16>,
                 %d: tensor<?x?x2xf32>, %e: tensor<?x?x4xf32>,
                 %x: tensor<?x?x1x5xf32>, %s0: tensor<?x4x5x13xf32>)
        -> (tensor<?x?x4x5xf32>, tensor<?x4x5x13xf32>) {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %R = ssd.decay %g : tensor<2xf32>
      %G = ssd.low_rank %c, %b : tensor<?x?x1x3xf32>, tensor<?x?x2x3xf32>
      %G2 = ssd.low_rank %c2, %b2 : tensor<?x?x4x2xf16>, tensor<?x?x1x2xbf16>
      %LR = ssd.hadamard %L, %R : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, causal>
      %GG = ssd.hadamard %G, %G2 : !ssd.matrix<?x2x?, full>, !ssd.matrix<?x4x?, full>
      %P = ssd.hadamard %LR, %GG : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>
      %S = ssd.scale_columns %P, %d : !ssd.matrix<?x4x?, causal>, tensor<?x?x2xf32>
      %K = ssd.state_space %c, %b decay %g strict : tensor<?x?x1x3xf32>, tensor<?x?x2x3xf32>, tensor<2xf32>
      %J = ssd.causal : !ssd.matrix<?x1x?, causal, strict>
      %I = ssd.hadamard %J, %G : !ssd.matrix<?x1x?, causal, strict>, !ssd.matrix<?x2x?, full>
      %KI = ssd.add %K, %I : !ssd.matrix<?x2x?, causal, strict>, !ssd.matrix<?x2x?, causal, strict>
      %D = ssd.scale_rows %L, %e : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
      %M1 = ssd.add %S, %KI : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, causal, strict>
      %M = ssd.add %M1, %D : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
      %y, %s = ssd.apply %M, %x init %s0
          : !ssd.matrix<?x4x?, causal>, tensor<?x?x1x5xf32>, tensor<?x4x5x13xf32>
          -> tensor<?x?x4x5xf32>, tensor<?x4x5x13xf32>
      return %y, %s : tensor<?x?x4x5xf32>, tensor<?x4x5x13xf32>
    })mlir",
                  {randomDecay({2, 7, 4}), randomDecay({2}),
                   random({2, 7, 1, 3}), random({2, 7, 2, 3}),
                   random({2, 7, 4, 2}), random({2, 7, 1, 2}),
                   random({2, 7, 2}), random({2, 7, 4}), random({2, 7, 1, 5}),
                   random({2, 4, 5, 13})});
}

TEST_F(OracleTest, TransposedRunsFromTheLastToken) {
  expectAgreement(R"mlir(
    func.func @f(%c: tensor<?x?x2x3xf32>, %b: tensor<?x?x2x3xf32>,
                 %a: tensor<?x?x2xf32>, %d: tensor<?x?x2xf32>,
                 %x: tensor<?x?x2x4xf32>, %s0: tensor<?x2x4x3xf32>)
        -> (tensor<?x2x4x3xf32>, tensor<?x?x2x4xf32>) {
      %K = ssd.state_space %c, %b decay %a strict : tensor<?x?x2x3xf32>, tensor<?x?x2x3xf32>, tensor<?x?x2xf32>
      %S = ssd.scale_columns %K, %d : !ssd.matrix<?x2x?, causal, strict>, tensor<?x?x2xf32>
      %T = ssd.transpose %S : !ssd.matrix<?x2x?, causal, strict>
      %y, %s = ssd.apply %T, %x init %s0
          : !ssd.matrix<?x2x?, anticausal, strict>, tensor<?x?x2x4xf32>, tensor<?x2x4x3xf32>
          -> tensor<?x?x2x4xf32>, tensor<?x2x4x3xf32>
      return %s, %y : tensor<?x2x4x3xf32>, tensor<?x?x2x4xf32>
    })mlir",
                  {random({2, 6, 2, 3}), random({2, 6, 2, 3}),
                   randomDecay({2, 6, 2}), random({2, 6, 2}),
                   random({2, 6, 2, 4}), random({2, 2, 4, 3})});
}

// The result of one mixer goes through a reduction (the root mean square of
// each token) into another mixer; one value is returned twice.
TEST_F(OracleTest, ReductionsAndChains) {
  expectAgreement(R"mlir(
    #bthp = affine_map<(b, t, h, p) -> (b, t, h, p)>
    #bt = affine_map<(b, t, h, p) -> (b, t)>
    func.func @f(%a: tensor<?x?x2xf32>, %x: tensor<?x?x2x3xf32>)
        -> (tensor<?x?x2x3xf32>, tensor<?x?x2x3xf32>, tensor<?x?xf32>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %zero = arith.constant 0.0 : f32
      %batch = tensor.dim %x, %c0 : tensor<?x?x2x3xf32>
      %time = tensor.dim %x, %c1 : tensor<?x?x2x3xf32>
      %L = ssd.decay %a : tensor<?x?x2xf32>
      %y = ssd.apply %L, %x : !ssd.matrix<?x2x?, causal>, tensor<?x?x2x3xf32> -> tensor<?x?x2x3xf32>
      %bt_empty = tensor.empty(%batch, %time) : tensor<?x?xf32>
      %bt_zero = linalg.fill ins(%zero : f32) outs(%bt_empty : tensor<?x?xf32>) -> tensor<?x?xf32>
      %sum = linalg.generic {indexing_maps = [#bthp, #bt],
          iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
          ins(%y : tensor<?x?x2x3xf32>) outs(%bt_zero : tensor<?x?xf32>) {
      ^bb0(%v: f32, %acc: f32):
        %square = arith.mulf %v, %v : f32
        %next = arith.addf %acc, %square : f32
        linalg.yield %next : f32
      } -> tensor<?x?xf32>
      %empty = tensor.empty(%batch, %time) : tensor<?x?x2x3xf32>
      %scaled = linalg.generic {indexing_maps = [#bthp, #bt, #bthp],
          iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
          ins(%y, %sum : tensor<?x?x2x3xf32>, tensor<?x?xf32>) outs(%empty : tensor<?x?x2x3xf32>) {
      ^bb0(%v: f32, %s: f32, %out: f32):
        %six = arith.constant 6.0 : f32
        %mean = arith.divf %s, %six : f32
        %scale = math.rsqrt %mean : f32
        %r = arith.mulf %v, %scale : f32
        linalg.yield %r : f32
      } -> tensor<?x?x2x3xf32>
      %z = ssd.apply %L, %scaled : !ssd.matrix<?x2x?, causal>, tensor<?x?x2x3xf32> -> tensor<?x?x2x3xf32>
      return %z, %z, %sum : tensor<?x?x2x3xf32>, tensor<?x?x2x3xf32>, tensor<?x?xf32>
    })mlir",
                  {randomDecay({2, 5, 2}), random({2, 5, 2, 3})});
}

TEST_F(OracleTest, ShapesConstantsAndIntegers) {
  expectAgreement(R"mlir(
    func.func @f(%x: tensor<?x?x6xf32>, %i: tensor<?x?x6xi32>)
        -> (tensor<?x?x3x2xf32>, tensor<?x?x2xf32>, tensor<?x?x6xf32>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %batch = tensor.dim %x, %c0 : tensor<?x?x6xf32>
      %time = tensor.dim %x, %c1 : tensor<?x?x6xf32>
      %e = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [%batch, %time, 3, 2]
          : tensor<?x?x6xf32> into tensor<?x?x3x2xf32>
      %c = tensor.collapse_shape %e [[0], [1], [2, 3]] : tensor<?x?x3x2xf32> into tensor<?x?x6xf32>
      %s = tensor.extract_slice %c[0, 0, 1] [%batch, %time, 2] [1, 1, 3]
          : tensor<?x?x6xf32> to tensor<?x?x2xf32>
      %w = arith.constant dense<[1.5, -2.0, 0.25, 4.0, 1.0e-3, 7.0]> : tensor<6xf32>
      %empty = tensor.empty(%batch, %time) : tensor<?x?x6xf32>
      %r = linalg.generic {
          indexing_maps = [affine_map<(b, t, k) -> (b, t, k)>, affine_map<(b, t, k) -> (b, t, k)>,
                           affine_map<(b, t, k) -> (k)>, affine_map<(b, t, k) -> (b, t, k)>],
          iterator_types = ["parallel", "parallel", "parallel"]}
          ins(%c, %i, %w : tensor<?x?x6xf32>, tensor<?x?x6xi32>, tensor<6xf32>)
          outs(%empty : tensor<?x?x6xf32>) {
      ^bb0(%v: f32, %n: i32, %weight: f32, %out: f32):
        %three = arith.constant 3 : i32
        %small = arith.cmpi slt, %n, %three : i32
        %k = linalg.index 2 : index
        %k32 = arith.index_cast %k : index to i32
        %sum = arith.addi %n, %k32 : i32
        %f = arith.sitofp %sum : i32 to f32
        %p = arith.mulf %f, %weight : f32
        %greater = arith.cmpf ugt, %v, %p : f32
        %both = arith.andi %small, %greater : i1
        %q = arith.select %both, %v, %p : f32
        linalg.yield %q : f32
      } -> tensor<?x?x6xf32>
      %two = arith.constant 2.0 : f32
      %twos = tensor.splat %two[%batch, %time] : tensor<?x?x6xf32>
      %p = arith.mulf %r, %twos : tensor<?x?x6xf32>
      return %e, %s, %p : tensor<?x?x3x2xf32>, tensor<?x?x2xf32>, tensor<?x?x6xf32>
    })mlir",
                  {random({2, 4, 6}), ReferenceTensor({2, 4, 6}, 2)});
}

// Element-wise operations on whole tensors, and functions of one argument.
TEST_F(OracleTest, ElementwiseOnTensors) {
  expectAgreement(R"mlir(
    func.func @f(%x: tensor<?x?x4xf32>, %y: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
      %0 = math.exp %x : tensor<?x?x4xf32>
      %1 = math.log1p %0 : tensor<?x?x4xf32>
      %2 = arith.maximumf %1, %y : tensor<?x?x4xf32>
      %3 = math.tanh %2 : tensor<?x?x4xf32>
      %4 = arith.cmpf olt, %3, %y : tensor<?x?x4xf32>
      %5 = arith.select %4, %3, %x : tensor<?x?x4xi1>, tensor<?x?x4xf32>
      %6 = math.erf %5 : tensor<?x?x4xf32>
      %7 = arith.negf %6 : tensor<?x?x4xf32>
      return %7 : tensor<?x?x4xf32>
    })mlir",
                  {random({2, 3, 4}), random({2, 3, 4})});
}

// Inputs of 16 bits are read exactly, subnormals and infinities included.
TEST_F(OracleTest, SixteenBitInputs) {
  std::vector<double> values = {
      1, -2.5, 65504, 6e-8, -5.9604644775390625e-8, 6.1e-5, 0.333, INFINITY};
  expectAgreement(R"mlir(
    func.func @f(%h: tensor<?x8xf16>, %b: tensor<?x8xbf16>) -> (tensor<?x8xf16>, tensor<?x8xbf16>) {
      return %h, %b : tensor<?x8xf16>, tensor<?x8xbf16>
    })mlir",
                  {ReferenceTensor({1, 8}, std::vector<double>(8, 1)),
                   ReferenceTensor({1, 8}, std::vector<double>(8, 1))});
  func::FuncOp function = parse(R"mlir(
    func.func @f(%h: tensor<?x8xf16>, %b: tensor<?x8xbf16>) -> (tensor<?x8xf16>, tensor<?x8xbf16>) {
      return %h, %b : tensor<?x8xf16>, tensor<?x8xbf16>
    })mlir");
  ReferenceTensor inputs({1, 8}, values);
  Tensors outputs = runOracle(function, {inputs, inputs});
  ASSERT_EQ(outputs.size(), 2u) << message;
  EXPECT_EQ(outputs[0].getValues(), round(inputs, MAMBA_DTYPE_F16).getValues());
  EXPECT_EQ(outputs[1].getValues(),
            round(inputs, MAMBA_DTYPE_BF16).getValues());
}

// Static sizes take no symbols; a static batch keeps its place.
TEST_F(OracleTest, StaticSizes) {
  std::string text = R"mlir(
    func.func @f(%a: tensor<$x2xf32>, %x: tensor<$x2x3xf32>) -> tensor<$x2x3xf32> {
      %L = ssd.decay %a : tensor<$x2xf32>
      %y = ssd.apply %L, %x : !ssd.matrix<#, causal>, tensor<$x2x3xf32> -> tensor<$x2x3xf32>
      return %y : tensor<$x2x3xf32>
    })mlir";
  for (auto [sizes, matrix] :
       {std::pair("2x5", "2x2x5"), {"2x?", "2x2x?"}, {"?x5", "?x2x5"}}) {
    std::string instance;
    for (char c : text)
      instance += c == '$' ? sizes : c == '#' ? matrix : std::string(1, c);
    expectAgreement(instance, {randomDecay({2, 5, 2}), random({2, 5, 2, 3})});
  }
}

TEST_F(OracleTest, NvrtcCompilesTheText) {
  auto nvrtc = rt::cu::Nvrtc::open();
  if (!nvrtc.isOk())
    GTEST_SKIP() << "NVRTC was not found";
  for (StringRef name : {"mamba2", "linear_attention", "retention"}) {
    func::FuncOp function = parse(readExample(name));
    ASSERT_TRUE(function) << message;
    auto program = printOracle(function);
    ASSERT_TRUE(succeeded(program)) << message;
    auto ptx = nvrtc->compile(program->source, name.str() + ".cu", "compute_80",
                              {"--std=c++17"});
    ASSERT_TRUE(ptx.isOk()) << ptx.status().message();
    const mamba_plan &plan = program->plan->get();
    for (int32_t i = 0; i < plan.num_kernels; ++i)
      EXPECT_NE(ptx->find(".entry " + std::string(plan.kernels[i].name)),
                std::string::npos);
  }
}

} // namespace
} // namespace mamba::codegen
