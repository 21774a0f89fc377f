// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Builds the warp-specialised tile kernel of one chunk program: a persistent
// thread block whose warps divide into roles (dialect/Tile/README.md):
//
//   load     starts the bulk copies
//   vectors  one warp a consumer: every vector over tokens (steps, prefix
//            sums, weights), computed once
//   mask     the time×time tiles: scores once for all heads, times each mask
//   consume  one warpgroup a consumer: outputs and the carried state
//
// A consumer is one head, or one slice of 64 of its headdim.

#pragma once

#include "passes/Analysis/TileAxes.h"
#include "passes/Transforms/PersistentKernel.h"
#include "passes/Transforms/RoleEmitter.h"
#include "passes/Transforms/RoleShape.h"
#include "llvm/ADT/MapVector.h"

namespace mamba {

class RoleKernel : private PersistentKernel {
public:
  RoleKernel(ssd::ChunkScanOp scan, mlir::gpu::GPUModuleOp module,
             llvm::StringRef name, RoleShape shape)
      : PersistentKernel(scan, module, name, divide(scan, shape)), axes(scan),
        entry(scan.getContext()), shape(shape) {}

  mlir::LogicalResult build();

private:
  friend class RoleSlots;

  /// A pipeline and its stages.
  struct Pipeline {
    mlir::Value value;
    int64_t stages = 0;
  };
  /// A tile that bulk copies move.
  struct BulkTile {
    Access access;
    mlir::Value map, buffer;
  };
  struct Piece : Part {
    /// Of the pipelines, at the first chunk; of the masks', which a first pass
    /// over a segment (then the block's only piece) does not use.
    mlir::Value iteration, maskIteration;
    /// The first pass: the last `reach` chunks, the last one first.
    bool isSummary = false;
  };
  /// What a consumer works on.
  using Consumer = Member;
  /// A chunk of a producer, which walks both passes in one loop.
  struct Turn {
    mlir::Value iteration, step;
    /// Whether it is of the first pass; null in kernels that have none.
    mlir::Value sumsUp;
  };
  /// What a vector role walks.
  struct VectorWalk {
    const Piece &piece;
    Consumer consumer;
    mlir::Value instance;
    mlir::Value turns;
  };
  /// Factors of the columns in front of a block of 16 rows of a mask.
  struct FactorKey {
    ssd::SegmentDecayOp mask;
    /// Of the columns; may be null.
    mlir::Value scale;
    int64_t block;
  };
  /// Scores that all consumers share, in registers.
  using MaskScores = llvm::MapVector<mlir::Value, mlir::Value>;
  using PieceBody = llvm::function_ref<mlir::LogicalResult(Piece &)>;
  /// Iterations of the pipelines of operands, and of masks.
  struct Iterations {
    mlir::Value operands, masks;
  };
  using ChunkBody = llvm::function_ref<mlir::LogicalResult(
      mlir::Value step, Iterations iterations, mlir::ValueRange carried,
      llvm::SmallVectorImpl<mlir::Value> &next)>;

  static WorkShape divide(ssd::ChunkScanOp scan, const RoleShape &shape) {
    return {.chunk = int64_t(scan.getChunk()),
            .gang = shape.gang,
            .sets = shape.sets,
            .members = shape.consumers,
            .slices = shape.slices,
            .channels = kRoleChannels,
            .warps = 4,
            .paddedChannels = kRoleChannels,
            .splits = shape.segmentChunks > 0};
  }

  // RoleKernel.cpp: function, buffers, roles.
  void createFunction();
  llvm::SmallVector<mlir::Attribute>
  describeMaps(llvm::ArrayRef<mlir::Value> tensors);
  llvm::SmallVector<mlir::Attribute> describeWorkspaces();
  void setAttributes(llvm::ArrayRef<mlir::Attribute> maps,
                     llvm::ArrayRef<mlir::Attribute> workspaces);
  void bindParameters(unsigned tensors, unsigned workspaces);
  void createBuffers();
  void createPipelines();
  mlir::Value allocate(llvm::ArrayRef<int64_t> extents, mlir::Type element,
                       int64_t stages, bool panels);
  mlir::LogicalResult createRoles();

  // RoleWork.cpp: who works on what.
  mlir::Value countTurns(const Piece &piece);
  Turn emitTurn(const Piece &piece, mlir::Value done);
  mlir::LogicalResult emitPieces(PieceBody body);
  mlir::LogicalResult emitChunks(const Piece &piece, mlir::ValueRange initial,
                                 ChunkBody body,
                                 llvm::SmallVectorImpl<mlir::Value> &results);
  llvm::SmallVector<mlir::Value> emitCoordinates(const Access &access,
                                                 const Piece &piece,
                                                 Consumer consumer,
                                                 mlir::Value token);

