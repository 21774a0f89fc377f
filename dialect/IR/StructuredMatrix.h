// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a structured matrix answers about itself: its block structure, the
// generators of one chunk (D, U, V, W), its transpose and its reference
// values. One chunk of y = M x with a sequentially semiseparable M is
//
//   y_c = D x_c + U s_c,   s_{c+1} = W s_c + Vᵀ x_c
//
// Generators are kept factored, one term for each summand of M: U is
// diag(readScale)·read, V is diag(writeScale)·write, W a scalar, and the state
// of a term is kept as [P, N].

#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace mamba::ssd {

enum class DimRole : uint32_t;
class MatrixType;

/// Structure of the blocks of a matrix cut into chunks.
struct BlockStructure {
  enum Kind { Zero, Diagonal, LowRank, Dense };
  Kind onDiagonal = Dense;
  Kind offDiagonal = LowRank;
  /// Rank of the off-diagonal blocks when they are LowRank.
  int64_t rank = 0;
};

/// One summand of the off-diagonal generators. Values are tiles of a chunk
/// body; Q is the chunk length, N the term's state size.
struct ChunkTerm {
  mlir::Value read;       ///< Q×N read keys C; null: ones, N = 1.
  mlir::Value readScale;  ///< Q factors of the reads (f32); null: ones.
  mlir::Value write;      ///< Q×N write keys B; null: ones, N = 1.
  mlir::Value writeScale; ///< Q factors of the writes (f32); null: ones.
  mlir::Value transition; ///< Scalar tile (f32) the state decays by; null: 1.
  int64_t stateSize = 1;
};

/// Generators of one chunk.
struct ChunkGenerators {
  mlir::Value diagonal; ///< D: Q×Q tile (f32).
  llvm::SmallVector<ChunkTerm> terms;
};

/// What buildGenerators works with: a builder in the chunk's body, the tiles
/// of level-L0 tensors, and the schedule's numbers.
class ChunkContext {
public:
  ChunkContext(mlir::OpBuilder &builder, mlir::Location loc, int64_t chunk,
               int64_t subBlock, mlir::Type operandType)
      : builder(builder), loc(loc), chunk(chunk), subBlock(subBlock),
        operandType(operandType) {}
  virtual ~ChunkContext() = default;

  /// The tile of `tensor`, whose dimensions have the given roles, in its own
  /// element type. Rows past the end of the sequence are zero.
  virtual mlir::Value getTile(mlir::Value tensor,
                              llvm::ArrayRef<DimRole> roles) = 0;

  /// A per-token tile (B×T×H or H) as Q f32 values, zero past the end.
  mlir::Value getTokenVector(mlir::Value tensor);

  /// A key tile (B×T×G×N) in its own element type.
  mlir::Value getKeys(mlir::Value tensor);

  /// Element-type conversions (no operation where nothing changes).
  mlir::Value toF32(mlir::Value tile);
  mlir::Value toOperand(mlir::Value tile);

  /// Product of two tiles of one shape in f32; a null factor is one.
  mlir::Value multiply(mlir::Value a, mlir::Value b);

  /// The Khatri-Rao (row-wise Kronecker) product of two key tiles, `a`'s
  /// index being the slower one; null factors are ones.
  mlir::Value multiplyKeys(mlir::Value a, mlir::Value b);

  /// lhs rhsᵀ of two key tiles as a Q×Q f32 tile.
  mlir::Value scores(mlir::Value lhs, mlir::Value rhs);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  int64_t chunk;
  int64_t subBlock;
  mlir::Type operandType;
};

/// Element access for the reference semantics.
class ReferenceContext {
public:
  virtual ~ReferenceContext() = default;
  /// Value of a level-L0 tensor at an index, in float64.
  virtual double element(mlir::Value tensor, llvm::ArrayRef<int64_t> index) = 0;
  /// Run-time size of a dimension of a level-L0 tensor.
  virtual int64_t size(mlir::Value tensor, unsigned dim) = 0;
};

/// One term of the reference realisation at one token.
struct ReferenceTerm {
  double decay = 1;
  llvm::SmallVector<double> read;  ///< C_t, N values.
  llvm::SmallVector<double> write; ///< B_t, N values.
  bool strict = false;             ///< The token does not read itself.
};

} // namespace mamba::ssd
