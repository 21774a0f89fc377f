// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Targets/MmaRows.h"
#include "codegen/PTX/Assembler.h"
#include "codegen/PTX/PtxEmitter.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mamba;
using namespace mamba::codegen;

namespace {

const MmaRow &rowNamed(std::string_view name) {
  for (const MmaRow &row : mmaRows())
    if (row.name == name)
      return row;
  ADD_FAILURE() << "no row " << name;
  return mmaRows()[0];
}

/// A kernel with one asynchronous product, m64nNk16, its left operand in
/// registers.
std::string wgmmaKernel(const MmaRow &row, int n, bool transposeB) {
  WgmmaForm form{.n = n, .transposeB = transposeB};
  std::string structure = "!llvm.struct<(f32";
  std::string operands = "%z", types = "f32";
  for (int i = 1; i < n / 2; ++i) {
    structure += ", f32";
    operands += ", %z";
    types += ", f32";
  }
  structure += ")>";
  return "gpu.module @m { gpu.func @k(%out: !llvm.ptr<1>, %d: i64, %w: i32) "
         "kernel attributes {known_block_size = array<i32: 128, 1, 1>} {\n"
         "%z = arith.constant 0.0 : f32\n"
         "llvm.call_intrinsic \"llvm.nvvm.wgmma.fence.sync.aligned\"() : () -> "
         "()\n"
         "%r = llvm.inline_asm has_side_effects \"" +
         wgmmaText(row, form) + "\", \"" + wgmmaConstraints(form) + "\" " +
         operands + ", %w, %w, %w, %w, %d : (" + types +
         ", i32, i32, i32, i32, i64) -> " + structure +
         "\n"
         "llvm.call_intrinsic "
         "\"llvm.nvvm.wgmma.commit_group.sync.aligned\"() : () -> ()\n"
         "%c = llvm.mlir.constant(0 : i64) : i64\n"
         "llvm.call_intrinsic "
         "\"llvm.nvvm.wgmma.wait_group.sync.aligned\"(%c) : (i64) -> ()\n"
         "%v = llvm.extractvalue %r[" +
         std::to_string(n / 2 - 1) + "] : " + structure +
         "\nllvm.store %v, %out : f32, !llvm.ptr<1>\n"
         "gpu.return } }";
}

TEST(MmaRows, FoundByTypesAndTarget) {
  const Target &ampere = *lookupTarget("sm_80");
  const Target &hopper = *lookupTarget("sm_90a");
  const MmaRow *row = findMma(MmaFamily::WarpSync, ElementKind::BF16, ampere);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->name, "sm80_m16n8k16_f32_bf16_bf16_f32");
  row = findMma(MmaFamily::WarpSync, ElementKind::F16, hopper);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->name, "sm80_m16n8k16_f32_f16_f16_f32");
  EXPECT_FALSE(findMma(MmaFamily::WarpSync, ElementKind::F32, ampere));
  EXPECT_FALSE(findMma(MmaFamily::WarpgroupAsync, ElementKind::BF16, ampere));
  EXPECT_TRUE(findMma(MmaFamily::WarpgroupAsync, ElementKind::BF16, hopper));
}

TEST(MmaRows, WgmmaTextNumbersItsOperands) {
  const MmaRow &row = rowNamed("sm90a_m64n256k16_f32_bf16_bf16_f32");
  WgmmaForm form{.n = 8, .transposeB = true};
  EXPECT_EQ(wgmmaText(row, form),
            "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, "
            "$3}, {$8, $9, $10, $11}, $12, 1, 1, 1, 1;");
  EXPECT_EQ(wgmmaConstraints(form), "=f,=f,=f,=f,0,1,2,3,r,r,r,r,l");
  // A first step has no inputs to tie, and descriptors a bit each.
  form = {
      .n = 8, .registersA = false, .accumulates = false, .transposeA = true};
  EXPECT_EQ(wgmmaText(row, form),
            "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, "
            "$3}, $4, $5, 0, 1, 1, 1, 0;");
  EXPECT_EQ(wgmmaConstraints(form), "=f,=f,=f,=f,l,l");
}

/// Both asynchronous rows assemble, without being serialised.
TEST(MmaRows, WgmmaAssembles) {
  std::optional<std::string> assembler = findAssembler();
  if (!assembler)
    GTEST_SKIP() << "ptxas is not on PATH";
  mlir::DialectRegistry registry;
  registry.insert<mlir::gpu::GPUDialect, mlir::LLVM::LLVMDialect,
                  mlir::arith::ArithDialect>();
  mlir::MLIRContext context(registry);
  const Target &target = *lookupTarget("sm_90a");
  for (std::string_view name : {"sm90a_m64n256k16_f32_bf16_bf16_f32",
                                "sm90a_m64n256k16_f32_f16_f16_f32"})
    for (int n : {8, 64, 128}) {
      std::string text = wgmmaKernel(rowNamed(name), n, n == 64);
      auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
      ASSERT_TRUE(module) << text;
      mlir::FailureOr<PtxModule> ptx =
          emitPtx(*module->getOps<mlir::gpu::GPUModuleOp>().begin(), target);
      ASSERT_TRUE(mlir::succeeded(ptx));
      EXPECT_NE(ptx->text.find("wgmma.mma_async.sync.aligned.m64n" +
                               std::to_string(n) + "k16"),
                std::string::npos);
      llvm::Expected<AssemblyReport> report =
          assemble(*assembler, ptx->text, "sm_90a");
      ASSERT_TRUE(static_cast<bool>(report))
          << llvm::toString(report.takeError());
      EXPECT_TRUE(report->warnings.empty()) << report->warnings.front();
      ASSERT_EQ(report->kernels.size(), 1u);
      EXPECT_EQ(report->kernels[0].spillStoreBytes, 0);
    }
}

} // namespace
