// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The decay mask, and scores times the mask.

#include "codegen/NVVM/TileLowering.h"
#include "codegen/NVVM/TokenVector.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

using arith::CmpIPredicate;
using tile::kLanes;
using tile::RegisterLayout;

constexpr float kLog2E = 1.44269504088896340736f;

Value subFloat(ThreadBuilder &b, Value x, Value y) {
  return arith::SubFOp::create(b, x, y);
}
Value mulFloat(ThreadBuilder &b, Value x, Value y) {
  return arith::MulFOp::create(b, x, y);
}
Value exp2(ThreadBuilder &b, Value x) {
  return b.intrinsic("llvm.nvvm.ex2.approx.ftz", b.getF32Type(), x);
}
/// Emits the decay mask of one thread. With `transposed` rows and columns,
/// hence signs and triangles, change places.
class DecayMask {
public:
  DecayMask(ThreadBuilder &b, tile::SegmentDecayOp op,
            tile::SegmentDecayOp::Adaptor adaptor)
      : b(b), layout(tile::getRegisterLayout(op.getResult().getType())),
        transposed(op.getTransposed()), strict(op.getStrict()) {
    lane = b.lane();
    for (int axis : {0, 1})
      origin[axis] = b.warpCoordinate(layout, axis);
    prefix = TokenVector(b, adaptor.getPrefix());
    for (Value &value : prefix.lanes)
      value = mulFloat(b, value, b.f32(kLog2E));
    scale = TokenVector(b, adaptor.getScale());
    for (Value table : adaptor.getFactors())
      tables.emplace_back(b, table);
    if (Value tile = adaptor.getScores())
      scores = b.unpack(tile);
  }

  /// The registers of the mask, times the scores if there are any.
  SmallVector<Value> emit() {
    int64_t parts = layout.warps.grid[0], rows = layout.shape[0] / parts;
    if (scores.empty())
      return emitScored();
    if (layout.warps.grid[1] == 1 && parts > 1) {
      // One code a row part, in which everything about positions is known.
      Value part = b.rem(b.div(b.warp(), layout.warps.copies), parts);
      return emitCases(part, parts, [&](int64_t i) {
        origin = {b.i32(i * rows), b.i32(0)};
      });
    }
    if (layout.warps.grid[1] == 1 || rows != kBlock)
      return emitScored();
    // One code for each place of the diagonal block: in front of the part's
    // columns, in one of its blocks of columns, behind them.
    int64_t columns = columnExtent();
    Value place = b.add(arith::SubIOp::create(b, origin[0], origin[1]), kBlock);
    place = b.createOrFold<arith::MaxSIOp>(place, b.i32(0));
    place = b.createOrFold<arith::MinSIOp>(place, b.i32(columns + kBlock));
    return emitCases(b.div(place, kBlock), columns / kBlock + 2,
                     [&](int64_t i) { diagonalColumn = (i - 1) * kBlock; });
  }

private:
  struct Factors;
  /// Rows and columns of the blocks that the diagonal is cut into.
  static constexpr int64_t kBlock = 16;

  /// The registers by a code for each of `count` values of `index` (i32).
  SmallVector<Value> emitCases(Value index, int64_t count,
                               function_ref<void(int64_t)> prepare) {
    auto cases = llvm::to_vector(llvm::seq<int64_t>(0, count - 1));
    SmallVector<Type> types(scores.size(), b.getF32Type());
    Value wide = arith::IndexCastUIOp::create(b, b.getIndexType(), index);
    auto choice = scf::IndexSwitchOp::create(b, types, wide, cases,
                                             static_cast<unsigned>(count - 1));
    OpBuilder::InsertionGuard guard(b);
    for (int64_t i = 0; i < count; ++i) {
      Region &region = i + 1 < count ? choice.getCaseRegions()[i]
                                     : choice.getDefaultRegion();
      b.createBlock(&region);
      prepare(i);
      scf::YieldOp::create(b, emitScored());
    }
    return SmallVector<Value>(choice.getResults());
  }

