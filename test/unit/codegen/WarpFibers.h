// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The threads of one block, as fibers, and how they wait for each other.
// Kernels call plain functions, so there is one block, which is running.

#ifndef MAMBA_TEST_UNIT_CODEGEN_WARPFIBERS_H
#define MAMBA_TEST_UNIT_CODEGEN_WARPFIBERS_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <cstdint>
#include <string>

namespace mamba::test {

inline constexpr int kLanes = 32;
inline constexpr int kMaxThreads = 1024;

/// A block of a launch. The order in which threads run is a function of
/// `schedule` and the block's number.
struct BlockShape {
  int64_t number = 0, grid = 0;
  int threads = 0;
  unsigned schedule = 0;
};

/// Runs one block: `body` once for every thread. Returns what went wrong, or
/// an empty string.
std::string runBlock(const BlockShape &shape, llvm::function_ref<void()> body);

//===----------------------------------------------------------------------===//
// For instructions, in the thread that executes them
//===----------------------------------------------------------------------===//

int64_t currentBlock();
int64_t currentGrid();
int currentThread();
inline int currentWarp() { return currentThread() / kLanes; }
inline int currentLane() { return currentThread() % kLanes; }

/// Ends the block.
[[noreturn]] void fail(const std::string &message);

/// Lets the other threads run until `ready` yields true. `what` says for the
/// message about a block in which nobody can go on.
void waitUntil(llvm::function_ref<bool()> ready,
               llvm::function_ref<std::string()> what);

/// Waits until another thread has done something that others may wait for.
void waitForOthers();

/// Called where a thread has announced something. In every other warp it lets
/// the other threads run until none of them can go on: what has been announced
/// too early, they find out. The rest runs ahead of what others announce.
void stepAside();

/// Waits for the other lanes of the warp with the same instruction; the last
/// one runs `execute`.
void meetWarp(const char *what, llvm::function_ref<void()> execute);

/// Waits for `count` threads at hardware barrier `number` (all threads if
/// `count` is negative).
void meetBarrier(uint32_t number, int count);

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_WARPFIBERS_H
