// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the builders of persistent kernels share: which chunks of which
// sequences a thread block walks, where their operands stand, and the carried
// states at the ends of sequences.
//
// A gang of blocks walks the chunks of one sequence set (all heads that share
// operands) side by side, so that what they share is read from memory once. How
// gangs share out the sets is one of two rules, a kernel for each:
//
// - Ranges. The (set, chunk) pairs of a launch, in this order, are cut into
//   equal ranges, one a gang. A range begins and ends inside a sequence; the
//   piece that begins a sequence is walked first and its state handed over, the
//   piece that continues one last.
// - Segments. With fewer sets than gangs every sequence is cut into segments,
//   each with one gang. (With more, gangs take whole sequences in turn.)

#pragma once

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/KernelOperands.h"
#include "passes/Transforms/TileEmitter.h"

namespace mamba {

/// How a kernel shares out its work.
struct WorkShape {
  /// Tokens a chunk.
  int64_t chunk = 0;
  /// Thread blocks that walk the same chunks side by side, and sets of them
  /// that a sequence has.
  int64_t gang = 1, sets = 1;
  /// Heads, or slices of a head's channels, of a thread block.
  int64_t members = 1;
  /// Slices of a head, and the channels of each but perhaps the last.
  int64_t slices = 1, channels = 0;
  /// Warps that carry the state of a member, and its channels with padding.
  int64_t warps = 1, paddedChannels = 0;
  /// Segments instead of ranges.
  bool splits = false;
};

class PersistentKernel : protected KernelOperands {
protected:
  PersistentKernel(ssd::ChunkScanOp scan, mlir::gpu::GPUModuleOp module,
                   llvm::StringRef name, WorkShape division)
      : KernelOperands(scan, module, name), division(division) {}

  /// What this thread block walks. Numbers of work are i32, which saves
  /// registers; only offsets in tensors are index.
  struct Work {
    mlir::Value lane, group, groups, sets, chunks;
    /// Of a sequence, and which of them this block has; null for ranges.
    mlir::Value segments, segment;
    /// The range of (set, chunk) pairs, or the segment's chunks.
    mlir::Value low, high;
    /// The set of a range's last pair.
    mlir::Value last;
    /// Parts of sequences: from `begin` to `stop` by `stride`.
    mlir::Value begin, stop, stride;
  };
  /// A part of one sequence: chunks `first` to `end` (exclusive).
  struct Part {
    mlir::Value set, first, end, batch, tile;
  };
  /// One of those that a thread block works on.
  struct Member {
    mlir::Value head, slice;
  };

  /// Computes `work`, in front of everything that asks for parts.
  void divideWork();
  /// The part with number `index`: of a range, the set that many before the
  /// last one; of segments, that set.
  Part emitPart(mlir::Value index);
  Member emitMember(const Part &part, mlir::Value member);
  /// Whether the segment has others behind it.
  mlir::Value emitIsContinued();

  /// The first token of the chunk that a step works on.
  mlir::Value emitToken(mlir::Value step);
  /// Tokens from `token` on.
  mlir::Value countRows(mlir::Value token);
  /// Channels of a slice that exist.
  mlir::Value sliceWidth(const Member &member);
  /// The head of an operand that a head of the mixer reads.
  mlir::Value sharedHead(const Access &access, mlir::Value head);
  /// Element offset of a part's operand, without its tokens.
  mlir::Value emitOffset(const Access &access, const Part &part,
                         const Member &member);
  /// The same at a token (i32).
  mlir::Value tokenOffset(const Access &access, const Part &part,
                          const Member &member, mlir::Value token);
  /// A decay behind one more chunk: times the state's transition, unless that
  /// is the identity.
  mlir::FailureOr<mlir::Value> emitDecay(TileEmitter &emitter,
                                         mlir::Value decay);
  /// Scalars and channel vectors of a part, loaded in front of its chunks.
  void bindPartOperands(TileEmitter &emitter, const Part &part,
                        const Member &member, mlir::Operation *before);

  /// The workspace of so many flags for each multiprocessor.
  mlir::Attribute describeFlags(int64_t flags);
  /// Where the insertion point is, and for what follows there.
  void openFlags();
  mlir::RankedTensorType stateType();
  mlir::Value zeroState();
  mlir::Value loadState(mlir::Value pointer, mlir::Value offset,
                        int64_t rowStride, mlir::Value rows,
                        mlir::Value columns);
  /// The state that the sequence starts with.
  mlir::Value loadInit(const Part &part, const Member &member);
  /// Stores it where the sequence ends, if anybody wants it.
  void storeFinal(const Part &part, const Member &member, mlir::Value state);
  mlir::Value choose(mlir::Value condition,
                     llvm::function_ref<mlir::Value()> yes,
                     llvm::function_ref<mlir::Value()> no);

  /// A scalar as a vector that every warp holds.
  mlir::Value splatLanes(mlir::Value scalar, llvm::ArrayRef<int64_t> shape);

  /// Constants (i32, f32) and conversions.
  mlir::Value number(int64_t value) {
    return mlir::arith::ConstantIntOp::create(b, value, 32);
  }
  mlir::Value one() {
    return mlir::arith::ConstantOp::create(b, b.getF32FloatAttr(1.0f));
  }
  mlir::Value narrow(mlir::Value value) {
    return mlir::arith::IndexCastOp::create(b, b.getI32Type(), value);
  }
  mlir::Value widen(mlir::Value value) {
    return mlir::arith::IndexCastOp::create(b, b.getIndexType(), value);
  }
  mlir::Value subtract(mlir::Value lhs, mlir::Value rhs) {
    return mlir::arith::SubIOp::create(b, lhs, rhs);
  }
  mlir::Value blockNumber() {
    return narrow(mlir::gpu::BlockIdOp::create(b, mlir::gpu::Dimension::x));
  }

private:
  void divideRanges();
  void divideSegments();

protected:
  WorkShape division;
  Work work;
  mlir::Value batchSize, length;
  /// Workspaces: states and decays handed over between blocks, and flags.
  mlir::Value handoverStates, handoverDecays, flagArea;
  /// The flags, once they have been opened.
  mlir::Value handoverFlags;
};

} // namespace mamba
