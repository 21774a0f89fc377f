// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The limits of a machine, against which achieved rates are set.

#pragma once

#include <string>

namespace mamba::tools {

struct MachineLimits {
  double bytesPerSecond = 0; ///< Main memory, bytes read plus written.
  double flopsPerSecond = 0; ///< Matrix products, 2 a multiply-add.
  std::string source;        ///< Where the numbers are from, in words.
};

/// Measures this machine in some 0.1 s: copies of buffers larger than its
/// caches, and f32 multiply-adds in vector registers, on `threads` threads.
MachineLimits measureCpu(unsigned threads);

} // namespace mamba::tools
