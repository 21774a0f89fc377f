// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prefix sums, reductions and the decay mask.

#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

using arith::CmpIPredicate;
using tile::kLanes;
using tile::RegisterLayout;
using Shuffle = ThreadBuilder::Shuffle;

constexpr float kLog2E = 1.44269504088896340736f;

Value addFloat(ThreadBuilder &b, Value x, Value y) {
  return arith::AddFOp::create(b, x, y);
}
Value subFloat(ThreadBuilder &b, Value x, Value y) {
  return arith::SubFOp::create(b, x, y);
}
Value mulFloat(ThreadBuilder &b, Value x, Value y) {
  return arith::MulFOp::create(b, x, y);
}
Value exp2(ThreadBuilder &b, Value x) {
  return b.intrinsic("llvm.nvvm.ex2.approx.ftz", b.getF32Type(), x);
}
Value fromLane(ThreadBuilder &b, Value value, Value lane) {
  return b.shuffle(Shuffle::Index, value, lane);
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

struct CumsumLowering : TilePattern<tile::CumsumOp> {
  using TilePattern::TilePattern;

  /// Inclusive sums over the lanes up to (from, if reverse) this one.
  static Value scanLanes(ThreadBuilder &b, Value value, bool reverse) {
    Value lane = b.lane();
    for (int64_t distance = 1; distance < kLanes; distance *= 2) {
      Value other = b.shuffle(reverse ? Shuffle::Down : Shuffle::Up, value,
                              b.i32(distance));
      Value exists =
          reverse ? b.compare(CmpIPredicate::ult, lane, kLanes - distance)
                  : b.compare(CmpIPredicate::uge, lane, distance);
      value = addFloat(b, value, b.select(exists, other, b.f32(0)));
    }
    return value;
  }

  LogicalResult
  matchAndRewrite(tile::CumsumOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    bool reverse = op.getReverse();
    SmallVector<Value> sums = b.unpack(adaptor.getSource());
    for (Value &sum : sums)
      sum = scanLanes(b, sum, reverse);
    // Whatever follows adds the totals of the registers before it.
    int64_t count = static_cast<int64_t>(sums.size());
    Value edge = b.i32(reverse ? 0 : kLanes - 1);
    Value outer = b.i32(reverse ? kLanes - 1 : 0);
    Value carry;
    for (int64_t step = 0; step < count; ++step) {
      Value &sum = sums[reverse ? count - 1 - step : step];
      Value total = fromLane(b, sum, edge);
      if (op.getExclusive()) {
        Value shifted =
            b.shuffle(reverse ? Shuffle::Down : Shuffle::Up, sum, b.i32(1));
        Value first = b.compare(CmpIPredicate::eq, b.lane(), outer);
        sum = b.select(first, b.f32(0), shifted);
      }
      if (carry)
        sum = addFloat(b, sum, carry);
      carry = carry ? addFloat(b, carry, total) : total;
    }
    rewriter.replaceOp(op, b.pack(sums));
    return success();
  }
};

/// Floats compare like their bits once the sign is gone.
struct RangeScaleLowering : TilePattern<tile::RangeScaleOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::RangeScaleOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    auto maximum = [&](Value x, Value y) -> Value {
      return arith::MaxUIOp::create(b, x, y);
    };
    Value largest = b.i32(0);
    for (Value value : b.unpack(adaptor.getSource())) {
      Value bits = b.bitAnd(b.bitcast(value, b.getI32Type()), 0x7fffffff);
      largest = maximum(largest, bits);
    }
    largest = b.intrinsic("llvm.nvvm.redux.sync.umax", b.getI32Type(),
                          {largest, b.i32(-1)});
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext(), 3);
    Value words = b.pointerAdd(
        LLVM::AddressOfOp::create(b, pointer, kSharedSymbol).getResult(),
        kernel.offsets.lookup(op));
    words = b.pointerAdd(words, b.mul(b.instance(), kRangeScaleBytes));
    emitBarrier(b, kernel);
    b.store(largest, b.pointerAdd(words, b.widen(b.mul(b.warp(), 4))), 4);
    emitBarrier(b, kernel);
    for (int64_t warp = 0; warp < kernel.warpsAt(op); ++warp)
      largest = maximum(
          largest, b.load(b.getI32Type(), b.pointerAdd(words, 4 * warp), 4));
    rewriter.replaceOp(op, scaleFor(b, largest));
    return success();
  }

