// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The instructions that the emulator executes, by what they work on.

#ifndef MAMBA_TEST_UNIT_CODEGEN_WARPINSTRUCTIONS_H
#define MAMBA_TEST_UNIT_CODEGEN_WARPINSTRUCTIONS_H

#include "test/unit/codegen/WarpAssembly.h"

#include "llvm/ADT/StringMap.h"

namespace mamba::test {

/// Host functions by the names of their intrinsics after "llvm.nvvm.".
using IntrinsicTable = llvm::StringMap<void *>;

template <typename F>
void *functionAddress(F *function) {
  return reinterpret_cast<void *>(function);
}

//===----------------------------------------------------------------------===//
// Lanes (WarpLanes.cpp)
//===----------------------------------------------------------------------===//

/// Names of the functions behind ldmatrix (words*, address, count, transposed)
/// and mma (result*, six words*, sums*, half).
inline constexpr const char *kLoadMatrix = "emulated_ldmatrix";
inline constexpr const char *kMultiply = "emulated_mma";
/// And behind elect.sync (words*: the lane, and whether it is this one).
inline constexpr const char *kElect = "emulated_elect";

/// Numbers of threads and blocks, barriers, shuffles, matrices, mathematics.
void addLaneIntrinsics(IntrinsicTable &table);

//===----------------------------------------------------------------------===//
// Asynchronous copies (WarpCopies.cpp)
//===----------------------------------------------------------------------===//

/// cp.async, mbarrier.init and the fences.
void addCopyIntrinsics(IntrinsicTable &table);
/// mbarriers and bulk copies.
llvm::Expected<AsmAction> prepareCopy(const AsmInstruction &instruction);
void startCopies(int threads);
/// Ends the block; returns which copies nobody has waited for, if any.
std::string finishCopies();

//===----------------------------------------------------------------------===//
// Several instructions (WarpSequences.cpp)
//===----------------------------------------------------------------------===//

/// An instruction and those that follow, with registers of their own: 64-bit
/// integers, atomics, stores to shared memory.
llvm::Expected<AsmAction> prepareSequence(const AsmInstruction &first);

//===----------------------------------------------------------------------===//
// Products of warpgroups (WarpProducts.cpp)
//===----------------------------------------------------------------------===//

/// wgmma and its fence, groups and waits.
llvm::Expected<AsmAction> prepareProduct(const AsmInstruction &instruction);
void startProducts(int threads);
/// Ends the block; returns which products nobody has waited for, if any.
std::string finishProducts();

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_WARPINSTRUCTIONS_H
