// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensor-core instructions as table rows: shape, element types, the LLVM
// intrinsic or PTX text, and the first target that has them. The register
// layouts of the fragments are data of their own (dialect/Tile/RegisterLayout):
// every row here uses the m16n8 accumulator and k16 operand fragments.

#ifndef CODEGEN_TARGETS_MMAROWS_H
#define CODEGEN_TARGETS_MMAROWS_H

#include "passes/Targets/Targets.h"

#include <span>
#include <string>
#include <string_view>

namespace mamba::codegen {

enum class ElementKind { BF16, F16, F32 };

enum class MmaFamily {
  /// One warp, operands in registers, synchronous.
  WarpSync,
  /// A warpgroup, right operand in shared memory, asynchronous.
  WarpgroupAsync,
};

struct MmaRow {
  /// `sm80_m16n8k16_f32_bf16_bf16_f32`: first target, shape, types of D, A, B,
  /// C.
  std::string_view name;
  MmaFamily family;
  /// Shape of one instruction. n is the largest for the asynchronous family,
  /// which takes every multiple of 8 up to it.
  int m, n, k;
  ElementKind operand;
  ElementKind accumulator;
  /// WarpSync: the LLVM intrinsic. WarpgroupAsync: the PTX type suffix.
  std::string_view instruction;
  int capability;
};

std::span<const MmaRow> mmaRows();

/// The row of a family for these element types that the target has, or null.
const MmaRow *findMma(MmaFamily family, ElementKind operand,
                      const Target &target);

/// How one asynchronous instruction takes its operands.
struct WgmmaForm {
  /// Columns of the result.
  int n = 0;
  /// The left operand is four registers, not a descriptor.
  bool registersA = true;
  /// d is added to, not only written.
  bool accumulates = true;
  /// The descriptor's tile runs along M, along N, instead of K.
  bool transposeA = false;
  bool transposeB = false;
};

/// PTX of one asynchronous instruction: d (m64 × n, n/2 registers a thread,
/// tied as inputs if it accumulates), the left operand and the descriptor of
/// the right one, in this order, as `llvm.inline_asm` numbers them.
std::string wgmmaText(const MmaRow &row, const WgmmaForm &form);
/// The constraint string that goes with wgmmaText.
std::string wgmmaConstraints(const WgmmaForm &form);

} // namespace mamba::codegen

#endif // CODEGEN_TARGETS_MMAROWS_H
