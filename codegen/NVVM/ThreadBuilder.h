// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits code for one thread of a CTA: small arithmetic with constant folding,
// lane and warp numbers, NVVM intrinsics by name, the elements of a register
// tile's vector, and the coordinates of a layout.

#ifndef CODEGEN_NVVM_THREADBUILDER_H
#define CODEGEN_NVVM_THREADBUILDER_H

#include "dialect/Tile/RegisterLayout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mamba::codegen {

class ThreadBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using Value = mlir::Value;
  using mlir::ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // i32 and i64 arithmetic, folding constants and neutral elements.
  Value i32(int64_t value);
  Value i64(int64_t value);
  Value f32(float value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b);
  Value mul(Value a, int64_t b);
  Value div(Value a, int64_t b);
  Value rem(Value a, int64_t b);
  Value bitAnd(Value a, int64_t b);
  Value bitXor(Value a, Value b);
  Value bitXor(Value a, int64_t b);
  Value shiftRight(Value a, int64_t b);
  Value compare(mlir::arith::CmpIPredicate predicate, Value a, Value b);
  Value compare(mlir::arith::CmpIPredicate predicate, Value a, int64_t b);
  Value select(Value condition, Value a, Value b);
  /// index to i64.
  Value toI64(Value index);
  /// index to i32, which must hold it.
  Value toI32(Value index);
  /// i32 (not negative) to i64.
  Value widen(Value value);
  /// An index clamped to [0, limit], as i32.
  Value clampToI32(Value index, int64_t limit);

  // Threads. Inside of a role, thread and warp count from the first of the
  // role's instance, and instances from 0; outside there is one instance.
  Value thread();
  Value lane();
  Value warp();
  Value instance();
  /// i1: true in the first thread; in the first lane of each warp.
  Value isFirstThread();
  Value isFirstLane();

  /// Calls `llvm.nvvm.…`. No result if `type` is null.
  Value intrinsic(llvm::StringRef name, mlir::Type type,
                  mlir::ValueRange arguments);
  /// A constant argument of an intrinsic that takes nothing else.
  Value immediate(int64_t value);
  /// True if both conditions hold; a null one does.
  Value both(Value a, Value b);
  /// Emits `body` for the threads in which the condition holds.
  void when(Value condition, llvm::function_ref<void()> body);
  /// Inline PTX that is executed as often as it stands and that no access to
  /// memory passes. No result if `type` is null.
  Value assembly(llvm::StringRef text, llvm::StringRef constraints,
                 mlir::Type type, mlir::ValueRange arguments);
  enum class Shuffle { Index, Up, Down, Butterfly };
  /// Warp shuffle of a value of 16 or 32 bits; lanes without a source keep
  /// their own value.
  Value shuffle(Shuffle kind, Value value, Value operand);
  Value fieldOf(Value structure, int64_t field);

  // Vectors. `words` are pairs of 16-bit elements, as i32 or as vectors of two.
  llvm::SmallVector<Value> unpack(Value vector);
  Value pack(llvm::ArrayRef<Value> elements);
  llvm::SmallVector<Value> unpackPairs(Value vector) {
    return unpackRuns(vector, 2);
  }
  Value packPairs(llvm::ArrayRef<Value> pairs) { return packRuns(pairs); }
  /// The same for vectors of `count` elements.
  llvm::SmallVector<Value> unpackRuns(Value vector, int64_t count);
  Value packRuns(llvm::ArrayRef<Value> runs);
  Value bitcast(Value value, mlir::Type type);

  // Memory.
  Value pointerAdd(Value pointer, Value bytes);
  Value pointerAdd(Value pointer, int64_t bytes);
  Value load(mlir::Type type, Value pointer, unsigned alignment);
  void store(Value value, Value pointer, unsigned alignment);

  // Layouts.
  /// The part of the coordinate along `axis` that depends on the lane, on the
  /// warp, on both (i32).
  Value laneCoordinate(const tile::RegisterLayout &layout, int axis);
  Value warpCoordinate(const tile::RegisterLayout &layout, int axis);
  Value threadCoordinate(const tile::RegisterLayout &layout, int axis);
  /// i1: this thread stores its elements (RegisterLayout::isPrimary).
  Value isPrimary(const tile::RegisterLayout &layout);

private:
  template <typename Op>
  Value binary(Value a, Value b);
};

/// The constant that a value is, if it is one.
std::optional<int64_t> constantOf(mlir::Value value);

} // namespace mamba::codegen

#endif // CODEGEN_NVVM_THREADBUILDER_H