private:
  /// 2^{-k} for a largest value below 2^{e - 126}, e its exponent field.
  static Value scaleFor(ThreadBuilder &b, Value bits) {
    Value exponent = b.shiftRight(bits, 23);
    Value excess =
        arith::MaxSIOp::create(b, b.add(exponent, -(126 + 15)), b.i32(0));
    Value field = arith::SubIOp::create(b, b.i32(127), excess);
    Value scale = arith::ShLIOp::create(b, field, b.i32(23));
    return b.bitcast(scale, b.getF32Type());
  }
};

struct ReduceSumLowering : TilePattern<tile::ReduceSumOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ReduceSumOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> values = b.unpack(adaptor.getSource());
    Value sum = values.front();
    for (Value value : llvm::drop_begin(values))
      sum = addFloat(b, sum, value);
    for (int64_t mask = kLanes / 2; mask > 0; mask /= 2)
      sum = addFloat(b, sum, b.shuffle(Shuffle::Butterfly, sum, b.i32(mask)));
    rewriter.replaceOp(op, sum);
    return success();
  }
};

struct ExtractLowering : TilePattern<tile::ExtractOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ExtractOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    int64_t index = static_cast<int64_t>(op.getIndex());
    Value source = b.unpack(adaptor.getSource())[index / kLanes];
    rewriter.replaceOp(op, fromLane(b, source, b.i32(index % kLanes)));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Decay
//===----------------------------------------------------------------------===//

/// Emits the decay mask of one thread. With `transposed` rows and columns,
/// hence signs and triangles, change places.
class DecayMask {
public:
  DecayMask(ThreadBuilder &b, tile::SegmentDecayOp op, Value prefix)
      : b(b), layout(tile::getRegisterLayout(op.getResult().getType())),
        transposed(op.getTransposed()), strict(op.getStrict()) {
    lane = b.lane();
    for (int axis : {0, 1})
      origin[axis] = b.warpCoordinate(layout, axis);
    if (!prefix)
      return;
    for (Value value : b.unpack(prefix))
      scaled.push_back(mulFloat(b, value, b.f32(kLog2E)));
  }

  /// The registers of the mask, row block by row block.
  SmallVector<Value> emit() {
    int64_t columns = columnExtent();
    SmallVector<Value> mask(layout.numRegisters());
    for (int64_t reg = 0; reg < layout.numRegisters(); reg += 4 * columns / 8)
      emitRows(layout.registers[reg][0], columns,
               MutableArrayRef<Value>(mask).slice(reg, 4 * columns / 8));
    return mask;
  }

private:
  int64_t columnExtent() const {
    return layout.shape[1] / layout.warps.grid[1];
  }

  /// scaled[coordinate], by selection of the register and a shuffle. The
  /// coordinate may differ between lanes within one register.
  Value at(ArrayRef<Value> values, Value coordinate, Value uniform) {
    Value source = values.front();
    Value which = b.div(uniform, kLanes);
    for (auto [i, value] : llvm::enumerate(llvm::drop_begin(values)))
      source = b.select(
          b.compare(CmpIPredicate::eq, which, static_cast<int64_t>(i) + 1),
          value, source);
    return fromLane(b, source, b.rem(coordinate, kLanes));
  }

  /// exp2(±(x − y)): the exponent of later minus earlier tokens is ≤ 0.
  Value decay(Value x, Value y) {
    return exp2(b, transposed ? subFloat(b, y, x) : subFloat(b, x, y));
  }

  /// 16 rows from `row` of the warp's part: registers of the 16×8 fragments.
  void emitRows(int64_t row, int64_t columns, MutableArrayRef<Value> mask) {
    Value first = b.add(origin[0], row);
    SmallVector<Value> diagonal = emitDiagonal(first);
    Factors factors = emitFactors(first);
    for (int64_t column = 0; column < columns; column += 8) {
      // The diagonal block's left or right half, if it is this fragment.
      Value here = b.compare(CmpIPredicate::eq,
                             b.add(origin[1], column / 16 * 16), first);
      for (int64_t r = 0; r < 4; ++r) {
        int64_t half = column % 16 / 8;
        Value outside = b.f32(0);
        if (!factors.rows.empty())
          outside = mulFloat(b, factors.rows[r / 2],
                             factors.column(*this, column + r % 2));
        else
          outside = plainOutside(column, first);
        mask[column / 8 * 4 + r] =
            b.select(here, diagonal[4 * half + r], outside);
      }
    }
  }

