// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every way in which a warpgroup product takes its operands, each as a kernel
// with the numbers that go in and should come out.

#ifndef MAMBA_TEST_UNIT_CODEGEN_PRODUCTFORMS_H
#define MAMBA_TEST_UNIT_CODEGEN_PRODUCTFORMS_H

#include <cstdint>
#include <string>
#include <vector>

namespace mamba::test {

/// c + a·b, 64×n with k inner elements.
struct ProductForm {
  int64_t n, k;
  /// Extent of b's buffer along n.
  int64_t width;
  bool halves = false;
  bool registersA = false;
  /// How the operands are stored: K×64 and width×K if transposed.
  bool transposeA = false, transposeB = false;
  bool accumulates = false;
  bool panels = true;

  std::string name() const;
  /// A module with the kernel @k(a, b, c, out: pointers), 128 threads, which
  /// writes 64×n f32.
  std::string kernel() const;
};

std::vector<ProductForm> productForms();

/// Operands as stored (bits of 16-bit floats) and the exact result.
struct ProductNumbers {
  explicit ProductNumbers(const ProductForm &form);

  std::vector<uint16_t> a, b;
  std::vector<float> c;
  std::vector<double> result;
};

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_PRODUCTFORMS_H
