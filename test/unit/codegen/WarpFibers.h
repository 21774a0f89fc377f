// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The threads of one block, as fibers, and the instructions that they execute
// together.

#ifndef MAMBA_TEST_UNIT_CODEGEN_WARPFIBERS_H
#define MAMBA_TEST_UNIT_CODEGEN_WARPFIBERS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mamba::test {

/// Runs one block: `body` once for every thread. Returns what went wrong, or
/// an empty string.
std::string runBlock(int64_t block, int threads,
                     llvm::function_ref<void()> body);

/// The memory that `tile_shared` names.
void *sharedMemory();

/// Host functions for the intrinsics with one result or none, by their names
/// after "llvm.nvvm.", and for the two below.
llvm::StringMap<void *> emulatedIntrinsics();

/// Names of the functions behind ldmatrix (words*, address, count, transposed)
/// and mma (result*, six words*, sums*, half).
inline constexpr const char *kLoadMatrix = "emulated_ldmatrix";
inline constexpr const char *kMultiply = "emulated_mma";

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_WARPFIBERS_H