  SmallVector<Value> emitScored() {
    SmallVector<Value> mask = emitPart();
    for (auto [value, score] : llvm::zip(mask, scores))
      if (!matchPattern(value, m_AnyZeroFloat()))
        value = mulFloat(b, score, value);
    return mask;
  }

  /// The registers of the mask, row block by row block.
  SmallVector<Value> emitPart() {
    int64_t columns = columnExtent();
    SmallVector<Value> mask(layout.numRegisters());
    for (int64_t reg = 0; reg < layout.numRegisters(); reg += 4 * columns / 8)
      emitRows(layout.registers[reg][0], columns,
               MutableArrayRef<Value>(mask).slice(reg, 4 * columns / 8));
    return mask;
  }

  int64_t columnExtent() const {
    return layout.shape[1] / layout.warps.grid[1];
  }

  /// Prefix sums in units of log 2 (those in lanes have been converted).
  Value toLog2(Value value) {
    return prefix.pointer ? mulFloat(b, value, b.f32(kLog2E)) : value;
  }
  Value prefixAt(Value coordinate, Value uniform) {
    return toLog2(prefix.elementAt(b, coordinate, uniform));
  }
  std::array<Value, 2> prefixPairAt(Value coordinate, Value uniform) {
    auto pair = prefix.pairAt(b, coordinate, uniform);
    return {toLog2(pair[0]), toLog2(pair[1])};
  }

  /// exp2(±(x − y)): the exponent of later minus earlier tokens is ≤ 0.
  Value decay(Value x, Value y) {
    return exp2(b, transposed ? subFloat(b, y, x) : subFloat(b, x, y));
  }

  /// 16 rows from `row` of the warp's part: registers of the 16×8 fragments.
  void emitRows(int64_t row, int64_t columns, MutableArrayRef<Value> mask) {
    Value first = b.add(origin[0], row);
    auto mayHold = [&](auto test) {
      return llvm::any_of(
          llvm::seq<int64_t>(0, columns / kBlock),
          [&](int64_t block) { return constantOf(test(block * kBlock)) != 0; });
    };
    SmallVector<Value> diagonal;
    if (mayHold([&](int64_t column) { return isDiagonal(column, first); }))
      diagonal = emitDiagonal(first);
    Factors factors;
    if (mayHold([&](int64_t column) { return isKept(column, first); }))
      factors = emitFactors(first);
    for (int64_t column = 0; column < columns; column += 8)
      for (int64_t r = 0; r < 4; ++r)
        mask[column / 8 * 4 + r] =
            emitElement(first, column, r, diagonal, factors);
  }

  /// Register r of the fragment at `column`.
  Value emitElement(Value first, int64_t column, int64_t r,
                    ArrayRef<Value> diagonal, Factors &factors) {
    if (isKnownZero(first, column))
      return b.f32(0);
    // The diagonal block's left or right half, if it is this fragment.
    Value here = isDiagonal(column, first);
    std::optional<int64_t> known = constantOf(here);
    int64_t half = column % kBlock / 8;
    if (known && *known)
      return diagonal[4 * half + r];
    Value outside = factors.rows.empty()
                        ? plainOutside(column, first, r % 2)
                        : mulFloat(b, factors.rows[r / 2],
                                   factors.column(*this, column + r % 2));
    return known ? outside : b.select(here, diagonal[4 * half + r], outside);
  }

  /// Compares the first of the 16 columns around `column` with the first row of
  /// a block: eq holds for the diagonal block.
  Value compareBlock(CmpIPredicate predicate, int64_t column, Value first) {
    column = column / kBlock * kBlock;
    if (diagonalColumn)
      return b.compare(predicate, b.i32(column), *diagonalColumn);
    return b.compare(predicate, b.add(origin[1], column), first);
  }

  /// Whether the 16 columns around `column` are those of the diagonal block, or
  /// on the side of it that the mask keeps, or known to be on the other one.
  Value isDiagonal(int64_t column, Value first) {
    return compareBlock(CmpIPredicate::eq, column, first);
  }
  Value isKept(int64_t column, Value first) {
    return compareBlock(transposed ? CmpIPredicate::sgt : CmpIPredicate::slt,
                        column, first);
  }
  bool isKnownZero(Value first, int64_t column) {
    Value zero = compareBlock(
        transposed ? CmpIPredicate::slt : CmpIPredicate::sgt, column, first);
    return constantOf(zero).value_or(0) != 0;
  }

