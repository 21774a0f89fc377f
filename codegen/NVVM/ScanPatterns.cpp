// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prefix sums, and reductions.

#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

using arith::CmpIPredicate;
using tile::kLanes;
using Shuffle = ThreadBuilder::Shuffle;

Value addFloat(ThreadBuilder &b, Value x, Value y) {
  return arith::AddFOp::create(b, x, y);
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

/// The sum of `value` over the lanes that hold different elements along `axis`.
Value sumOverLanes(ThreadBuilder &b, Value value,
                   const tile::RegisterLayout &layout, int axis) {
  for (int bit = 4; bit >= 0; --bit)
    if (layout.laneBits[bit][axis] != 0)
      value = addFloat(b, value,
                       b.shuffle(Shuffle::Butterfly, value, b.i32(1 << bit)));
  return value;
}

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
    tile::RegisterLayout layout =
        tile::getRegisterLayout(op.getSource().getType());
    rewriter.replaceOp(op, sumOverLanes(b, sum, layout, /*axis=*/0));
    return success();
  }
};

struct ReduceLowering : TilePattern<tile::ReduceOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ReduceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    int axis = static_cast<int>(op.getAxis());
    tile::RegisterLayout from =
        tile::getRegisterLayout(op.getSource().getType());
    tile::RegisterLayout to = tile::getRegisterLayout(op.getResult().getType());
    SmallVector<Value> values = b.unpack(adaptor.getSource()), sums;
    for (const tile::Coordinate &kept : to.registers) {
      Value sum;
      for (auto [value, reg] : llvm::zip_equal(values, from.registers))
        if (reg[1 - axis] == kept[0])
          sum = sum ? addFloat(b, sum, value) : value;
      sums.push_back(sumOverLanes(b, sum, from, axis));
    }
    rewriter.replaceOp(op, b.pack(sums));
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

} // namespace

void populateScanPatterns(const TypeConverter &converter,
                          RewritePatternSet &patterns,
                          const KernelInfo &kernel) {
  patterns.add<CumsumLowering, RangeScaleLowering, ReduceLowering,
               ReduceSumLowering, ExtractLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen
