// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/TileScans.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

/// Elements that one step of a sum handles: a vector register of AVX-512.
constexpr int64_t kScanWidth = 16;

/// Sub-blocks of a mask wider than this are cut into narrower ones: a row of a
/// sub-block is one vector.
constexpr int64_t kMaxSubBlock = 64;

Value constantIndex(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value zeroOf(ImplicitLocOpBuilder &b, Type type) {
  return arith::ConstantOp::create(b, b.getZeroAttr(type));
}

Value emptyLike(ImplicitLocOpBuilder &b, Type type) {
  auto tensorType = cast<RankedTensorType>(type);
  return tensor::EmptyOp::create(b, tensorType.getShape(),
                                 tensorType.getElementType());
}

Value read(ImplicitLocOpBuilder &b, Value tile, ValueRange indices,
           int64_t width) {
  Type element = getElementTypeOrSelf(tile.getType());
  return vector::TransferReadOp::create(b, VectorType::get(width, element),
                                        tile, indices, zeroOf(b, element),
                                        ArrayRef<bool>{true});
}

Value write(ImplicitLocOpBuilder &b, Value value, Value tile,
            ValueRange indices) {
  return vector::TransferWriteOp::create(b, value, tile, indices,
                                         ArrayRef<bool>{true})
      .getResult();
}

/// `value` moved by `distance` lanes towards the end (the beginning if
/// negative), `filler`'s lanes moving in.
Value shift(ImplicitLocOpBuilder &b, Value value, Value filler,
            int64_t distance) {
  int64_t width = cast<VectorType>(value.getType()).getDimSize(0);
  SmallVector<int64_t> mask;
  for (int64_t i = 0; i < width; ++i) {
    int64_t from = i - distance;
    mask.push_back(from >= 0 && from < width ? from : width + i);
  }
  return vector::ShuffleOp::create(b, value, filler, mask);
}

/// Calls `body(start, width, carried)` for blocks of `step` elements of a range
/// of `size`, in a loop, and once more for a narrower rest; last to first if
/// `reverse`.
SmallVector<Value>
forBlocks(ImplicitLocOpBuilder &b, int64_t size, int64_t step, bool reverse,
          ValueRange carried,
          function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, Value,
                                          int64_t, ValueRange)>
              body) {
  SmallVector<Value> values(carried);
  int64_t full = size / step * step;
  auto rest = [&] {
    if (full < size)
      values = body(b, constantIndex(b, full), size - full, values);
  };
  if (reverse)
    rest();
  if (full == step) {
    values = body(b, constantIndex(b, 0), step, values);
  } else if (full > 0) {
    auto loop = scf::ForOp::create(
        b, constantIndex(b, 0), constantIndex(b, full), constantIndex(b, step),
        values,
        [&](OpBuilder &nested, Location loc, Value at, ValueRange args) {
          ImplicitLocOpBuilder inLoop(loc, nested);
          if (reverse)
            at = arith::SubIOp::create(inLoop,
                                       constantIndex(inLoop, full - step), at);
          scf::YieldOp::create(inLoop, body(inLoop, at, step, args));
        });
    values.assign(loop->result_begin(), loop->result_end());
  }
  if (!reverse)
    rest();
  return values;
}

} // namespace

Value emitCumsum(ImplicitLocOpBuilder &b, ssd::CumsumOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  Type element = type.getElementType();
  bool reverse = op.getReverse();
  auto block = [&](ImplicitLocOpBuilder &b, Value at, int64_t width,
                   ValueRange carried) -> SmallVector<Value> {
    Value sums = read(b, op.getInput(), at, width);
    Value zero = zeroOf(b, sums.getType());
    for (int64_t distance = 1; distance < width; distance *= 2)
      sums = arith::AddFOp::create(
          b, sums, shift(b, sums, zero, reverse ? -distance : distance));
    Value carry = vector::BroadcastOp::create(b, sums.getType(), carried[0]);
    sums = arith::AddFOp::create(b, sums, carry);
    Value next = vector::ExtractOp::create(b, sums, reverse ? 0 : width - 1);
    if (op.getExclusive())
      sums = shift(b, sums, carry, reverse ? -1 : 1);
    return {next, write(b, sums, carried[1], at)};
  };
  return forBlocks(b, type.getDimSize(0), kScanWidth, reverse,
                   {zeroOf(b, element), emptyLike(b, type)}, block)[1];
}

