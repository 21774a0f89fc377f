// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How long it takes from the text of a module to a function to be launched.

#pragma once

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace mamba::tools {

/// Seconds of each step; 0 for those of a GPU on the CPU.
struct CompileTimes {
  std::string machine; ///< In words.
  double context = 0;  ///< A GPU's, which every program creates once.
  /// From text to PTX, or to code in this process: by the compiler, and from a
  /// disk cache of what that had compiled.
  double compile = 0, compileFromDisk = 0;
  /// From PTX to bound kernels: by the driver's compiler, from a disk cache of
  /// what that had compiled, and from what is loaded already.
  double load = 0, loadFromDisk = 0, loadAgain = 0;
};

/// Compiles the function `entry` of the module `text` (empty: the only one)
/// and loads it. `target` is "cpu", "cuda" (the first GPU, with code for what
/// it is) or a GPU architecture. All disk caches, the driver's as well, are
/// empty directories at the start: sets CUDA_CACHE_PATH before the driver
/// starts.
llvm::Expected<CompileTimes> timeCompilation(llvm::StringRef text,
                                             llvm::StringRef entry,
                                             llvm::StringRef target);

void print(llvm::raw_ostream &stream, const CompileTimes &times);

} // namespace mamba::tools
