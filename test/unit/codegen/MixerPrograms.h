// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mixers whose kernels the emulator runs, as text with sizes left open.

#ifndef MAMBA_TEST_UNIT_CODEGEN_MIXERPROGRAMS_H
#define MAMBA_TEST_UNIT_CODEGEN_MIXERPROGRAMS_H

#include "test/unit/codegen/RoleHarness.h"

namespace mamba::test {

struct Sizes {
  int64_t heads, groups, channels, states;
  const char *type = "bf16";
};

/// Replaces `{name}` in the text of a mixer by sizes and types.
std::string instantiate(std::string text, const Sizes &sizes);

/// Mamba-2 with softplus, skip and gate.
extern const char *const kMamba2;
/// The mixer of Mamba-2 by itself: steps, initial and final state.
extern const char *const kMixer;
/// The same, its result unrounded.
extern const char *const kWideMixer;
/// Without steps and states.
extern const char *const kDecayOnly;
extern const char *const kLinearAttention;
extern const char *const kRetention;
/// Every token sees those behind it, which are walked from the last on.
extern const char *const kBackwards;
/// No token sees itself.
extern const char *const kStrict;

/// Decays in [−`rate`, 0], steps in [0, 0.1], dt's bias around −4.
Fill decays(double rate);
/// The same, but `name` is `value` everywhere.
Fill constant(llvm::StringRef name, double value);

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_MIXERPROGRAMS_H