Value emitReduceSum(ImplicitLocOpBuilder &b, ssd::ReduceSumOp op) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  auto block = [&](ImplicitLocOpBuilder &b, Value at, int64_t width,
                   ValueRange carried) -> SmallVector<Value> {
    return {vector::ReductionOp::create(
        b, vector::CombiningKind::ADD, read(b, op.getInput(), at, width),
        carried[0], arith::FastMathFlags::reassoc)};
  };
  Value sum = forBlocks(b, type.getDimSize(0), kScanWidth, /*reverse=*/false,
                        zeroOf(b, type.getElementType()), block)[0];
  return tensor::FromElementsOp::create(b, op.getType(), sum);
}

namespace {

/// The mask of ones on and below (strictly below) the diagonal.
Value emitTriangle(ImplicitLocOpBuilder &b, RankedTensorType type,
                   bool strict) {
  AffineMap map = b.getMultiDimIdentityMap(2);
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, type, ValueRange(), emptyLike(b, type), map, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange) {
        ImplicitLocOpBuilder inner(loc, nested);
        Value row = linalg::IndexOp::create(inner, 0);
        Value column = linalg::IndexOp::create(inner, 1);
        Value inside = arith::CmpIOp::create(inner,
                                             strict ? arith::CmpIPredicate::ult
                                                    : arith::CmpIPredicate::ule,
                                             column, row);
        Type element = type.getElementType();
        Value one =
            arith::ConstantOp::create(inner, inner.getFloatAttr(element, 1.0));
        linalg::YieldOp::create(
            inner,
            arith::SelectOp::create(inner, inside, one, zeroOf(inner, element))
                .getResult());
      });
  return generic.getResult(0);
}

/// Builds a decay mask. Between rows of sub-blocks it carries the mask and, for
/// every earlier column j, the sum of α over j+1 … (end of the last row block).
class DecayMask {
public:
  DecayMask(ssd::SegmentDecayOp op)
      : alpha(op.getLogDecay()), strict(op.getStrict()),
        type(cast<RankedTensorType>(op.getType())), size(type.getDimSize(0)),
        step(op.getSubBlock()) {
    if (step > kMaxSubBlock)
      step = kScanWidth;
  }

  Value emit(ImplicitLocOpBuilder &b);

private:
  SmallVector<Value> emitRows(ImplicitLocOpBuilder &b, Value start,
                              int64_t width, ValueRange carried);
  SmallVector<Value> emitRow(ImplicitLocOpBuilder &b, Value start, Value i,
                             Value columnFactors, ValueRange carried);
  Value mapColumns(ImplicitLocOpBuilder &b, Value source, Value target,
                   ValueRange targetRow, Value end,
                   function_ref<Value(ImplicitLocOpBuilder &, Value)> map);

  Value alpha;
  bool strict;
  RankedTensorType type;
  int64_t size, step;
};

} // namespace

Value DecayMask::emit(ImplicitLocOpBuilder &b) {
  Value mask = emptyLike(b, type);
  if (step < size)
    mask = linalg::FillOp::create(b, zeroOf(b, type.getElementType()), mask)
               .getResult(0);
  auto block = [&](ImplicitLocOpBuilder &b, Value at, int64_t width,
                   ValueRange carried) {
    return emitRows(b, at, width, carried);
  };
  Value sums = emptyLike(b, alpha.getType());
  return forBlocks(b, size, step, /*reverse=*/false, {mask, sums}, block)[0];
}

/// target[columns] = map(source[columns]) for the columns before `end`.
Value DecayMask::mapColumns(
    ImplicitLocOpBuilder &b, Value source, Value target, ValueRange targetRow,
    Value end, function_ref<Value(ImplicitLocOpBuilder &, Value)> map) {
  auto loop = scf::ForOp::create(
      b, constantIndex(b, 0), end, constantIndex(b, step), target,
      [&](OpBuilder &nested, Location loc, Value j, ValueRange args) {
        ImplicitLocOpBuilder inner(loc, nested);
        SmallVector<Value> indices(targetRow);
        indices.push_back(j);
        // In place, the tile to read is the one the loop carries.
        Value from = source == target ? args[0] : source;
        Value value = map(inner, read(inner, from, j, step));
        scf::YieldOp::create(inner, write(inner, value, args[0], indices));
      });
  return loop.getResult(0);
}

