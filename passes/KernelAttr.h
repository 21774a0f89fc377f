// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The one thing that back ends and the launch plan agree on in the IR.

#pragma once

#include "llvm/ADT/StringRef.h"

namespace mamba {

/// Attributes of a persistent kernel, a gpu.func. Its thread blocks form gangs
/// that walk the same chunks side by side; a batch entry has `tile.sets`
/// sequence sets, each walked by one gang at a time. The grid is as many gangs
/// as are resident together, one block a multiprocessor. Sequences are cut into
/// segments of at least `tile.segment_chunks` chunks of `tile.chunk` tokens
/// when there are fewer sets than gangs; with 0, gangs share out ranges of all
/// chunks.
inline constexpr llvm::StringLiteral kGangAttr = "tile.gang";
inline constexpr llvm::StringLiteral kSetsAttr = "tile.sets";
inline constexpr llvm::StringLiteral kSegmentChunksAttr = "tile.segment_chunks";
inline constexpr llvm::StringLiteral kChunkAttr = "tile.chunk";
/// What a launch is predicted to take, in picoseconds: to start and to end, a
/// chunk, a chunk's part in the summary of a segment, the join of a segment,
/// the states of a sequence (mamba_cost).
inline constexpr llvm::StringLiteral kCostAttr = "tile.cost";
/// Tensor maps, the last parameters of a kernel: for each the number of the
/// tensor's parameter and the box, innermost dimension first.
inline constexpr llvm::StringLiteral kTensorMapsAttr = "tile.tensor_maps";
/// Types of the workspaces, whose pointers follow those of the tensors; the
/// dynamic dimension is the number of multiprocessors; i64 are flags.
inline constexpr llvm::StringLiteral kWorkspacesAttr = "tile.workspaces";

/// Attribute of a kernel: thread blocks for each batch and head.
inline constexpr llvm::StringLiteral kSlicesAttr = "tile.slices";

/// Attribute of an operation that has become a kernel: the kernel's symbol.
inline constexpr llvm::StringLiteral kKernelAttr = "ssd.kernel";
/// Symbols of further kernels of the operation: a launch runs one of all.
inline constexpr llvm::StringLiteral kAlternativesAttr = "ssd.alternatives";

} // namespace mamba
