// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Upstream operations in the reference interpreter, against values by hand.

#include "test/unit/dialect/ReferenceTestBase.h"

using namespace mlir;

namespace mamba::ssd {
namespace {

class ReferenceOps : public testing::Test, public ReferenceTestBase {};

//===----------------------------------------------------------------------===//
// arith and math
//===----------------------------------------------------------------------===//

struct ScalarCase {
  const char *operation; ///< With %a, %b, %c of `type`.
  const char *type;
  double expected; ///< At a = 2.5, b = −4, c = 3 (a = 7 for index).
};

const ScalarCase scalarCases[] = {
    {"arith.addf %a, %b : f32", "f32", -1.5},
    {"arith.subf %a, %b : f32", "f32", 6.5},
    {"arith.mulf %a, %b : f32", "f32", -10},
    {"arith.divf %a, %b : f32", "f32", -0.625},
    {"arith.negf %a : f32", "f32", -2.5},
    {"arith.maximumf %a, %b : f32", "f32", 2.5},
    {"arith.minimumf %a, %b : f32", "f32", -4},
    {"arith.maxnumf %a, %b : f32", "f32", 2.5},
    {"arith.minnumf %a, %b : f32", "f32", -4},
    {"math.absf %b : f32", "f32", 4},
    {"math.ceil %a : f32", "f32", 3},
    {"math.cos %a : f32", "f32", std::cos(2.5)},
    {"math.erf %a : f32", "f32", std::erf(2.5)},
    {"math.exp %b : f32", "f32", std::exp(-4)},
    {"math.exp2 %b : f32", "f32", 0.0625},
    {"math.expm1 %a : f32", "f32", std::exp(2.5) - 1},
    {"math.floor %a : f32", "f32", 2},
    {"math.fma %a, %b, %c : f32", "f32", -7},
    {"math.log %a : f32", "f32", std::log(2.5)},
    {"math.log1p %c : f32", "f32", std::log(4)},
    {"math.log2 %a : f32", "f32", std::log2(2.5)},
    {"math.powf %a, %c : f32", "f32", 15.625},
    {"math.rsqrt %a : f32", "f32", 1 / std::sqrt(2.5)},
    {"math.sin %a : f32", "f32", std::sin(2.5)},
    {"math.sqrt %a : f32", "f32", std::sqrt(2.5)},
    {"math.tanh %a : f32", "f32", std::tanh(2.5)},
    {"arith.cmpf olt, %b, %a : f32", "f32", 1},
    {"arith.cmpf oge, %b, %a : f32", "f32", 0},
    {"arith.addi %a, %b : index", "index", 3},
    {"arith.subi %a, %b : index", "index", 11},
    {"arith.muli %a, %b : index", "index", -28},
    {"arith.minsi %a, %b : index", "index", -4},
    {"arith.maxsi %a, %b : index", "index", 7},
    {"arith.ceildivsi %a, %c : index", "index", 3},
    {"arith.floordivsi %a, %c : index", "index", 2},
    {"arith.andi %a, %c : index", "index", 3},
    {"arith.ori %a, %c : index", "index", 7},
    {"arith.xori %a, %c : index", "index", 4},
    {"arith.index_cast %a : index to i64", "index", 7},
    {"arith.cmpi slt, %b, %a : index", "index", 1},
    {"arith.cmpi eq, %b, %a : index", "index", 0},
};

/// The result type that an operation's text states or implies.
std::string resultType(const ScalarCase &scalar) {
  std::string text = scalar.operation;
  if (text.find("cmp") != text.npos)
    return "i1";
  size_t to = text.rfind(" to ");
  return to == text.npos ? scalar.type : text.substr(to + 4);
}

TEST_F(ReferenceOps, ArithAndMath) {
  for (const ScalarCase &scalar : scalarCases) {
    std::string type = scalar.type, result = resultType(scalar);
    std::string text = "func.func @f(%a: " + type + ", %b: " + type +
                       ", %c: " + type + ") -> " + result +
                       " {\n%r = " + scalar.operation +
                       "\nreturn %r : " + result + "\n}";
    double a = type == "index" ? 7 : 2.5;
    Tensors results =
        run(text, {ReferenceTensor::scalar(a), ReferenceTensor::scalar(-4),
                   ReferenceTensor::scalar(3)});
    ASSERT_EQ(results.size(), 1u) << message << text;
    EXPECT_NEAR(results[0].getScalar(), scalar.expected, 1e-12)
        << scalar.operation;
  }
}

TEST_F(ReferenceOps, MaximumPropagatesNanAndMaxnumDoesNot) {
  const char *text = R"mlir(
    func.func @f(%a: f32, %b: f32) -> (f32, f32) {
      %m = arith.maximumf %a, %b : f32
      %n = arith.maxnumf %a, %b : f32
      return %m, %n : f32, f32
    })mlir";
  Tensors results =
      run(text, {ReferenceTensor::scalar(NAN), ReferenceTensor::scalar(1)});
  ASSERT_EQ(results.size(), 2u) << message;
  EXPECT_TRUE(std::isnan(results[0].getScalar()));
  EXPECT_EQ(results[1].getScalar(), 1);
}

TEST_F(ReferenceOps, ElementwiseOnTensorsDoesNotRound) {
  const char *text = R"mlir(
    func.func @f(%a: tensor<2xf32>, %p: i1) -> (tensor<2xf32>, tensor<2xf32>) {
      %c = arith.constant dense<[1.0, 3.0]> : tensor<2xf32>
      %s = arith.addf %a, %c : tensor<2xf32>
      %t = arith.truncf %s : tensor<2xf32> to tensor<2xbf16>
      %e = arith.extf %t : tensor<2xbf16> to tensor<2xf32>
      %r = arith.select %p, %e, %c : tensor<2xf32>
      return %e, %r : tensor<2xf32>, tensor<2xf32>
    })mlir";
  Tensors results = run(
      text, {ReferenceTensor({2}, {1e-9, 2e-9}), ReferenceTensor::scalar(0)});
  ASSERT_EQ(results.size(), 2u) << message;
  EXPECT_EQ(results[0].getValues()[0], 1 + 1e-9);
  EXPECT_EQ(results[0].getValues()[1], 3 + 2e-9);
  expectValues(results[1], {1, 3});
}

//===----------------------------------------------------------------------===//
// linalg
//===----------------------------------------------------------------------===//

TEST_F(ReferenceOps, LinalgGenericBroadcastsReducesAndIndexes) {
  const char *text = R"mlir(
    func.func @f(%a: tensor<?x3xf32>, %v: tensor<3xf32>, %k: f32)
        -> tensor<?xf32> {
      %c0 = arith.constant 0 : index
      %n = tensor.dim %a, %c0 : tensor<?x3xf32>
      %e = tensor.empty(%n) : tensor<?xf32>
      %zero = arith.constant 0.0 : f32
      %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
      %r = linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (j)>,
                           affine_map<(i, j) -> (i)>],
          iterator_types = ["parallel", "reduction"]}
          ins(%a, %v : tensor<?x3xf32>, tensor<3xf32>)
          outs(%z : tensor<?xf32>) {
      ^bb0(%x: f32, %y: f32, %acc: f32):
        %j = linalg.index 1 : index
        %ji = arith.index_cast %j : index to i32
        %jf = arith.sitofp %ji : i32 to f32
        %two = arith.constant 2.0 : f32
        %p = arith.mulf %x, %y : f32
        %q = arith.mulf %p, %k : f32
        %s = arith.mulf %jf, %two : f32
        %t = arith.addf %q, %s : f32
        %u = arith.addf %acc, %t : f32
        linalg.yield %u : f32
      } -> tensor<?xf32>
      return %r : tensor<?xf32>
    })mlir";
  Tensors results = run(text, {ReferenceTensor({2, 3}, {1, 2, 3, 4, 5, 6}),
                               ReferenceTensor({3}, {1, 10, 100}),
                               ReferenceTensor::scalar(3)});
  ASSERT_EQ(results.size(), 1u) << message;
  expectValues(results[0], {3 * 321 + 6, 3 * 654 + 6});
}

TEST_F(ReferenceOps, LinalgNamedOperations) {
  const char *text = R"mlir(
    func.func @f(%a: tensor<2x3xf32>, %v: tensor<3xf32>) -> tensor<3x2xf32> {
      %e = tensor.empty() : tensor<2x3xf32>
      %b = linalg.broadcast ins(%v : tensor<3xf32>) outs(%e : tensor<2x3xf32>) dimensions = [0]
      %s = linalg.add ins(%a, %b : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
      %m = linalg.map { arith.mulf } ins(%s, %b : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>)
      %f = tensor.empty() : tensor<3x2xf32>
      %t = linalg.transpose ins(%m : tensor<2x3xf32>) outs(%f : tensor<3x2xf32>) permutation = [1, 0]
      return %t : tensor<3x2xf32>
    })mlir";
  Tensors results = run(text, {ReferenceTensor({2, 3}, {1, 2, 3, 4, 5, 6}),
                               ReferenceTensor({3}, {1, 10, 100})});
  ASSERT_EQ(results.size(), 1u) << message;
  expectValues(results[0], {2, 5, 120, 150, 10300, 10600});
}

TEST_F(ReferenceOps, LinalgWindowAndItsBounds) {
  const char *text = R"mlir(
    func.func @f(%a: tensor<?xf32>, %w: tensor<2xf32>, %o: tensor<?xf32>)
        -> tensor<?xf32> {
      %r = linalg.generic {
          indexing_maps = [affine_map<(i, k) -> (i + k)>,
                           affine_map<(i, k) -> (k)>,
                           affine_map<(i, k) -> (i)>],
          iterator_types = ["parallel", "reduction"]}
          ins(%a, %w : tensor<?xf32>, tensor<2xf32>)
          outs(%o : tensor<?xf32>) {
      ^bb0(%x: f32, %y: f32, %acc: f32):
        %p = arith.mulf %x, %y : f32
        %u = arith.addf %acc, %p : f32
        linalg.yield %u : f32
      } -> tensor<?xf32>
      return %r : tensor<?xf32>
    })mlir";
  Tensors results =
      run(text, {ReferenceTensor({4}, {1, 2, 3, 4}),
                 ReferenceTensor({2}, {1, 10}), ReferenceTensor({3})});
  ASSERT_EQ(results.size(), 1u) << message;
  expectValues(results[0], {21, 32, 43});
  EXPECT_TRUE(run(text, {ReferenceTensor({4}, {1, 2, 3, 4}),
                         ReferenceTensor({2}, {1, 10}), ReferenceTensor({4})})
                  .empty());
  EXPECT_NE(message.find("reads index 4 of a dimension of size 4"),
            message.npos)
      << message;
}

TEST_F(ReferenceOps, LinalgSizesMustAgree) {
  const char *text = R"mlir(
    func.func @f(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
      %r = linalg.add ins(%a, %b : tensor<?xf32>, tensor<?xf32>)
          outs(%a : tensor<?xf32>) -> tensor<?xf32>
      return %r : tensor<?xf32>
    })mlir";
  EXPECT_TRUE(run(text, {ReferenceTensor({2}, 1.0), ReferenceTensor({3}, 1.0)})
                  .empty());
  EXPECT_NE(message.find("disagree about loop 0: 2 and 3"), message.npos)
      << message;
}

//===----------------------------------------------------------------------===//
// tensor
//===----------------------------------------------------------------------===//

TEST_F(ReferenceOps, TensorShapes) {
  const char *text = R"mlir(
    func.func @f(%a: tensor<2x6xf32>, %k: f32, %n: index)
        -> (tensor<4x3xf32>, tensor<2x3xf32>, tensor<?xf32>, tensor<2x7xf32>,
            f32) {
      %e = tensor.expand_shape %a [[0], [1, 2]] output_shape [2, 2, 3] : tensor<2x6xf32> into tensor<2x2x3xf32>
      %c = tensor.collapse_shape %e [[0, 1], [2]] : tensor<2x2x3xf32> into tensor<4x3xf32>
      %s = tensor.extract_slice %e[0, 1, 0] [2, 1, 3] [1, 1, 1] : tensor<2x2x3xf32> to tensor<2x3xf32>
      %p = tensor.splat %k[%n] : tensor<?xf32>
      %one = tensor.splat %k : tensor<2x1xf32>
      %j = tensor.concat dim(1) %one, %a : (tensor<2x1xf32>, tensor<2x6xf32>) -> tensor<2x7xf32>
      %d = tensor.cast %j : tensor<2x7xf32> to tensor<?x?xf32>
      %c1 = arith.constant 1 : index
      %x = tensor.extract %d[%c1, %c1] : tensor<?x?xf32>
      return %c, %s, %p, %j, %x : tensor<4x3xf32>, tensor<2x3xf32>, tensor<?xf32>, tensor<2x7xf32>, f32
    })mlir";
  ReferenceTensor a({2, 6}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  Tensors results =
      run(text, {a, ReferenceTensor::scalar(9), ReferenceTensor::scalar(2)});
  ASSERT_EQ(results.size(), 5u) << message;
  EXPECT_EQ(results[0].getShape(), (ArrayRef<int64_t>{4, 3}));
  expectValues(results[0], a.getValues());
  expectValues(results[1], {3, 4, 5, 9, 10, 11});
  expectValues(results[2], {9, 9});
  expectValues(results[3], {9, 0, 1, 2, 3, 4, 5, 9, 6, 7, 8, 9, 10, 11});
  expectValues(results[4], {6});
}

TEST_F(ReferenceOps, TensorErrors) {
  const char *slice = R"mlir(
    func.func @f(%a: tensor<?xf32>, %n: index) -> tensor<?xf32> {
      %s = tensor.extract_slice %a[1] [%n] [1] : tensor<?xf32> to tensor<?xf32>
      return %s : tensor<?xf32>
    })mlir";
  EXPECT_TRUE(
      run(slice, {ReferenceTensor({3}), ReferenceTensor::scalar(3)}).empty());
  EXPECT_NE(message.find("leaves dimension 0 of size 3"), message.npos)
      << message;
  const char *cast = R"mlir(
    func.func @f(%a: tensor<?xf32>) -> tensor<4xf32> {
      %s = tensor.cast %a : tensor<?xf32> to tensor<4xf32>
      return %s : tensor<4xf32>
    })mlir";
  EXPECT_TRUE(run(cast, {ReferenceTensor({3})}).empty());
  EXPECT_NE(message.find("result 0 has shape 3, which contradicts its type"),
            message.npos)
      << message;
}

TEST_F(ReferenceOps, UnknownOperationIsNamed) {
  const char *text = R"mlir(
    func.func @f(%a: f32) -> f32 {
      %s = math.cbrt %a : f32
      return %s : f32
    })mlir";
  EXPECT_TRUE(run(text, {ReferenceTensor::scalar(1)}).empty());
  EXPECT_NE(message.find("'math.cbrt' op is not known to the reference "
                         "interpreter"),
            message.npos)
      << message;
}

} // namespace
} // namespace mamba::ssd
