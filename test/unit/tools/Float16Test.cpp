// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/support/Float16.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mamba::tools;

namespace {

template <typename Format>
class Float16 : public testing::Test {};

using Formats = testing::Types<Half, Bfloat16>;
TYPED_TEST_SUITE(Float16, Formats);

} // namespace

TYPED_TEST(Float16, EveryPatternSurvivesTheWayToDoubleAndBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    auto pattern = static_cast<uint16_t>(bits);
    double value = TypeParam::toDouble(pattern);
    uint16_t back = TypeParam::fromDouble(value);
    if (std::isnan(value))
      ASSERT_EQ(back,
                (pattern & 0x8000) | TypeParam::infinity | TypeParam::quietBit)
          << bits;
    else
      ASSERT_EQ(back, pattern) << bits;
  }
}

// Between each two neighbours: below the middle down, above it up, in the
// middle to the even one. With monotony that fixes the whole function.
TYPED_TEST(Float16, EveryMiddleIsRoundedToEven) {
  for (uint16_t low = 0; low < TypeParam::infinity - 1; ++low) {
    auto high = static_cast<uint16_t>(low + 1);
    double middle = (TypeParam::toDouble(low) + TypeParam::toDouble(high)) / 2;
    for (double sign : {1.0, -1.0}) {
      uint16_t signBit = sign < 0 ? 0x8000 : 0;
      ASSERT_EQ(TypeParam::fromDouble(sign * std::nextafter(middle, 0)),
                low | signBit);
      ASSERT_EQ(TypeParam::fromDouble(sign * middle),
                (low & 1 ? high : low) | signBit);
      ASSERT_EQ(TypeParam::fromDouble(sign * std::nextafter(middle, INFINITY)),
                high | signBit);
    }
  }
}

TYPED_TEST(Float16, Overflow) {
  constexpr uint16_t largest = TypeParam::infinity - 1;
  double last = TypeParam::toDouble(largest);
  double step = last - TypeParam::toDouble(largest - 1);
  double limit = last + step / 2;
  EXPECT_EQ(TypeParam::fromDouble(std::nextafter(limit, 0)), largest);
  EXPECT_EQ(TypeParam::fromDouble(limit), TypeParam::infinity);
  EXPECT_EQ(TypeParam::fromDouble(-1e300), TypeParam::infinity | 0x8000);
  EXPECT_EQ(TypeParam::fromDouble(INFINITY), TypeParam::infinity);
}

TYPED_TEST(Float16, Underflow) {
  double smallest = TypeParam::toDouble(1);
  EXPECT_EQ(TypeParam::fromDouble(smallest / 2), 0);
  EXPECT_EQ(TypeParam::fromDouble(std::nextafter(smallest / 2, 1)), 1);
  EXPECT_EQ(TypeParam::fromDouble(smallest / 4), 0);
  EXPECT_EQ(TypeParam::fromDouble(-smallest / 1e9), 0x8000);
  EXPECT_EQ(TypeParam::fromDouble(5e-324), 0);
  EXPECT_EQ(TypeParam::fromDouble(-0.0), 0x8000);
}

TEST(Float16Values, AsPublished) {
  EXPECT_EQ(Half::fromDouble(1), 0x3c00);
  EXPECT_EQ(Half::fromDouble(65504), 0x7bff);
  EXPECT_EQ(Half::toDouble(0x0001), std::ldexp(1, -24));
  EXPECT_EQ(Bfloat16::fromDouble(1), 0x3f80);
  EXPECT_EQ(Bfloat16::toDouble(0x4049), 3.140625);
  EXPECT_EQ(Bfloat16::toDouble(0x0001), std::ldexp(1, -133));
}

// 1 + 2^-8 + 2^-40 is above the middle of two bfloat16 values; rounded to
// float first it would be the middle, and then go down.
TEST(Float16Values, NoDoubleRounding) {
  double value = 1 + std::ldexp(1, -8) + std::ldexp(1, -40);
  EXPECT_EQ(Bfloat16::fromDouble(value), 0x3f81);
  EXPECT_EQ(Bfloat16::fromDouble(static_cast<float>(value)), 0x3f80);
}
