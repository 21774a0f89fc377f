// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The machines the compiler knows, one table row each: limits that decide
// which schedules are legal and rates that decide which legal one is fastest.
// Everything that depends on a machine reads its row; adding a target whose
// instructions exist already adds a row and nothing else.

#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace mamba {

/// Instructions that a target's kernels are made of.
enum class InstructionFamily {
  Cpu,     ///< Vectorised LLVM.
  MmaSync, ///< cp.async, ldmatrix, mma.sync (sm_80 and everything after it).
};

struct Target {
  /// Name in options and in PTX: "cpu", "sm_90a".
  llvm::StringLiteral name;
  /// The machine that the rates below belong to.
  llvm::StringLiteral machine;
  InstructionFamily family;
  /// PTX feature that LLVM selects for it; empty for a CPU.
  llvm::StringLiteral ptxFeature;
  /// Compute capability of a GPU, 10 · major + minor; 0 for a CPU.
  int capability;
  /// Instructions beyond the family's: matrix stores to shared memory, and the
  /// asynchronous products of a warpgroup.
  bool hasStmatrix, hasWgmma;

  // Limits.
  /// Cores or multiprocessors that run work items side by side.
  int64_t units;
  /// Registers a thread may have, and of a unit; 0 where not allocated by us.
  int64_t registersPerThread;
  int64_t registersPerUnit;
  /// Shared memory a thread block may have, in bytes; 0: none.
  int64_t sharedBytesPerBlock;
  /// Shared memory of a unit, which its blocks and 1 KiB for each share.
  int64_t sharedBytesPerUnit;
  /// Bytes of temporary tiles one work item may use.
  int64_t scratchBytes;

  // Rates of the whole machine.
  double bytesPerSecond; ///< Main memory, bytes read plus written.
  double flopsPerSecond; ///< Matrix products on full tiles, 2 a multiply-add.
  double simpleOpsPerSecond; ///< Element-wise f32 operations.
  double expsPerSecond;      ///< Exponentials and logarithms.
  double launchSeconds;      ///< Fixed cost of a kernel launch.
  double chunkSeconds;       ///< Fixed cost of one chunk of one work item.
  /// Rows at which matrix products reach half of their rate; 0: fixed tiles.
  double halfRows;
  /// Whether memory, matrix units, ALUs and exponentials work side by side
  /// (the slowest counts) or the compute parts follow each other.
  bool overlaps;

  bool isGpu() const { return family != InstructionFamily::Cpu; }
};

/// Limits of the kernels of an instruction family, the same on all machines.
struct KernelLimits {
  int64_t warps;       ///< Warps a thread block.
  int64_t rowsPerWarp; ///< Token rows a warp owns.
  int64_t dimMultiple; ///< Headdim P and state size N: a multiple of this,
  int64_t dimLimit;    ///< and at most this.
  int64_t channelLimit; ///< Headdim slice of a thread block.
  int64_t stateValues; ///< Values of the carried state a thread block holds.
  int64_t maxStages;   ///< Shared-memory pipeline stages.

  /// Tokens a chunk has to have.
  int64_t getChunk() const { return warps * rowsPerWarp; }
};

/// All rows, the CPU first.
llvm::ArrayRef<Target> getTargets();

/// The row of `name`; null when there is none.
const Target *lookupTarget(llvm::StringRef name);

/// "cpu, sm_80, …", for diagnostics and help texts.
std::string listTargets();

/// Limits of the mma.sync kernels.
const KernelLimits &getMmaSyncLimits();

} // namespace mamba
