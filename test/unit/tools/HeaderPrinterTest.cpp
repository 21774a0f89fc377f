// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-compile/HeaderPrinter.h"

#include "test/unit/runtime/SamplePlan.h"
#include "gmock/gmock.h"

using testing::HasSubstr;

// Everything that persistent kernels and alternatives add to a plan.
TEST(HeaderPrinter, PersistentKernels) {
  mamba::test::SamplePlan sample = mamba::test::SamplePlan::alternatives();
  std::string text;
  llvm::raw_string_ostream stream(text);
  mamba::tools::printHeader(stream, *sample.get(), "scan", "scan.mlir", "PTX");
  EXPECT_THAT(text, HasSubstr("{\"flags\", 3, 6, 1, 0, 2, {{1, -2}}},\n"));
  EXPECT_THAT(text, HasSubstr("scan_plan = {5, \"scan\", \"sm_90a\", 90, 1, "));
  EXPECT_THAT(
      text,
      HasSubstr("{\"scan_states\", 3, {0, 1, 2}, 2, {0, 1}, 3, "
                "{{1, 0}, {4, -1}, {16, 1}}, 128, 1024, 0, "
                "{{0, {0, 0, 0, 0, 0}}}, 0, 0, 0, 0, {0, 0, 0, 0, 0}},\n"));
  EXPECT_THAT(text,
              HasSubstr("{\"scan_outputs\", 5, {2, 0, 1, 3, 4}, 2, {0, 1}, 2, "
                        "{{1, 0}, {1, -1}}, 256, 100000, 2, "
                        "{{0, {8, 1, 16, 1, 0}}, {3, {8, 1, 16, 1, 0}}}, 4, 0, "
                        "16, 0, {1000, 2000, 1000, 500, 0}},\n"));
  EXPECT_THAT(text, HasSubstr("2, 0, 16, 1, {9000, 1000, 500, 500, 0}},\n"));
}