  /// Without a prefix: 1 in blocks on the kept side of the diagonal, or the
  /// scale of the column.
  Value plainOutside(int64_t column, Value first, int64_t laneColumn) {
    Value kept = isKept(column, first);
    Value value = b.f32(1);
    if (!scale.isAbsent()) {
      Value start = b.add(origin[1], column);
      value = scale.pairAt(b, b.add(start, laneColumns()), start)[laneColumn];
    }
    return b.select(kept, value, b.f32(0));
  }

  /// The lane's first column in a fragment.
  Value laneColumns() { return b.mul(b.bitAnd(lane, 3), 2); }

  /// The 16×16 diagonal block: fragment of columns 0 to 7, then 8 to 15.
  SmallVector<Value> emitDiagonal(Value first) {
    Value laneRow = b.shiftRight(lane, 2),
          laneColumn = b.mul(b.bitAnd(lane, 3), 2);
    SmallVector<Value> rows, columns;
    if (!prefix.isAbsent()) {
      for (int64_t i : {0, 8})
        rows.push_back(prefixAt(b.add(first, b.add(laneRow, i)), first));
      for (int64_t j : {0, 8})
        llvm::append_range(
            columns, prefixPairAt(b.add(first, b.add(laneColumn, j)), first));
    }
    SmallVector<Value> columnScales;
    if (!scale.isAbsent())
      for (int64_t j : {0, 8})
        llvm::append_range(
            columnScales,
            scale.pairAt(b, b.add(first, b.add(laneColumn, j)), first));
    SmallVector<Value> block;
    for (int64_t half : {0, 1})
      for (int64_t r = 0; r < 4; ++r) {
        int64_t i = r / 2 * 8, j = half * 8 + r % 2;
        // Halves apart from the diagonal are known.
        if (transposed ? i > j : j >= 8 && i == 0) {
          block.push_back(b.f32(0));
          continue;
        }
        Value value = b.f32(1);
        if (!prefix.isAbsent())
          value = decay(rows[r / 2], columns[half * 2 + r % 2]);
        if (!scale.isAbsent())
          value = mulFloat(b, value, columnScales[half * 2 + r % 2]);
        if (i == half * 8)
          value = b.select(keeps(b.add(laneRow, i), b.add(laneColumn, j)),
                           value, b.f32(0));
        block.push_back(value);
      }
    return block;
  }

  Value keeps(Value row, Value column) {
    CmpIPredicate predicate =
        transposed ? (strict ? CmpIPredicate::ult : CmpIPredicate::ule)
                   : (strict ? CmpIPredicate::ugt : CmpIPredicate::uge);
    return b.compare(predicate, row, column);
  }

  /// The factors of a row block outside its diagonal block. The columns' are a
  /// lane vector with zeros on the side that the mask leaves out, or computed
  /// by each thread from vectors in shared memory.
  struct Factors {
    SmallVector<Value> rows;
    SmallVector<Value> columns;
    Value first, pivot;
    /// Where another role has computed those of the columns.
    const TokenVector *table = nullptr;
    /// Factor of a column of the thread, fetched once.
    llvm::DenseMap<int64_t, Value> fetched;

    Value column(DecayMask &mask, int64_t offset);
    void fetchPair(DecayMask &mask, int64_t offset);
  };

