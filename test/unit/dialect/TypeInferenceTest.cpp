// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Sizes and supports of matrix expressions.

#include "dialect/IR/SsdOps.h"
#include "test/unit/dialect/ReferenceTestBase.h"

using namespace mlir;
using namespace mamba::ssd;

namespace {

constexpr int64_t kAny = ShapedType::kDynamic;

std::optional<int64_t> valueOf(FailureOr<int64_t> result) {
  return succeeded(result) ? std::optional(*result) : std::nullopt;
}

TEST(UnifySizes, DynamicYieldsToStatic) {
  EXPECT_EQ(valueOf(unifySizes(3, 3)), 3);
  EXPECT_EQ(valueOf(unifySizes(kAny, 3)), 3);
  EXPECT_EQ(valueOf(unifySizes(3, kAny)), 3);
  EXPECT_EQ(valueOf(unifySizes(kAny, kAny)), kAny);
  EXPECT_TRUE(failed(unifySizes(3, 4)));
}

TEST(UnifyHeads, OneDividesTheOther) {
  for (int64_t a = 1; a <= 12; ++a)
    for (int64_t b = 1; b <= 12; ++b) {
      FailureOr<int64_t> heads = unifyHeads(a, b);
      if (a % b == 0 || b % a == 0)
        EXPECT_EQ(valueOf(heads), std::max(a, b));
      else
        EXPECT_TRUE(failed(heads)) << a << " " << b;
    }
  EXPECT_TRUE(failed(unifyHeads(kAny, 4)));
  EXPECT_TRUE(failed(unifyHeads(4, 0)));
}

/// Matrices of every support and diagonal, to be combined.
class Combination : public ReferenceTestBase, public testing::Test {
protected:
  Combination() {
    auto text = R"(
      func.func @f(%a: tensor<2x?x4xf32>, %k: tensor<?x7x2x5xf32>) {
        %causal = ssd.decay %a : tensor<2x?x4xf32>
        %strict = ssd.causal : !ssd.matrix<?x2x?, causal, strict>
        %anti = ssd.transpose %causal : !ssd.matrix<2x4x?, causal>
        %antistrict = ssd.transpose %strict : !ssd.matrix<?x2x?, causal, strict>
        %full = ssd.low_rank %k, %k : tensor<?x7x2x5xf32>, tensor<?x7x2x5xf32>
        return
      })";
    module = parseSourceString<ModuleOp>(text, &context);
    module->walk([&](StructuredMatrixOpInterface op) {
      matrices.push_back(op->getResult(0));
    });
    builder.setInsertionPointAfterValue(matrices.back());
  }

  static int getSign(Support support) {
    return support == Support::Causal ? 1 : support == Support::Full ? 0 : -1;
  }

  OwningOpRef<ModuleOp> module;
  llvm::SmallVector<Value> matrices;
  OpBuilder builder{&context};
};

TEST_F(Combination, SupportsIntersectInProductsAndUniteInSums) {
  ASSERT_EQ(matrices.size(), 5u) << message;
  Location loc = builder.getUnknownLoc();
  for (Value a : matrices)
    for (Value b : matrices) {
      auto aType = cast<MatrixType>(a.getType());
      auto bType = cast<MatrixType>(b.getType());
      int aSign = getSign(aType.getSupport());
      int bSign = getSign(bType.getSupport());
      auto sum = cast<MatrixType>(AddOp::create(builder, loc, a, b).getType());
      EXPECT_EQ(getSign(sum.getSupport()), aSign == bSign ? aSign : 0);
      EXPECT_EQ(sum.getStrict(),
                aSign == bSign && aType.getStrict() && bType.getStrict());
      if (aSign * bSign < 0)
        continue; // diagonal, rejected by hadamard (C2)
      auto product =
          cast<MatrixType>(HadamardOp::create(builder, loc, a, b).getType());
      EXPECT_EQ(getSign(product.getSupport()), aSign ? aSign : bSign);
      EXPECT_EQ(product.getStrict(), aType.getStrict() || bType.getStrict());
      EXPECT_EQ(product.getHeads(),
                std::max(aType.getHeads(), bType.getHeads()));
    }
}

TEST_F(Combination, SizesComeFromWhicheverOperandHasThem) {
  Location loc = builder.getUnknownLoc();
  auto product = cast<MatrixType>(
      HadamardOp::create(builder, loc, matrices.front(), matrices.back())
          .getType());
  EXPECT_EQ(product.getBatch(), 2);
  EXPECT_EQ(product.getHeads(), 4);
  EXPECT_EQ(product.getLength(), 7);
}

TEST_F(Combination, StateSizesFollowTheAlgebra) {
  Location loc = builder.getUnknownLoc();
  auto size = [](Value matrix) {
    return cast<StructuredMatrixOpInterface>(matrix.getDefiningOp())
        .getStateSize();
  };
  Value full = matrices.back(), mask = matrices.front();
  Value product = HadamardOp::create(builder, loc, full, full);
  Value sum = AddOp::create(builder, loc, product, mask);
  EXPECT_EQ(size(mask), 1);
  EXPECT_EQ(size(full), 5);
  EXPECT_EQ(size(product), 25);
  EXPECT_EQ(size(sum), 26);
  EXPECT_EQ(size(TransposeOp::create(builder, loc, sum)), 26);
}

} // namespace
