// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Vectors over the tokens of a chunk, as a thread sees them.

#pragma once

#include "codegen/NVVM/ThreadBuilder.h"

#include <array>

namespace mamba::codegen {

/// values[coordinate] of a vector whose element e is in register e / 32 of lane
/// e % 32, by selection of the register and a shuffle. The coordinate may
/// differ between lanes within one register, that of `uniform`.
mlir::Value pickLane(ThreadBuilder &b, llvm::ArrayRef<mlir::Value> values,
                     mlir::Value coordinate, mlir::Value uniform);

/// A vector of f32 over tokens: the elements that each lane holds, or the
/// address of them all in shared memory.
struct TokenVector {
  llvm::SmallVector<mlir::Value> lanes;
  mlir::Value pointer;

  TokenVector() = default;
  /// Of a converted register tile or buffer; of null an absent vector.
  TokenVector(ThreadBuilder &b, mlir::Value value);
  bool isAbsent() const { return lanes.empty() && !pointer; }

  /// Elements `coordinate` and `coordinate` + 1, which is even; `uniform` is a
  /// coordinate in the same 32 that all lanes know.
  std::array<mlir::Value, 2> pairAt(ThreadBuilder &b, mlir::Value coordinate,
                                    mlir::Value uniform) const;
  mlir::Value elementAt(ThreadBuilder &b, mlir::Value coordinate,
                        mlir::Value uniform) const;
};

} // namespace mamba::codegen