  // RoleLoad.cpp: producers.
  mlir::LogicalResult emitLoadRole();
  void loadChunk(const Piece &piece, const Turn &turn);
  void startCopies(const Piece &piece, Consumer consumer, const Turn &turn,
                   const Pipeline &pipeline, mlir::Value group,
                   llvm::ArrayRef<unsigned> operands);
  mlir::LogicalResult emitVectorRole(mlir::Value instance);
  void startVectors(const VectorWalk &walk, mlir::Value done);
  mlir::FailureOr<mlir::Value> emitFactors(TileEmitter &emitter,
                                           const FactorKey &key);
  mlir::LogicalResult emitExports(TileEmitter &emitter, mlir::Value slot,
                                  mlir::Value decay, bool inSummary);
  mlir::LogicalResult emitVectors(const VectorWalk &walk, mlir::Value done,
                                  mlir::Value &decay);
  mlir::LogicalResult walkVectors(const Piece &piece, mlir::Value instance);

  // RoleConsume.cpp: the mask role and the consumers.
  mlir::LogicalResult emitMaskRole();
  mlir::LogicalResult emitConsumeRole(mlir::Value instance);
  mlir::LogicalResult emitMasks(const Piece &piece, Iterations iterations);
  mlir::LogicalResult emitMasksOf(const Piece &piece, mlir::Value group,
                                  Iterations iterations, mlir::Value sharedSlot,
                                  const MaskScores &scores);
  mlir::LogicalResult emitOutputs(class RoleSlots &slots, RoleEmitter &emitter,
                                  const Piece &piece, Consumer consumer,
                                  mlir::Value instance, mlir::Value token,
                                  mlir::Value iteration);

  // RoleState.cpp: the state at the ends of pieces.
  mlir::FailureOr<mlir::Value>
  emitInitialState(const Piece &piece, Consumer consumer, mlir::Value instance);
  mlir::Value loadHandover(mlir::Value slot);
  void storeHandover(mlir::Value state, mlir::Value instance);
  mlir::Value handoverIndex(mlir::Value block, mlir::Value instance);
  void emitFinalState(const Piece &piece, Consumer consumer,
                      mlir::Value instance, mlir::Value state);

  // RoleSummary.cpp: split sequences.
  mlir::FailureOr<mlir::Value> emitTransition(const Part &part,
                                              Consumer consumer,
                                              mlir::Value step,
                                              mlir::Operation *before);
  /// The search for the chunks that count, in rounds of one chunk a warp.
  struct Search {
    mlir::Operation *loop;
    mlir::Value round;
    /// Chunks of a round.
    int64_t span;
    /// A stage for each warp.
    mlir::Value transitions;
    /// What the warp looks at: which chunk of the round, for whom.
    mlir::Value warp, chunk;
    Consumer consumer;
  };
  mlir::LogicalResult searchChunks(const Part &part, const Search &search,
                                   mlir::Value &reach,
                                   llvm::SmallVectorImpl<mlir::Value> &decays);
  mlir::FailureOr<mlir::Value> emitSearch(const Part &part);
  mlir::FailureOr<mlir::Value> emitReach();
  mlir::LogicalResult prepareSummaries();
  /// The pieces of a block of a split sequence have a first pass, in which the
  /// state is summed up for the segments behind; emitted by `body` under the
  /// condition that there are such. Afterwards the piece's iteration is the one
  /// behind it.
  mlir::LogicalResult
  emitSummaryPass(Piece &piece,
                  llvm::function_ref<mlir::LogicalResult(Piece &)> body);
  mlir::LogicalResult emitSummary(const Piece &piece, Consumer consumer,
                                  mlir::Value instance);
  mlir::Value accumulate(mlir::Value state, mlir::Value decay,
                         llvm::function_ref<mlir::Value()> other);
  mlir::Value combineSummaries(const Piece &piece, Consumer consumer,
                               mlir::Value instance);

  TileAxes axes;
  mlir::OpBuilder entry;
  RoleShape shape;
  /// Operand numbers: what the consumers share, and each one's own.
  llvm::SmallVector<unsigned> sharedTiles, ownTiles;
  /// Vectors over tokens among the operands, and their rings of copies.
  llvm::MapVector<unsigned, mlir::Value> vectorRings;
  llvm::DenseMap<unsigned, BulkTile> tiles;
  llvm::SmallVector<BulkTile> outs;
  /// Buffers of the time×time tiles that consumers multiply with.
  llvm::MapVector<mlir::Value, mlir::Value> masks;
  /// Buffers of the vectors and scalars that the vector roles compute.
  llvm::MapVector<std::pair<mlir::Value, int>, mlir::Value> exports;
  /// Those that the first pass over a segment needs.
  llvm::DenseSet<std::pair<mlir::Value, int>> summaryExports;
  /// Buffers of the factors of masks.
  llvm::SmallVector<std::pair<FactorKey, mlir::Value>> factors;
  Pipeline shared, own, mask;
  /// Chunks of the first pass of a split sequence (i32).
  mlir::Value reach;
};

} // namespace mamba
