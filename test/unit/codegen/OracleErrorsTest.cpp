// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/OracleTestBase.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

class OracleErrorsTest : public testing::Test, public OracleTestBase {
protected:
  /// What the oracle says about a function it cannot print.
  std::string errorOf(StringRef text) {
    func::FuncOp function = parse(text);
    EXPECT_TRUE(function) << message;
    EXPECT_TRUE(failed(printOracle(function)));
    return message;
  }
};

TEST_F(OracleErrorsTest, FullMatrix) {
  EXPECT_NE(errorOf(R"mlir(
    func.func @f(%c: tensor<?x?x1x4xf32>, %x: tensor<?x?x1x4xf32>) -> tensor<?x?x1x4xf32> {
      %G = ssd.low_rank %c, %c : tensor<?x?x1x4xf32>, tensor<?x?x1x4xf32>
      %y = ssd.apply %G, %x : !ssd.matrix<?x1x?, full>, tensor<?x?x1x4xf32> -> tensor<?x?x1x4xf32>
      return %y : tensor<?x?x1x4xf32>
    })mlir")
                .find("applies a full matrix, which has no token recurrence"),
            std::string::npos)
      << message;
}

TEST_F(OracleErrorsTest, UnknownOperation) {
  EXPECT_NE(errorOf(R"mlir(
    func.func @f(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %y = math.atan %x : tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    })mlir")
                .find("is not known to the oracle"),
            std::string::npos)
      << message;
}

TEST_F(OracleErrorsTest, StateTooLarge) {
  EXPECT_NE(errorOf(R"mlir(
    func.func @f(%c: tensor<?x?x1x65xf32>, %a: tensor<1xf32>, %x: tensor<?x?x1x4xf32>) -> tensor<?x?x1x4xf32> {
      %G = ssd.low_rank %c, %c : tensor<?x?x1x65xf32>, tensor<?x?x1x65xf32>
      %GG = ssd.hadamard %G, %G : !ssd.matrix<?x1x?, full>, !ssd.matrix<?x1x?, full>
      %L = ssd.decay %a : tensor<1xf32>
      %M = ssd.hadamard %L, %GG : !ssd.matrix<?x1x?, causal>, !ssd.matrix<?x1x?, full>
      %y = ssd.apply %M, %x : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x4xf32> -> tensor<?x?x1x4xf32>
      return %y : tensor<?x?x1x4xf32>
    })mlir")
                .find("has a state of 4225 numbers a channel, the oracle's "
                      "limit is 4096"),
            std::string::npos)
      << message;
}

TEST_F(OracleErrorsTest, ArgumentsAndResultsThatAreNotTensors) {
  EXPECT_NE(errorOf("func.func @f(%x: f32) { return }")
                .find("argument 0 has type 'f32', the oracle takes tensors"),
            std::string::npos)
      << message;
  EXPECT_NE(errorOf(R"mlir(
    func.func @f(%x: tensor<?xf32>) -> index {
      %c0 = arith.constant 0 : index
      return %c0 : index
    })mlir")
                .find("result 0 is not a tensor"),
            std::string::npos)
      << message;
}

TEST_F(OracleErrorsTest, DynamicSizeThatIsNeitherBatchNorLength) {
  EXPECT_NE(errorOf("func.func @f(%x: tensor<2x3x?xf32>) { return }")
                .find("dynamic dimension 2 is neither batch nor length"),
            std::string::npos)
      << message;
}

TEST_F(OracleErrorsTest, EmptyTensorThatIsRead) {
  EXPECT_NE(errorOf(R"mlir(
    func.func @f() -> tensor<4xf32> {
      %x = tensor.empty() : tensor<4xf32>
      return %x : tensor<4xf32>
    })mlir")
                .find("is read, but holds no values"),
            std::string::npos)
      << message;
}

} // namespace
} // namespace mamba::codegen
