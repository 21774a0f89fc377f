// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/Assembler.h"

#include <gtest/gtest.h>

using namespace mamba::codegen;

TEST(Assembler, ReadsTheReport) {
  AssemblyReport report = parseAssemblerOutput(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'first' for 'sm_90a'\n"
      "ptxas info    : Function properties for first\n"
      "    16 bytes stack frame, 12 bytes spill stores, 8 bytes spill loads\n"
      "ptxas info    : Used 255 registers, used 1 barriers\n"
      "ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async "
      "instructions are serialized due to ...\n"
      "ptxas info    : Compiling entry function 'second' for 'sm_90a'\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 40 registers, used 1 barriers\n");
  ASSERT_EQ(report.kernels.size(), 2u);
  EXPECT_EQ(report.kernels[0].name, "first");
  EXPECT_EQ(report.kernels[0].registers, 255);
  EXPECT_EQ(report.kernels[0].stackBytes, 16);
  EXPECT_EQ(report.kernels[0].spillStoreBytes, 12);
  EXPECT_EQ(report.kernels[0].spillLoadBytes, 8);
  EXPECT_EQ(report.kernels[1].name, "second");
  EXPECT_EQ(report.kernels[1].registers, 40);
  EXPECT_EQ(report.kernels[1].spillStoreBytes, 0);
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_NE(report.warnings[0].find("C7510"), std::string::npos);
}

TEST(Assembler, ReportsErrors) {
  std::optional<std::string> assembler = findAssembler();
  if (!assembler)
    GTEST_SKIP() << "ptxas is not on PATH";
  llvm::Expected<AssemblyReport> report =
      assemble(*assembler, "this is not PTX", "sm_80");
  ASSERT_FALSE(static_cast<bool>(report));
  EXPECT_NE(llvm::toString(report.takeError()).find("ptxas failed for sm_80"),
            std::string::npos);
}
