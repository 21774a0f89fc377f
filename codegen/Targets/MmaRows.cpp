// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Targets/MmaRows.h"

namespace mamba::codegen {

static constexpr MmaRow kRows[] = {
    {.name = "sm80_m16n8k16_f32_bf16_bf16_f32",
     .family = MmaFamily::WarpSync,
     .m = 16,
     .n = 8,
     .k = 16,
     .operand = ElementKind::BF16,
     .accumulator = ElementKind::F32,
     .instruction = "llvm.nvvm.mma.m16n8k16.row.col.bf16",
     .capability = 80},
    {.name = "sm80_m16n8k16_f32_f16_f16_f32",
     .family = MmaFamily::WarpSync,
     .m = 16,
     .n = 8,
     .k = 16,
     .operand = ElementKind::F16,
     .accumulator = ElementKind::F32,
     .instruction = "llvm.nvvm.mma.m16n8k16.row.col.f32.f32",
     .capability = 80},
    {.name = "sm90a_m64n256k16_f32_bf16_bf16_f32",
     .family = MmaFamily::WarpgroupAsync,
     .m = 64,
     .n = 256,
     .k = 16,
     .operand = ElementKind::BF16,
     .accumulator = ElementKind::F32,
     .instruction = "f32.bf16.bf16",
     .capability = 90},
    {.name = "sm90a_m64n256k16_f32_f16_f16_f32",
     .family = MmaFamily::WarpgroupAsync,
     .m = 64,
     .n = 256,
     .k = 16,
     .operand = ElementKind::F16,
     .accumulator = ElementKind::F32,
     .instruction = "f32.f16.f16",
     .capability = 90},
};

std::span<const MmaRow> mmaRows() { return kRows; }

const MmaRow *findMma(MmaFamily family, ElementKind operand,
                      const Target &target) {
  for (const MmaRow &row : kRows) {
    bool available = family == MmaFamily::WarpgroupAsync
                         ? target.hasWgmma
                         : target.capability >= row.capability;
    if (row.family == family && row.operand == operand && available)
      return &row;
  }
  return nullptr;
}

/// `{$3, $4, $5}` for three operands from number 3 on.
static std::string registerList(int first, int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}

std::string wgmmaText(const MmaRow &row, const WgmmaForm &form) {
  int registers = form.n / 2;
  // The tied inputs take as many numbers again.
  int next = form.accumulates ? 2 * registers : registers;
  std::string text =
      "wgmma.mma_async.sync.aligned.m64n" + std::to_string(form.n) + "k16." +
      std::string(row.instruction) + " " + registerList(0, registers) + ", ";
  if (form.registersA)
    text += registerList(next, 4);
  else
    text += "$" + std::to_string(next);
  next += form.registersA ? 4 : 1;
  text += ", $" + std::to_string(next) + (form.accumulates ? ", 1" : ", 0") +
          ", 1, 1, ";
  if (!form.registersA)
    text += form.transposeA ? "1, " : "0, ";
  return text + (form.transposeB ? "1;" : "0;");
}

std::string wgmmaConstraints(const WgmmaForm &form) {
  std::string text;
  for (int i = 0; i < form.n / 2; ++i)
    text += "=f,";
  for (int i = 0; form.accumulates && i < form.n / 2; ++i)
    text += std::to_string(i) + ",";
  return text + (form.registersA ? "r,r,r,r,l" : "l,l");
}

} // namespace mamba::codegen