  Factors emitFactors(Value first) {
    Factors factors;
    if (prefix.isAbsent())
      return factors;
    factors.first = first;
    if (std::optional<int64_t> row = constantOf(first)) {
      size_t block = *row / 16 - (transposed ? 0 : 1);
      factors.table = block < tables.size() ? &tables[block] : nullptr;
    }
    // The pivot: the last token before the block, or in the transposed mask
    // the block's own last token. Before the first block nothing is kept, and
    // any pivot does.
    Value token = transposed ? b.add(first, 15) : b.add(first, -1);
    if (!transposed)
      token = b.createOrFold<arith::MaxSIOp>(token, b.i32(0));
    Value pivot = prefixAt(token, token);
    factors.pivot = pivot;
    Value laneRow = b.shiftRight(lane, 2);
    if (prefix.pointer) {
      for (int64_t i : {0, 8}) {
        Value row = b.add(first, b.add(laneRow, i));
        factors.rows.push_back(decay(prefixAt(row, first), pivot));
      }
      return factors;
    }
    SmallVector<Value> towards;
    for (Value value : prefix.lanes)
      towards.push_back(decay(value, pivot));
    for (int64_t i : {0, 8})
      factors.rows.push_back(
          pickLane(b, towards, b.add(first, b.add(laneRow, i)), first));
    for (auto [i, value] : llvm::enumerate(prefix.lanes)) {
      Value column = b.add(lane, static_cast<int64_t>(i) * kLanes);
      Value kept = transposed ? b.compare(CmpIPredicate::sgt, column, token)
                              : b.compare(CmpIPredicate::slt, column, first);
      Value factor = decay(pivot, value);
      if (!scale.isAbsent())
        factor = mulFloat(b, factor, scale.lanes[i]);
      factors.columns.push_back(b.select(kept, factor, b.f32(0)));
    }
    return factors;
  }

  ThreadBuilder &b;
  RegisterLayout layout;
  bool transposed, strict;
  Value lane;
  /// First row and column of the warp's part.
  std::array<Value, 2> origin;
  /// Where the diagonal block begins among the columns of the warp's part, if
  /// that is known.
  std::optional<int64_t> diagonalColumn;
  /// Prefix sums (in lanes: in units of log 2), factors of the columns, and
  /// what the mask is multiplied with; each may be absent.
  TokenVector prefix, scale;
  /// Factors of the columns, block of rows by block of rows; may be empty.
  SmallVector<TokenVector> tables;
  SmallVector<Value> scores;
};

Value DecayMask::Factors::column(DecayMask &mask, int64_t offset) {
  ThreadBuilder &b = mask.b;
  if (mask.prefix.pointer) {
    int64_t even = offset / 2 * 2;
    if (!fetched.count(even))
      fetchPair(mask, even);
    return fetched[offset];
  }
  Value &value = fetched[offset];
  if (!value) {
    // Eight columns of a fragment never straddle a register of 32.
    Value uniform = b.add(mask.origin[1], offset / 8 * 8);
    Value laneColumn = b.mul(b.bitAnd(mask.lane, 3), 2);
    value = pickLane(b, columns,
                     b.add(b.add(laneColumn, mask.origin[1]), offset), uniform);
  }
  return value;
}

void DecayMask::Factors::fetchPair(DecayMask &mask, int64_t offset) {
  ThreadBuilder &b = mask.b;
  Value start = b.add(mask.origin[1], offset / 8 * 8);
  Value column = b.add(b.add(mask.laneColumns(), mask.origin[1]), offset);
  if (table) {
    auto pair = table->pairAt(b, column, start);
    fetched[offset] = pair[0];
    fetched[offset + 1] = pair[1];
    return;
  }
  auto sums = mask.prefixPairAt(column, start);
  // Whole blocks are kept or left out here: the diagonal one is another's.
  Value kept = mask.isKept(offset, first);
  for (int64_t i : {0, 1}) {
    Value factor = mask.decay(pivot, sums[i]);
    if (!mask.scale.isAbsent())
      factor = mulFloat(b, factor, mask.scale.pairAt(b, column, start)[i]);
    fetched[offset + i] = b.select(kept, factor, b.f32(0));
  }
}

struct SegmentDecayLowering : TilePattern<tile::SegmentDecayOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::SegmentDecayOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    DecayMask mask(b, op, adaptor);
    rewriter.replaceOp(op, b.pack(mask.emit()));
    return success();
  }
};

} // namespace

void populateDecayPatterns(const TypeConverter &converter,
                           RewritePatternSet &patterns,
                           const KernelInfo &kernel) {
  patterns.add<SegmentDecayLowering>(converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen
