// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Level L0 in the reference interpreter: the token recurrence against dense
// matrices, states, transposition as adjoint, and the errors of bad data.

#include "test/unit/dialect/ReferenceTestBase.h"

using namespace mlir;

namespace mamba::ssd {
namespace {

//===----------------------------------------------------------------------===//
// Recurrence = dense matrix, for every constructor and rule of algebra
//===----------------------------------------------------------------------===//

struct MatrixCase {
  const char *name;
  /// Operations that define %M from %a, %k (T×4 decays), %g (constant
  /// decays), %b (4 heads), %c (2 heads), %d (4 heads).
  const char *operations;
  const char *type; ///< Of %M.
  int64_t stateSize;
};

const MatrixCase matrixCases[] = {
    {"decay", "%M = ssd.decay %a : tensor<2x7x4xf32>",
     "!ssd.matrix<2x4x7, causal>", 1},
    {"constant_decay",
     "%L = ssd.decay %g : tensor<4xf32>\n"
     "%K = ssd.decay %a : tensor<2x7x4xf32>\n"
     "%M = ssd.hadamard %L, %K : !ssd.matrix<?x4x?, causal>, "
     "!ssd.matrix<2x4x7, causal>",
     "!ssd.matrix<2x4x7, causal>", 1},
    {"causal_low_rank",
     "%I = ssd.causal : !ssd.matrix<2x1x7, causal>\n"
     "%G = ssd.low_rank %c, %b : tensor<2x7x2x3xf32>, tensor<2x7x4x3xf32>\n"
     "%M = ssd.hadamard %I, %G : !ssd.matrix<2x1x7, causal>, "
     "!ssd.matrix<2x4x7, full>",
     "!ssd.matrix<2x4x7, causal>", 3},
    {"strict_causal_low_rank",
     "%I = ssd.causal : !ssd.matrix<2x1x7, causal, strict>\n"
     "%G = ssd.low_rank %c, %b : tensor<2x7x2x3xf32>, tensor<2x7x4x3xf32>\n"
     "%M = ssd.hadamard %I, %G : !ssd.matrix<2x1x7, causal, strict>, "
     "!ssd.matrix<2x4x7, full>",
     "!ssd.matrix<2x4x7, causal, strict>", 3},
    {"state_space",
     "%M = ssd.state_space %c, %b decay %a : tensor<2x7x2x3xf32>, "
     "tensor<2x7x4x3xf32>, tensor<2x7x4xf32>",
     "!ssd.matrix<2x4x7, causal>", 3},
    {"state_space_strict",
     "%M = ssd.state_space %c, %b decay %a strict : tensor<2x7x2x3xf32>, "
     "tensor<2x7x4x3xf32>, tensor<2x7x4xf32>",
     "!ssd.matrix<2x4x7, causal, strict>", 3},
    {"sum_of_products",
     "%G = ssd.low_rank %c, %b : tensor<2x7x2x3xf32>, tensor<2x7x4x3xf32>\n"
     "%L = ssd.state_space %c, %b decay %a : tensor<2x7x2x3xf32>, "
     "tensor<2x7x4x3xf32>, tensor<2x7x4xf32>\n"
     "%P = ssd.hadamard %L, %G : !ssd.matrix<2x4x7, causal>, "
     "!ssd.matrix<2x4x7, full>\n"
     "%D = ssd.decay %g : tensor<4xf32>\n"
     "%M = ssd.add %P, %D : !ssd.matrix<2x4x7, causal>, "
     "!ssd.matrix<?x4x?, causal>",
     "!ssd.matrix<2x4x7, causal>", 10},
    {"scaled",
     "%K = ssd.state_space %c, %b decay %a : tensor<2x7x2x3xf32>, "
     "tensor<2x7x4x3xf32>, tensor<2x7x4xf32>\n"
     "%R = ssd.scale_rows %K, %d : !ssd.matrix<2x4x7, causal>, "
     "tensor<2x7x4xf32>\n"
     "%M = ssd.scale_columns %R, %d : !ssd.matrix<2x4x7, causal>, "
     "tensor<2x7x4xf32>",
     "!ssd.matrix<2x4x7, causal>", 3},
    {"transposed_sum",
     "%K = ssd.state_space %c, %b decay %a strict : tensor<2x7x2x3xf32>, "
     "tensor<2x7x4x3xf32>, tensor<2x7x4xf32>\n"
     "%S = ssd.scale_rows %K, %d : !ssd.matrix<2x4x7, causal, strict>, "
     "tensor<2x7x4xf32>\n"
     "%D = ssd.decay %g : tensor<4xf32>\n"
     "%A = ssd.add %S, %D : !ssd.matrix<2x4x7, causal, strict>, "
     "!ssd.matrix<?x4x?, causal>\n"
     "%M = ssd.transpose %A : !ssd.matrix<2x4x7, causal>",
     "!ssd.matrix<2x4x7, anticausal>", 4},
};

class ReferenceMatrix : public testing::TestWithParam<MatrixCase>,
                        public ReferenceTestBase {
protected:
  /// A function that applies the case's matrix to a 2-headed x, with states
  /// in and out or without.
  std::string makeText(bool hasStates, bool isTransposed = false) {
    MatrixCase matrix = GetParam();
    std::string type = matrix.type;
    std::string state =
        "tensor<2x4x5x" + std::to_string(matrix.stateSize) + "xf32>";
    std::string extra;
    std::string applied = "%M";
    if (isTransposed) {
      bool isCausal = type.find("anticausal") == std::string::npos;
      extra = "%N = ssd.transpose %M : " + type + "\n";
      type.replace(type.find(isCausal ? "causal" : "anticausal"),
                   isCausal ? 6 : 10, isCausal ? "anticausal" : "causal");
      applied = "%N";
    }
    std::string text =
        "func.func @f(%x: tensor<2x7x4x5xf32>, %a: tensor<2x7x4xf32>, "
        "%g: tensor<4xf32>, %b: tensor<2x7x4x3xf32>, %c: "
        "tensor<2x7x2x3xf32>, %d: tensor<2x7x4xf32>, %s: " +
        state + ") -> (tensor<2x7x4x5xf32>, " + state + ") {\n" +
        matrix.operations + "\n" + extra;
    if (hasStates)
      text += "%y, %f = ssd.apply " + applied + ", %x init %s : " + type +
              ", tensor<2x7x4x5xf32>, " + state + " -> tensor<2x7x4x5xf32>, " +
              state + "\nreturn %y, %f : tensor<2x7x4x5xf32>, " + state + "\n}";
    else
      text += "%y = ssd.apply " + applied + ", %x : " + type +
              ", tensor<2x7x4x5xf32> -> tensor<2x7x4x5xf32>\n"
              "return %y, %s : tensor<2x7x4x5xf32>, " +
              state + "\n}";
    return text;
  }

  Tensors makeArguments() {
    return {random({2, 7, 4, 5}),
            randomDecay({2, 7, 4}),
            randomDecay({4}),
            random({2, 7, 4, 3}),
            random({2, 7, 2, 3}),
            random({2, 7, 4}),
            random({2, 4, 5, GetParam().stateSize})};
  }
};

TEST_P(ReferenceMatrix, RecurrenceEqualsDense) {
  Tensors arguments = makeArguments();
  std::string text = makeText(/*hasStates=*/false);
  Tensors recurrent = run(text, arguments);
  Tensors dense = run(text, arguments, {InterpreterOptions::Apply::Dense});
  ASSERT_EQ(recurrent.size(), 2u) << message << text;
  ASSERT_EQ(dense.size(), 2u) << message;
  EXPECT_LT(relativeError(recurrent[0], dense[0]), 1e-13);
}

double innerProduct(const ReferenceTensor &a, const ReferenceTensor &b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a.getValues(), b.getValues()))
    sum += x * y;
  return sum;
}

/// THEORY §1: with (x, S_in) → (y, S_out) and its transpose (u, G_in) →
/// (v, G_out), ⟨y, u⟩ + ⟨S_out, G_in⟩ = ⟨x, v⟩ + ⟨S_in, G_out⟩.
TEST_P(ReferenceMatrix, TransposeIsAdjoint) {
  Tensors forward = makeArguments();
  Tensors backward = forward;
  backward[0] = random(forward[0].getShape());
  backward[6] = random(forward[6].getShape());
  Tensors y = run(makeText(/*hasStates=*/true), forward);
  Tensors v =
      run(makeText(/*hasStates=*/true, /*isTransposed=*/true), backward);
  ASSERT_EQ(y.size(), 2u) << message;
  ASSERT_EQ(v.size(), 2u) << message;
  double left =
      innerProduct(y[0], backward[0]) + innerProduct(y[1], backward[6]);
  double right =
      innerProduct(forward[0], v[0]) + innerProduct(forward[6], v[1]);
  EXPECT_NEAR(left, right, 1e-10 * std::fabs(left));
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceMatrix, testing::ValuesIn(matrixCases),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

//===----------------------------------------------------------------------===//
// Values by hand, states, sizes, errors
//===----------------------------------------------------------------------===//

class Reference : public testing::Test, public ReferenceTestBase {};

const char *const scalarMixer = R"mlir(
  func.func @f(%x: tensor<?x?x1x1xf32> {ssd.name = "x"},
               %la: tensor<?x?x1xf32> {ssd.name = "la"},
               %b: tensor<?x?x1x1xf32>, %c: tensor<?x?x1x1xf32>,
               %s: tensor<?x1x1x1xf32>)
      -> (tensor<?x?x1x1xf32>, tensor<?x1x1x1xf32>) {
    %M = ssd.state_space %c, %b decay %la : tensor<?x?x1x1xf32>,
        tensor<?x?x1x1xf32>, tensor<?x?x1xf32>
    %y, %t = ssd.apply %M, %x init %s : !ssd.matrix<?x1x?, causal>,
        tensor<?x?x1x1xf32>, tensor<?x1x1x1xf32>
        -> tensor<?x?x1x1xf32>, tensor<?x1x1x1xf32>
    return %y, %t : tensor<?x?x1x1xf32>, tensor<?x1x1x1xf32>
  })mlir";

TEST_F(Reference, ScalarMixerByHand) {
  double half = std::log(0.5);
  Tensors results = run(scalarMixer, {ReferenceTensor({1, 2, 1, 1}, {3, 5}),
                                      ReferenceTensor({1, 2, 1}, half),
                                      ReferenceTensor({1, 2, 1, 1}, {2, 7}),
                                      ReferenceTensor({1, 2, 1, 1}, {1, 10}),
                                      ReferenceTensor({1, 1, 1, 1}, 8)});
  ASSERT_EQ(results.size(), 2u) << message;
  // S_1 = 8/2 + 2·3 = 10, S_2 = 10/2 + 7·5 = 40.
  expectValues(results[0], {10, 400});
  expectValues(results[1], {40});
}

TEST_F(Reference, StateJoinsTwoParts) {
  ReferenceTensor x = random({1, 9, 1, 1}), la = randomDecay({1, 9, 1}),
                  b = random({1, 9, 1, 1}), c = random({1, 9, 1, 1}),
                  s = random({1, 1, 1, 1});
  auto part = [](const ReferenceTensor &whole, int64_t from, int64_t count) {
    SmallVector<int64_t> shape(whole.getShape());
    shape[1] = count;
    auto values = whole.getValues().slice(from, count);
    return ReferenceTensor(shape,
                           std::vector<double>(values.begin(), values.end()));
  };
  Tensors whole = run(scalarMixer, {x, la, b, c, s});
  Tensors first = run(scalarMixer, {part(x, 0, 4), part(la, 0, 4),
                                    part(b, 0, 4), part(c, 0, 4), s});
  ASSERT_EQ(first.size(), 2u) << message;
  Tensors second = run(scalarMixer, {part(x, 4, 5), part(la, 4, 5),
                                     part(b, 4, 5), part(c, 4, 5), first[1]});
  ASSERT_EQ(second.size(), 2u) << message;
  EXPECT_LT(relativeError(first[0], part(whole[0], 0, 4)), 1e-15);
  EXPECT_LT(relativeError(second[0], part(whole[0], 4, 5)), 1e-15);
  EXPECT_LT(relativeError(second[1], whole[1]), 1e-15);
}

TEST_F(Reference, DecayErrorsNameTheValue) {
  using Case = std::pair<double, const char *>;
  for (auto [bad, text] :
       {Case(0.25, "0.25"), Case(NAN, "nan"), Case(-INFINITY, "-inf")}) {
    message.clear();
    ReferenceTensor la({1, 3, 1}, -1);
    la.at({0, 2, 0}) = bad;
    ReferenceTensor token({1, 3, 1, 1}, 1);
    EXPECT_TRUE(run(scalarMixer,
                    {token, la, token, token, ReferenceTensor({1, 1, 1, 1})})
                    .empty());
    EXPECT_NE(message.find("log decay (argument 'la') is "), message.npos)
        << message;
    EXPECT_NE(StringRef(message).lower().find(text), std::string::npos)
        << message;
    EXPECT_NE(message.find("at [0, 2, 0], but must be finite and <= 0"),
              message.npos)
        << message;
  }
}

TEST_F(Reference, ContradictorySizesAreErrors) {
  ReferenceTensor token({1, 3, 1, 1}, 1);
  EXPECT_TRUE(run(scalarMixer, {ReferenceTensor({1, 4, 1, 1}, 1.0),
                                ReferenceTensor({1, 3, 1}, -1), token, token,
                                ReferenceTensor({1, 1, 1, 1})})
                  .empty());
  EXPECT_NE(message.find("has operands of time size 3 and 4"), message.npos)
      << message;
  message.clear();
  EXPECT_TRUE(run(scalarMixer, {token, ReferenceTensor({1, 3, 1}, -1), token,
                                token, ReferenceTensor({1, 1, 2, 1})})
                  .empty());
  EXPECT_NE(message.find("argument 4 has shape 1x1x2x1, which contradicts its "
                         "type 'tensor<?x1x1x1xf32>'"),
            message.npos)
      << message;
  message.clear();
  EXPECT_TRUE(run(scalarMixer, {token}).empty());
  EXPECT_NE(message.find("takes 5 arguments, but got 1"), message.npos)
      << message;
}

const char *const fullMatrix = R"mlir(
  func.func @f(%x: tensor<1x2x1x1xf32>, %b: tensor<1x2x1x1xf32>,
               %c: tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32> {
    %M = ssd.low_rank %c, %b : tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>
    %y = ssd.apply %M, %x : !ssd.matrix<1x1x2, full>, tensor<1x2x1x1xf32>
        -> tensor<1x2x1x1xf32>
    return %y : tensor<1x2x1x1xf32>
  })mlir";

TEST_F(Reference, FullMatrixNeedsDense) {
  Tensors arguments = {ReferenceTensor({1, 2, 1, 1}, {3, 5}),
                       ReferenceTensor({1, 2, 1, 1}, {2, 7}),
                       ReferenceTensor({1, 2, 1, 1}, {1, 10})};
  EXPECT_TRUE(run(fullMatrix, arguments).empty());
  EXPECT_NE(message.find("applies a full matrix, which has no token "
                         "recurrence"),
            message.npos)
      << message;
  Tensors dense =
      run(fullMatrix, arguments, {InterpreterOptions::Apply::Dense});
  ASSERT_EQ(dense.size(), 1u);
  expectValues(dense[0], {41, 410});
}

TEST_F(Reference, DenseHasNoStates) {
  ReferenceTensor token({1, 3, 1, 1}, 1);
  EXPECT_TRUE(run(scalarMixer,
                  {token, ReferenceTensor({1, 3, 1}, -1), token, token,
                   ReferenceTensor({1, 1, 1, 1})},
                  {InterpreterOptions::Apply::Dense})
                  .empty());
  EXPECT_NE(message.find("has states"), message.npos) << message;
}

} // namespace
} // namespace mamba::ssd
