// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs GPU kernels on the CPU, thread by thread, so that their numbers can be
// tested on a machine without a GPU.
//
// The optimised LLVM module that became PTX is compiled for the host with each
// `llvm.nvvm` intrinsic and each inline assembly replaced by a function of the
// emulator. The threads of a block are fibers; a warp-wide instruction waits
// until its 32 lanes have arrived, and the last one executes it for all. Blocks
// run one after the other, so that those with larger numbers find what the
// others have left.
//
// Asynchronous copies and products happen as late as their waits allow; what
// they are going to write is NaN until then, and what they read must not
// change. Shared memory starts out as NaNs. A misaligned or stray access, lanes
// that meet at different instructions, an arrival that an mbarrier does not
// expect, or a block in which nobody can go on is an error.

#ifndef MAMBA_TEST_UNIT_CODEGEN_WARPEMULATOR_H
#define MAMBA_TEST_UNIT_CODEGEN_WARPEMULATOR_H

#include "test/unit/codegen/EmulatedModule.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace mamba::test {

class WarpEmulator {
public:
  /// Compiles the text of an LLVM module (mamba::codegen::emitPtx's llvmIR).
  static llvm::Expected<std::unique_ptr<WarpEmulator>>
  create(llvm::StringRef llvmIR);

  /// Runs `grid` blocks of `threads` threads, one after the other. `arguments`
  /// are pointers (of EmulatedTensorMaps for tensor maps) and 64-bit integers,
  /// at most 32. Each launch of an emulator runs the threads in another order.
  llvm::Error launch(const std::string &kernel, int64_t grid, int threads,
                     std::vector<int64_t> arguments);

private:
  AsmActions actions;
  unsigned launches = 0;
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_WARPEMULATOR_H
