// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/PtxEmitter.h"

#include "codegen/PTX/Assembler.h"
#include "codegen/PTX/PtxText.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <regex>

using namespace mamba;
using namespace mamba::codegen;

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Threading = mlir::MLIRContext::Threading;

/// A kernel of `threads` threads with a branch, hence with labels.
std::string kernelText(const std::string &name, int threads,
                       const std::string &body = "") {
  return "gpu.func @" + name + R"mlir((%out: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: )mlir" +
         std::to_string(threads) + ", 1, 1>} {" + body + R"mlir(
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %word = arith.index_cast %i : index to i32
      llvm.store volatile %word, %out : i32, !llvm.ptr<1>
    }
    gpu.return
  }
)mlir";
}

/// What emitting a module of the functions leaves.
struct Emitted {
  Emitted(const std::string &functions, Threading threading,
          llvm::StringRef target = "sm_90a", bool together = false) {
    mlir::DialectRegistry registry;
    registry.insert<mlir::gpu::GPUDialect, mlir::LLVM::LLVMDialect,
                    mlir::NVVM::NVVMDialect, mlir::arith::ArithDialect,
                    mlir::scf::SCFDialect>();
    mlir::MLIRContext context(registry, threading);
    mlir::ScopedDiagnosticHandler handler(
        &context, [&](mlir::Diagnostic &diagnostic) {
          diagnostics.push_back(diagnostic.str());
        });
    auto module = mlir::parseSourceString<mlir::ModuleOp>(
        "gpu.module @kernels {" + functions + "}", &context);
    if (!module)
      return;
    std::string llvmIR;
    auto result = emitPtx(*module->getOps<mlir::gpu::GPUModuleOp>().begin(),
                          *lookupTarget(target), together ? &llvmIR : nullptr);
    if (mlir::succeeded(result))
      ptx = std::move(*result);
  }

  std::vector<std::string> diagnostics;
  PtxModule ptx;
};

const std::string kThreeKernels =
    kernelText("a", 64) + kernelText("b", 96) + kernelText("c", 128);

TEST(PtxEmitter, DoesNotDependOnThreads) {
  Emitted serial(kThreeKernels, Threading::DISABLED);
  ASSERT_THAT(serial.diagnostics, ElementsAre());
  for (int repeat = 0; repeat < 4; ++repeat)
    EXPECT_EQ(Emitted(kThreeKernels, Threading::ENABLED).ptx.text,
              serial.ptx.text);
}

TEST(PtxEmitter, JoinsKernels) {
  Emitted split(kThreeKernels, Threading::ENABLED);
  Emitted whole(kThreeKernels, Threading::ENABLED, "sm_90a", /*together=*/true);
  std::vector<std::string> names;
  std::vector<int64_t> threads;
  for (const PtxKernel &kernel : split.ptx.kernels) {
    names.push_back(kernel.name);
    threads.push_back(kernel.blockSize);
  }
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
  EXPECT_THAT(threads, ElementsAre(64, 96, 128));
  EXPECT_NE(split.ptx.text, whole.ptx.text);
  std::regex label("L__BB[0-9]+_");
  EXPECT_EQ(std::regex_replace(split.ptx.text, label, "L"),
            std::regex_replace(whole.ptx.text, label, "L"));
  std::optional<std::string> assembler = findAssembler();
  if (!assembler)
    GTEST_SKIP() << "ptxas is not on PATH";
  auto report = assemble(*assembler, split.ptx.text, "sm_90a");
  ASSERT_TRUE(static_cast<bool>(report)) << llvm::toString(report.takeError());
  EXPECT_EQ(report->kernels.size(), 3u);
}

TEST(PtxEmitter, KeepsWhatKernelsShare) {
  std::string shared = R"mlir(
  llvm.mlir.global external @shared(7 : i32) {addr_space = 1 : i32} : i32
)mlir";
  Emitted emitted(shared + kernelText("a", 64) + kernelText("b", 64),
                  Threading::ENABLED);
  EXPECT_THAT(emitted.diagnostics, ElementsAre());
  EXPECT_THAT(emitted.ptx.text,
              AllOf(HasSubstr(".entry a("), HasSubstr(".entry b("),
                    HasSubstr(" shared = 7;")));
}

TEST(PtxEmitter, ReportsEveryKernelOnceAndInOrder) {
  std::string bad = kernelText("a", 64) + kernelText("b", 95) +
                    kernelText("c", 64) + kernelText("d", 2048);
  for (int repeat = 0; repeat < 4; ++repeat) {
    Emitted emitted(bad, Threading::ENABLED);
    EXPECT_THAT(emitted.diagnostics,
                ElementsAre(HasSubstr("needs known_block_size"),
                            HasSubstr("needs known_block_size")));
    EXPECT_EQ(emitted.ptx.text, "");
  }
}

TEST(PtxEmitter, ReportsWhatLlvmCannotDo) {
  // Electing a thread needs sm_90.
  std::string elect = "\n    %leader = nvvm.elect.sync -> i1"
                      "\n    llvm.store volatile %leader, %out : i1, "
                      "!llvm.ptr<1>";
  Emitted emitted(kernelText("a", 64) + kernelText("b", 64, elect),
                  Threading::ENABLED, "sm_80");
  EXPECT_THAT(emitted.diagnostics,
              ElementsAre(HasSubstr("LLVM could not generate code for sm_80")));
}

TEST(PtxText, JoinsWhatIsDeclaredAlike) {
  auto text = [](const std::string &name, const std::string &declared) {
    return ".version 8.0\n\n\t// .globl\t" + name + "\n" + declared +
           ".visible .entry " + name + "()\n{\n}\n";
  };
  std::string declared = ".extern .shared .b8 s[];\n";
  std::optional<std::string> joined =
      joinPtx({text("a", declared), text("b", declared)});
  ASSERT_TRUE(joined);
  EXPECT_EQ(*joined, text("a", declared) +
                         "\t// .globl\tb\n.visible .entry b()\n{\n}\n");
  EXPECT_FALSE(joinPtx({text("a", declared), text("b", "")}));
  EXPECT_FALSE(joinPtx({text("a", declared), "." + text("b", declared)}));
  EXPECT_FALSE(joinPtx({text("a", declared), ".version 8.0\n"}));
}

} // namespace
