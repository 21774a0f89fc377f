// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Builds the tile kernel of one chunk program whose thread block works on
// several heads (or headdim slices): one a team of warps. Operands that the
// heads share are copied once, and products of them over two time axes are
// computed once, by all warps. A chunk:
//
//   barrier   its operands have arrived; copies of the next chunk start
//   masks     scores once, times the mask of every team, to shared memory
//   unmasked  products of the carried state, a team each
//   vectors   of the next chunk: steps, prefix sums, weights
//   barrier   the masks are there
//   outputs   products with the masks; then the next state
//
// The grid is persistent and walks ranges of chunks (PersistentKernel.h).

#pragma once

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Analysis/TileAxes.h"
#include "passes/Transforms/PersistentKernel.h"
#include "passes/Transforms/TeamEmitter.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace mamba {

class TeamKernel : private PersistentKernel {
public:
  TeamKernel(ssd::ChunkScanOp scan, mlir::gpu::GPUModuleOp module,
             llvm::StringRef name, TeamShape shape)
      : PersistentKernel(scan, module, name, divide(shape)), axes(scan),
        entry(scan.getContext()), shape(shape) {}

  mlir::LogicalResult build();

private:
  friend class TeamSlots;

  /// A tile over tokens that is copied to shared memory.
  struct Tile {
    Access access;
    mlir::Value buffer;
    /// One for all teams.
    bool shared = false;
    /// Has one stage, overwritten once the masks are made.
    bool early = false;
  };
  struct Piece : Part {
    /// What the warp's own team works on, and all of them.
    Member own;
    llvm::SmallVector<Member> members;
  };
  /// A place where the vectors of a chunk are computed, and from what.
  struct VectorSite {
    mlir::Block::iterator at;
    mlir::Block *block;
    mlir::Operation *before;
    Piece piece;
    mlir::Value token, parity;
  };
  using ChunkBody = llvm::function_ref<mlir::LogicalResult(
      mlir::Value step, mlir::Value parity, mlir::ValueRange carried,
      llvm::SmallVectorImpl<mlir::Value> &next)>;

  static WorkShape divide(const TeamShape &shape) {
    return {.chunk = shape.chunk,
            .gang = shape.gang,
            .sets = shape.sets,
            .members = shape.teams,
            .slices = shape.slices,
            .channels = shape.channels,
            .warps = shape.warps,
            .paddedChannels = shape.paddedChannels,
            .splits = shape.segmentChunks > 0};
  }

  // TeamKernel.cpp: function, buffers, chunks.
  void createFunction();
  llvm::SmallVector<mlir::Attribute> describeWorkspaces();
  void createBuffers();
  mlir::Value allocate(llvm::ArrayRef<int64_t> extents, mlir::Type element,
                       int64_t stages);
  /// Walks the pieces of the block, one after the other.
  mlir::LogicalResult emitPieces();
  mlir::LogicalResult walkPiece(const Piece &piece);
  mlir::LogicalResult emitMasks(const Piece &piece, mlir::Value parity,
                                mlir::Operation *before);
  mlir::LogicalResult emitUnmasked(TeamEmitter &emitter);
  mlir::LogicalResult emitOutputs(TeamEmitter &emitter, const Piece &piece,
                                  mlir::Value token);

  // TeamLoad.cpp: copies and vectors.
  mlir::LogicalResult emitChunks(const Piece &piece, bool summary,
                                 mlir::ValueRange initial, ChunkBody body,
                                 llvm::SmallVectorImpl<mlir::Value> &results);
  void openChunk(const Piece &piece, mlir::Value step, mlir::Value parity,
                 mlir::Value other);
  void startCopies(const Piece &piece, mlir::Value step, mlir::Value parity,
                   bool early, bool late);
  void startVectors(const Piece &piece, mlir::Value step, mlir::Value parity);
  void markVectors(const Piece &piece, mlir::Value step, mlir::Value parity,
                   mlir::Operation *before);
  mlir::LogicalResult emitVectors(const VectorSite &site);

  // TeamState.cpp: the state at the ends of pieces.
  mlir::Value emitInitialState(const Piece &piece);
  mlir::LogicalResult emitSummary(const Piece &piece);
  void emitFinalState(const Piece &piece, mlir::Value state);
  mlir::Value loadHandover(mlir::Value block);
  void storeHandover(mlir::Value state);
  mlir::Value handoverIndex(mlir::Value block);
  /// Stage `index` (i32) of a buffer; the buffer itself if it has one.
  mlir::Value stageOf(mlir::Value buffer, mlir::Value index);

  TileAxes axes;
  mlir::OpBuilder entry;
  TeamShape shape;
  /// The number of the warp's team.
  mlir::Value team;
  llvm::MapVector<unsigned, Tile> tiles;
  /// The operands that are copied; without, all.
  std::optional<llvm::DenseSet<unsigned>> copied;
  /// Operands that are vectors over tokens, and their rings of copies: this
  /// chunk's and the next one's.
  llvm::MapVector<unsigned, mlir::Value> vectors;
  /// Buffers of the time×time tiles that products read, a stage a team.
  llvm::MapVector<mlir::Value, mlir::Value> masks;
  /// Buffers of vectors and scalars over tokens that were asked for.
  llvm::MapVector<std::pair<mlir::Value, int>, mlir::Value> exports;
  llvm::SmallVector<VectorSite> sites;
};

/// What is in shared memory for one team in one chunk.
class TeamSlots : public RoleInputs {
public:
  /// `parity` is the stage of the chunk.
  TeamSlots(TeamKernel &kernel, mlir::Value team, mlir::Value parity,
            bool readsMasks)
      : kernel(kernel), team(team), parity(parity), readsMasks(readsMasks) {}

  bool holdsTile(mlir::Value tile) override;
  mlir::Value getTile(mlir::Value tile) override;
  mlir::Value getVector(mlir::Value value, Form form) override;

private:
  TeamKernel &kernel;
  mlir::Value team, parity;
  bool readsMasks;
};

} // namespace mamba