  /// Without a prefix: 1 in blocks on the kept side of the diagonal.
  Value plainOutside(int64_t column, Value first) {
    Value block = b.add(origin[1], column / 16 * 16);
    Value kept = b.compare(transposed ? CmpIPredicate::sgt : CmpIPredicate::slt,
                           block, first);
    return b.select(kept, b.f32(1), b.f32(0));
  }

  /// The 16×16 diagonal block: fragment of columns 0 to 7, then 8 to 15.
  SmallVector<Value> emitDiagonal(Value first) {
    Value laneRow = b.shiftRight(lane, 2),
          laneColumn = b.mul(b.bitAnd(lane, 3), 2);
    SmallVector<Value> rows, columns;
    if (!scaled.empty()) {
      for (int64_t i : {0, 8})
        rows.push_back(at(scaled, b.add(first, b.add(laneRow, i)), first));
      for (int64_t j : {0, 1, 8, 9})
        columns.push_back(
            at(scaled, b.add(first, b.add(laneColumn, j)), first));
    }
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
        if (!scaled.empty())
          value = decay(rows[r / 2], columns[half * 2 + r % 2]);
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

  /// The factors of a row block outside its diagonal block; the columns are
  /// a lane vector with zeros on the side that the mask leaves out.
  struct Factors {
    SmallVector<Value> rows;
    SmallVector<Value> columns;
    /// Factor of a column of the thread, fetched once.
    llvm::DenseMap<int64_t, Value> fetched;

    Value column(DecayMask &mask, int64_t offset);
  };

  Factors emitFactors(Value first) {
    Factors factors;
    if (scaled.empty())
      return factors;
    // The pivot: the last token before the block, or in the transposed mask
    // the block's own last token. Before the first block nothing is kept, and
    // any pivot does.
    Value token = transposed ? b.add(first, 15) : b.add(first, -1);
    if (!transposed)
      token = b.createOrFold<arith::MaxSIOp>(token, b.i32(0));
    Value pivot = at(scaled, token, token);
    Value laneRow = b.shiftRight(lane, 2);
    SmallVector<Value> towards;
    for (Value value : scaled)
      towards.push_back(decay(value, pivot));
    for (int64_t i : {0, 8})
      factors.rows.push_back(
          at(towards, b.add(first, b.add(laneRow, i)), first));
    for (auto [i, value] : llvm::enumerate(scaled)) {
      Value column = b.add(lane, static_cast<int64_t>(i) * kLanes);
      Value kept = transposed ? b.compare(CmpIPredicate::sgt, column, token)
                              : b.compare(CmpIPredicate::slt, column, first);
      factors.columns.push_back(b.select(kept, decay(pivot, value), b.f32(0)));
    }
    return factors;
  }

  ThreadBuilder &b;
  RegisterLayout layout;
  bool transposed, strict;
  Value lane;
  /// First row and column of the warp's part.
  std::array<Value, 2> origin;
  /// Prefix sums in units of log 2.
  SmallVector<Value> scaled;
};

Value DecayMask::Factors::column(DecayMask &mask, int64_t offset) {
  Value &value = fetched[offset];
  if (!value) {
    ThreadBuilder &b = mask.b;
    // Eight columns of a fragment never straddle a register of 32.
    Value uniform = b.add(mask.origin[1], offset / 8 * 8);
    Value laneColumn = b.mul(b.bitAnd(mask.lane, 3), 2);
    value = mask.at(columns, b.add(b.add(laneColumn, mask.origin[1]), offset),
                    uniform);
  }
  return value;
}

struct SegmentDecayLowering : TilePattern<tile::SegmentDecayOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::SegmentDecayOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    DecayMask mask(b, op, adaptor.getPrefix());
    rewriter.replaceOp(op, b.pack(mask.emit()));
    return success();
  }
};

} // namespace

void populateScanPatterns(const TypeConverter &converter,
                          RewritePatternSet &patterns,
                          const KernelInfo &kernel) {
  patterns.add<CumsumLowering, RangeScaleLowering, ReduceSumLowering,
               ExtractLowering, SegmentDecayLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen
