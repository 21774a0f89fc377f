// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/KernelCleanup.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace mamba::codegen;

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// The instructions of the function `text` after `cleanup`, without the
/// indentation.
std::vector<std::string> run(void (*cleanup)(llvm::Function &),
                             const std::string &text) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  auto module = llvm::parseAssemblyString(text, diagnostic, context);
  if (!module)
    return {diagnostic.getMessage().str()};
  llvm::Function &function = *module->getFunction("f");
  cleanup(function);
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (llvm::verifyFunction(function, &stream))
    return {message};
  std::vector<std::string> lines;
  for (llvm::Instruction &instruction : llvm::instructions(function)) {
    std::string line;
    llvm::raw_string_ostream(line) << instruction;
    lines.push_back(llvm::StringRef(line).trim().str());
  }
  return lines;
}

std::string join(const std::vector<std::string> &lines) {
  std::string text;
  for (const std::string &line : lines)
    text += line + "\n";
  return text;
}

TEST(SplitVectors, TakesWhatWasPutIn) {
  EXPECT_THAT(run(splitVectors, R"(
define float @f(float %a, float %b) {
  %1 = insertelement <2 x float> poison, float %a, i64 0
  %2 = insertelement <2 x float> %1, float %b, i64 1
  %x = extractelement <2 x float> %2, i64 0
  %y = extractelement <2 x float> %2, i64 1
  %sum = fadd float %x, %y
  ret float %sum
})"),
              ElementsAre("%sum = fadd float %a, %b", "ret float %sum"));
}

// A loop carries the elements of its vector, zeros and arguments to begin with.
TEST(SplitVectors, LoopsCarryElements) {
  std::string text = join(run(splitVectors, R"(
define float @f(<2 x float> %start, i1 %again) {
entry:
  br label %loop
loop:
  %a = phi <2 x float> [ zeroinitializer, %entry ], [ %a2, %loop ]
  %b = phi <2 x float> [ %start, %entry ], [ %b1, %loop ]
  %a0 = extractelement <2 x float> %a, i64 0
  %b0 = extractelement <2 x float> %b, i64 0
  %sum = fadd float %a0, %b0
  %a1 = insertelement <2 x float> %a, float %sum, i64 0
  %a2 = insertelement <2 x float> %a1, float %b0, i64 1
  %b1 = insertelement <2 x float> %b, float %sum, i64 1
  br i1 %again, label %loop, label %end
end:
  %result = extractelement <2 x float> %a2, i64 1
  ret float %result
})"));
  EXPECT_THAT(text, Not(HasSubstr("insertelement")));
  EXPECT_THAT(text, Not(HasSubstr("phi <2 x float>")));
  EXPECT_THAT(text, HasSubstr("extractelement <2 x float> %start, i64 1"));
  EXPECT_THAT(text, HasSubstr("phi float [ 0.000000e+00, %entry ], [ %sum, "
                              "%loop ]"));
  EXPECT_THAT(text, HasSubstr("ret float %4"));
}

// Whole vectors stay where they are used whole, and pairs of 16 bits, which are
// one register, everywhere.
TEST(SplitVectors, LeavesWhatIsUsedWhole) {
  std::string kept = R"(%1 = insertelement <2 x float> %v, float %a, i64 0
store <2 x float> %1, ptr %p, align 8
%2 = insertelement <2 x float> %v, float %a, i64 %i
%3 = extractelement <2 x float> %2, i64 1
store float %3, ptr %p, align 4
%4 = insertelement <2 x half> %h, half 0xH0000, i64 0
%5 = extractelement <2 x half> %4, i64 0
store half %5, ptr %p, align 2
ret void
)";
  EXPECT_EQ(join(run(splitVectors, "define void @f(<2 x float> %v, <2 x half> "
                                   "%h, float %a, i64 %i, ptr %p) {\n" +
                                       kept + "}")),
            kept);
}

TEST(SplitVectors, LoopsCarryRegisters) {
  std::string text = join(run(splitVectors, R"(
define half @f(<4 x half> %start, i1 %again) {
entry:
  br label %loop
loop:
  %a = phi <4 x half> [ %start, %entry ], [ %a, %loop ]
  br i1 %again, label %loop, label %end
end:
  %result = extractelement <4 x half> %a, i64 1
  ret half %result
})"));
  EXPECT_THAT(text, HasSubstr("phi <4 x half>"));
}

// A block that a switch names twice gives both edges the same values.
TEST(SplitVectors, EdgesOfOneBlockAgree) {
  std::string text = join(run(splitVectors, R"(
define float @f(<2 x float> %v, i32 %way) {
entry:
  switch i32 %way, label %other [ i32 0, label %end
                                  i32 1, label %end ]
other:
  br label %end
end:
  %joined = phi <2 x float> [ %v, %entry ], [ %v, %entry ],
                            [ zeroinitializer, %other ]
  %x = extractelement <2 x float> %joined, i64 0
  ret float %x
})"));
  EXPECT_THAT(text, HasSubstr("phi float [ %0, %entry ], [ %0, %entry ], [ "
                              "0.000000e+00, %other ]"));
}

TEST(SinkToUsers, GoesElementByElement) {
  EXPECT_THAT(run(sinkToUsers, R"(
define void @f(float %a, float %b, ptr %p) {
  %1 = fmul float %a, %a
  %2 = fmul float %b, %b
  %3 = fadd float %1, %a
  %4 = fadd float %2, %b
  store volatile float %3, ptr %p
  store volatile float %4, ptr %p
  ret void
})"),
              ElementsAre("%1 = fmul float %a, %a", "%2 = fadd float %1, %a",
                          HasSubstr("store volatile float %2"),
                          "%3 = fmul float %b, %b", "%4 = fadd float %3, %b",
                          HasSubstr("store volatile float %4"), "ret void"));
}

TEST(SinkToUsers, StaysOnItsSideOfInlinePtx) {
  EXPECT_THAT(run(sinkToUsers, R"(
define void @f(float %a, i32 %n, ptr %p) {
  %1 = fmul float %a, %a
  %2 = add i32 %n, 1
  %3 = load float, ptr %p
  call void asm sideeffect "wait;", ""()
  store volatile float %1, ptr %p
  store volatile i32 %2, ptr %p
  store volatile float %3, ptr %p
  ret void
})"),
              ElementsAre("%1 = fmul float %a, %a", HasSubstr("%2 = load"),
                          HasSubstr("asm sideeffect"),
                          HasSubstr("store volatile float %1"),
                          "%3 = add i32 %n, 1", HasSubstr("store volatile i32"),
                          HasSubstr("store volatile float %2"), "ret void"));
}

// More moves to one place than there are numbers between two instructions.
TEST(SinkToUsers, KeepsTheOrderOfManyMoves) {
  constexpr int count = 200;
  std::string text = "declare void @g(...)\n\ndefine void @f(i32 %a) {\n";
  std::string arguments;
  for (int i = 1; i <= count; ++i) {
    std::string name = "%x" + std::to_string(i);
    text += name + " = xor i32 %a, " + std::to_string(i) + "\n";
    arguments += (i > 1 ? ", i32 " : "i32 ") + name;
  }
  std::string call = "call void (...) @g(" + arguments + ")";
  std::vector<std::string> lines =
      run(sinkToUsers, text + call + "\n" + call + "\nret void\n}");
  ASSERT_EQ(lines.size(), count + 3u);
  for (int i = 0; i < count; ++i)
    EXPECT_THAT(lines[i], HasSubstr("%x" + std::to_string(count - i) + " = "));
}

} // namespace
