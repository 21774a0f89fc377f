// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The shapes that are timed, and the Mamba-2 mixer of a shape as MLIR text.

#pragma once

#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mamba::tools {

/// The sizes of one call. Batch and time are those of the call; the function
/// is compiled for any batch and time.
struct BenchShape {
  std::string name; ///< "S1", or the sizes.
  int64_t batch, time, heads, headdim, state, groups;

  /// "8x4096x80x64x128x1", in the order of the members.
  std::string formatSizes() const;
};

/// The shapes of a comma-separated list of names ("S1" … "S8"), of sizes as
/// formatSizes writes them, and of "all", which is every named one.
llvm::Expected<std::vector<BenchShape>> parseShapes(llvm::StringRef list);

/// "S1 (8x4096x80x64x128x1), …", for help texts.
std::string listShapes();

/// What is added to the mixer y = M x + D x with a final state.
struct MixerVariant {
  bool gate = false;     ///< y is multiplied by silu(z).
  bool softplus = false; ///< dt is softplus(dt + bias).
  bool init = false;     ///< There is an initial state.

  /// "/gate/softplus/init", as far as they are on.
  std::string formatSuffix() const;
};

/// Module text with the function @mamba2 of a shape: bf16 x, B, C and y; f32
/// dt, A, D and states. Arguments have names and distributions.
std::string makeMixerText(const BenchShape &shape, const MixerVariant &variant);

} // namespace mamba::tools
