// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/ProductForms.h"

#include "tools/support/Float16.h"

#include <random>

namespace mamba::test {
namespace {

constexpr int64_t kRows = 64;

std::string extents(int64_t rows, int64_t columns) {
  return std::to_string(rows) + "x" + std::to_string(columns) + "x";
}

/// One operand: its buffer and what fills it.
struct Operand {
  int64_t rows, columns;
  std::string element;
  bool panels;

  std::string buffer() const {
    return "!tile.buffer<" + extents(rows, columns) + element +
           (panels ? ", panels>" : ">");
  }
  /// %NAMEs = the buffer, filled from the pointer %NAME.
  std::string fill(const std::string &name) const {
    std::string stride = "%" + name + "_columns", bound = "%" + name + "_rows";
    return bound + " = arith.constant " + std::to_string(rows) + " : index\n" +
           stride + " = arith.constant " + std::to_string(columns) +
           " : index\n%" + name + "s = tile.alloc : " + buffer() +
           "\ntile.copy_async %" + name + "[%c0] stride " + stride +
           " bounds [" + bound + ", " + stride + "] -> %" + name +
           "s : !llvm.ptr<1>, " + buffer() + "\n";
  }
};

Operand operandA(const ProductForm &form) {
  int64_t rows = form.transposeA ? form.k : kRows;
  int64_t columns = form.transposeA ? kRows : form.k;
  return {rows, columns, form.halves ? "f16" : "bf16", form.panels};
}

Operand operandB(const ProductForm &form) {
  int64_t rows = form.transposeB ? form.width : form.k;
  int64_t columns = form.transposeB ? form.k : form.width;
  return {rows, columns, form.halves ? "f16" : "bf16", form.panels};
}

} // namespace

std::string ProductForm::name() const {
  std::string text = halves ? "f16" : "bf16";
  text += " n" + std::to_string(n) + " k" + std::to_string(k);
  text += " b of " + std::to_string(width) + (panels ? " in panels" : "");
  text += registersA ? ", a in registers" : "";
  text += transposeA ? ", a transposed" : "";
  text += transposeB ? ", b transposed" : "";
  return text + (accumulates ? ", with accumulator" : "");
}

std::string ProductForm::kernel() const {
  Operand a = operandA(*this), b = operandB(*this);
  std::string result = "tensor<" + extents(kRows, n) + "f32, #acc>";
  std::string tile = "tensor<" + extents(kRows, k) + a.element + ", #a>";
  std::string left = "%as", leftType = a.buffer();
  std::string text = R"(
#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>
gpu.module @m { gpu.func @k(%a: !llvm.ptr<1>, %b: !llvm.ptr<1>,
    %c: !llvm.ptr<1>, %out: !llvm.ptr<1>) kernel
    attributes {known_block_size = array<i32: 128, 1, 1>} {
%c0 = arith.constant 0 : index
%c1 = arith.constant 1 : index
%m = arith.constant 64 : index
%n = arith.constant )" +
                     std::to_string(n) + " : index\n" + a.fill("a") +
                     b.fill("b") + R"(
tile.commit_copies
tile.wait_copies pending 0
llvm.call_intrinsic "llvm.nvvm.fence.proxy.async.shared_cta"() : () -> ()
tile.barrier
)";
  if (registersA) {
    text += "%ar = tile.load_shared %as" +
            std::string(transposeA ? " transposed" : "") + " : " + a.buffer() +
            " -> " + tile + "\n";
    left = "%ar";
    leftType = tile;
  } else if (transposeA) {
    left += " transposed";
  }
  if (accumulates)
    text += "%z = tile.load_global %c[%c0] strides [%n, %c1] bounds [%m, %n] : "
            "!llvm.ptr<1> -> " +
            result + "\n";
  text += "%p = tile.wgmma " + left + ", %bs" +
          (transposeB ? " transposed" : "") + (accumulates ? ", %z" : "") +
          " : " + leftType + ", " + b.buffer() +
          (accumulates ? ", " + result : "") + " -> !tile.pending<" + result +
          ">\n%r = tile.wgmma_wait %p : !tile.pending<" + result +
          ">\ntile.store_global %r -> %out[%c0] strides [%n, %c1] bounds [%m, "
          "%n] : " +
          result + ", !llvm.ptr<1>\n";
  return text + "gpu.return } }";
}

std::vector<ProductForm> productForms() {
  return {
      // Of the consumers: S Cᵀ, Xᵀ Mᵀ and Xᵀ B; of the masks: C Bᵀ.
      {.n = 64, .k = 128, .width = 64, .registersA = true, .transposeB = true},
      {.n = 64,
       .k = 64,
       .width = 64,
       .registersA = true,
       .transposeA = true,
       .transposeB = true,
       .accumulates = true},
      {.n = 128,
       .k = 64,
       .width = 128,
       .registersA = true,
       .transposeA = true,
       .accumulates = true},
      {.n = 64, .k = 128, .width = 64, .transposeB = true},
      // All panels that one instruction and one operand may have.
      {.n = 256, .k = 64, .width = 256, .halves = true, .transposeA = true},
      {.n = 256,
       .k = 64,
       .width = 256,
       .transposeB = true,
       .accumulates = true},
      {.n = 192, .k = 48, .width = 192, .registersA = true, .transposeA = true},
      {.n = 8, .k = 256, .width = 16, .transposeB = true},
      // Parts of a panel.
      {.n = 24, .k = 64, .width = 64, .transposeA = true},
      {.n = 32, .k = 64, .width = 64, .halves = true, .registersA = true},
      {.n = 40, .k = 64, .width = 64, .transposeB = true},
      {.n = 96, .k = 32, .width = 128, .transposeA = true},
      // Rows of 128 bytes without the word.
      {.n = 64, .k = 64, .width = 64, .panels = false},
      {.n = 64,
       .k = 48,
       .width = 64,
       .halves = true,
       .registersA = true,
       .transposeB = true,
       .panels = false},
  };
}

ProductNumbers::ProductNumbers(const ProductForm &form) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> uniform(-1, 1);
  auto draw = [&](std::vector<uint16_t> &bits, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      bits.push_back(form.halves
                         ? tools::Half::fromDouble(uniform(random))
                         : tools::Bfloat16::fromDouble(uniform(random)));
  };
  auto value = [&](uint16_t bits) {
    return form.halves ? tools::Half::toDouble(bits)
                       : tools::Bfloat16::toDouble(bits);
  };
  draw(a, kRows * form.k);
  draw(b, form.k * form.width);
  for (int64_t i = 0; i < kRows * form.n; ++i)
    c.push_back(static_cast<float>(uniform(random)));
  for (int64_t i = 0; i < kRows; ++i)
    for (int64_t j = 0; j < form.n; ++j) {
      double sum = form.accumulates ? c[i * form.n + j] : 0;
      for (int64_t l = 0; l < form.k; ++l)
        sum += value(a[form.transposeA ? l * kRows + i : i * form.k + l]) *
               value(b[form.transposeB ? j * form.k + l : l * form.width + j]);
      result.push_back(sum);
    }
}

} // namespace mamba::test
