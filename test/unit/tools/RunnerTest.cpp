// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How results are compared, inputs drawn and tensors rounded.

#include "tools/runner/Inputs.h"
#include "tools/runner/Report.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace mamba::ssd;

namespace mamba::tools {
namespace {

Comparison compareValues(std::vector<double> actual,
                         std::vector<double> reference, double limit) {
  int64_t size = actual.size();
  auto comparison =
      compare("y", "the reference", ReferenceTensor({1, size}, actual),
              ReferenceTensor({1, size}, reference), limit);
  return *comparison;
}

TEST(Runner, ErrorIsRelativeInTwoNorms) {
  Comparison comparison = compareValues({3, 4.5}, {3, 4}, 0.1);
  EXPECT_DOUBLE_EQ(comparison.error, 0.1);
  EXPECT_TRUE(comparison.passes());
  EXPECT_EQ(comparison.worst, "[0, 1]: 4.5, not 4");
  EXPECT_FALSE(compareValues({3, 4.6}, {3, 4}, 0.1).passes());
}

TEST(Runner, NanAndInfinityNeverPass) {
  Comparison nan = compareValues({NAN, 1}, {2, 1}, 1e9);
  EXPECT_FALSE(nan.passes());
  EXPECT_EQ(nan.worst, "[0, 0]: nan, not 2");
  EXPECT_FALSE(compareValues({1, 1}, {NAN, 1}, 1e9).passes());
  EXPECT_FALSE(compareValues({INFINITY, 1}, {2, 1}, 1e9).passes());
  EXPECT_FALSE(compareValues({NAN, 0}, {0, 0}, 1e9).passes());
}

TEST(Runner, ZeroReferenceAsksForZeros) {
  EXPECT_TRUE(compareValues({0, 0}, {0, 0}, 0).passes());
  Comparison comparison = compareValues({0, -1e-9}, {0, 0}, 0);
  EXPECT_FALSE(comparison.passes());
  EXPECT_EQ(comparison.error, 1e-9);
}

TEST(Runner, ShapesMustAgree) {
  auto comparison = compare("y", "the file", ReferenceTensor({2, 3}),
                            ReferenceTensor({3, 2}), 1);
  ASSERT_FALSE(bool(comparison));
  EXPECT_EQ(toString(comparison.takeError()),
            "'y' has shape 2x3, but the file has 3x2");
}

TEST(Runner, TensorsRoundToNearestEven) {
  ReferenceTensor values({3}, {1 + 0x1p-8, 1 + 0x3p-8, -0x1p-200});
  auto rounded =
      HostTensor::round(*lookupElementType("bf16"), values).toReference();
  EXPECT_EQ(rounded.getValues()[0], 1);
  EXPECT_EQ(rounded.getValues()[1], 1 + 0x4p-8);
  EXPECT_EQ(rounded.getValues()[2], 0);
  HostTensor poisoned(*lookupElementType("f16"), {2});
  poisoned.poison();
  EXPECT_TRUE(std::isnan(poisoned.toReference().getValues()[1]));
}

TEST(Runner, DrawnValuesDependOnSeedAndNameOnly) {
  TensorSpec spec{"x", lookupElementType("f32"), {4}, "", false};
  ReferenceTensor first = *drawValues(spec, {4}, 1);
  EXPECT_EQ(first.getValues(), drawValues(spec, {4}, 1)->getValues());
  EXPECT_NE(first.getValues(), drawValues(spec, {4}, 2)->getValues());
  spec.name = "z";
  EXPECT_NE(first.getValues(), drawValues(spec, {4}, 1)->getValues());
}

TEST(Runner, DrawnLogDecaysAreNegative) {
  TensorSpec spec{"la", lookupElementType("f32"), {1000}, "", true};
  ReferenceTensor drawn = *drawValues(spec, {1000}, 1);
  for (double value : drawn.getValues()) {
    EXPECT_LE(value, -0.001);
    EXPECT_GE(value, -0.2);
  }
}

TEST(Runner, TimingIsTheMedian) {
  Timing timing{{5, 1, 3}};
  EXPECT_EQ(timing.getMedian(), 3);
  EXPECT_EQ(timing.getBest(), 1);
}

TEST(Runner, MachineLimitsAreMeasured) {
  MachineLimits limits = measureCpu(1);
  EXPECT_GT(limits.bytesPerSecond, 1e8);
  EXPECT_GT(limits.flopsPerSecond, 1e8);
}

} // namespace
} // namespace mamba::tools