/// Rows start … start+width−1.
SmallVector<Value> DecayMask::emitRows(ImplicitLocOpBuilder &b, Value start,
                                       int64_t width, ValueRange carried) {
  Type element = type.getElementType();
  bool onlyBlock = size <= step;
  Value factors;
  if (!onlyBlock)
    factors = mapColumns(b, carried[1], emptyLike(b, alpha.getType()), {},
                         start, [](ImplicitLocOpBuilder &b, Value sums) {
                           return math::ExpOp::create(b, sums).getResult();
                         });
  Value row = zeroOf(b, VectorType::get(width, element));
  auto loop = scf::ForOp::create(
      b, constantIndex(b, 0), constantIndex(b, width), constantIndex(b, 1),
      {carried[0], row, zeroOf(b, element)},
      [&](OpBuilder &nested, Location loc, Value i, ValueRange args) {
        ImplicitLocOpBuilder inner(loc, nested);
        scf::YieldOp::create(inner, emitRow(inner, start, i, factors, args));
      });
  if (onlyBlock || width < step)
    return {loop.getResult(0), carried[1]};
  Value total =
      vector::BroadcastOp::create(b, row.getType(), loop.getResult(2));
  Value sums =
      mapColumns(b, carried[1], carried[1], {}, start,
                 [&](ImplicitLocOpBuilder &b, Value sums) {
                   return arith::AddFOp::create(b, sums, total).getResult();
                 });
  return {loop.getResult(0), write(b, loop.getResult(1), sums, start)};
}

/// Row start+i. Carried are the mask, Σ α over (column, row] for the columns of
/// the diagonal sub-block, and Σ α over the sub-block's rows so far.
SmallVector<Value> DecayMask::emitRow(ImplicitLocOpBuilder &b, Value start,
                                      Value i, Value columnFactors,
                                      ValueRange carried) {
  auto rowType = cast<VectorType>(carried[1].getType());
  int64_t width = rowType.getDimSize(0);
  Value row = arith::AddIOp::create(b, start, i);
  Value step = tensor::ExtractOp::create(b, alpha, row);
  Value lanes =
      vector::StepOp::create(b, VectorType::get(width, b.getIndexType()));
  Value diagonal = vector::BroadcastOp::create(b, lanes.getType(), i);
  auto compare = [&](arith::CmpIPredicate predicate) -> Value {
    return arith::CmpIOp::create(b, predicate, lanes, diagonal);
  };
  Value zero = zeroOf(b, rowType);
  Value below = compare(arith::CmpIPredicate::ult);
  Value sums = arith::AddFOp::create(
      b, carried[1], vector::BroadcastOp::create(b, rowType, step));
  sums = arith::SelectOp::create(b, below, sums, zero);
  Value kept = strict ? below : compare(arith::CmpIPredicate::ule);
  Value decays =
      arith::SelectOp::create(b, kept, math::ExpOp::create(b, sums), zero);
  Value mask = write(b, decays, carried[0], {row, start});
  Value total = arith::AddFOp::create(b, carried[2], step);
  if (columnFactors) {
    Value factor = vector::BroadcastOp::create(
        b, VectorType::get(this->step, type.getElementType()),
        math::ExpOp::create(b, total));
    mask = mapColumns(
        b, columnFactors, mask, row, start,
        [&](ImplicitLocOpBuilder &b, Value columns) {
          return arith::MulFOp::create(b, columns, factor).getResult();
        });
  }
  return {mask, sums, total};
}

Value emitSegmentDecay(ImplicitLocOpBuilder &b, ssd::SegmentDecayOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  Value mask = op.getLogDecay() ? DecayMask(op).emit(b)
                                : emitTriangle(b, type, op.getStrict());
  if (!op.getTransposed())
    return mask;
  return linalg::TransposeOp::create(b, mask, emptyLike(b, type),
                                     ArrayRef<int64_t>{1, 0})
      ->getResult(0);
}

} // namespace mamba::codegen
