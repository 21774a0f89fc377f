// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers, barriers, and moves between shared memory and registers.

#include "codegen/NVVM/SharedAccess.h"
#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

using tile::RegisterLayout;
using tile::SharedLayout;

//===----------------------------------------------------------------------===//
// Buffers and barriers
//===----------------------------------------------------------------------===//

struct AllocLowering : TilePattern<tile::AllocOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::AllocOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    auto type = LLVM::LLVMPointerType::get(rewriter.getContext(), 3);
    Value base = LLVM::AddressOfOp::create(b, type, kSharedSymbol);
    rewriter.replaceOp(op, b.pointerAdd(base, kernel.offsets.lookup(op)));
    return success();
  }
};

struct StageLowering : TilePattern<tile::StageOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StageOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    int64_t bytes = op.getBuffer().getType().getStageBytes();
    Value offset = b.mul(b.toI32(adaptor.getIndex()), bytes);
    rewriter.replaceOp(op, b.pointerAdd(adaptor.getBuffer(), offset));
    return success();
  }
};

struct CommitLowering : TilePattern<tile::CommitCopiesOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::CommitCopiesOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    b.intrinsic("llvm.nvvm.cp.async.commit.group", {}, {});
    rewriter.eraseOp(op);
    return success();
  }
};

struct WaitLowering : TilePattern<tile::WaitCopiesOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::WaitCopiesOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Value pending = LLVM::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(op.getPending())));
    b.intrinsic("llvm.nvvm.cp.async.wait.group", {}, pending);
    rewriter.eraseOp(op);
    return success();
  }
};

struct WarpBarrierLowering : TilePattern<tile::WarpBarrierOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::WarpBarrierOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    b.intrinsic("llvm.nvvm.bar.warp.sync", {}, b.i32(-1));
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

/// The accesses of an accumulator's threads, element pair by element pair.
SharedAccess accumulatorAccess(ThreadBuilder &b, Value base,
                               const SharedLayout &shared,
                               const RegisterLayout &layout) {
  int64_t perUnit = tile::kUnitBytes / shared.elementBytes;
  Value lane = b.lane();
  // Two columns of a lane: bytes in a unit for 16 bits, half a unit for 32.
  Value laneUnit =
      shared.elementBytes == 4 ? b.shiftRight(b.bitAnd(lane, 3), 1) : b.i32(0);
  int64_t columns = layout.warpColumn[1];
  int64_t bits = possibleBits(columns / perUnit, layout.warps.grid[1]);
  if (shared.elementBytes == 4)
    bits = bits & 1 ? -1 : bits | 1;
  Value unit = b.add(b.div(b.warpCoordinate(layout, 1), perUnit), laneUnit);
  return SharedAccess(b, base, shared,
                      {.rowInGroup = b.shiftRight(lane, 2),
                       .rowGroup = b.warpCoordinate(layout, 0),
                       .unit = unit,
                       .unitBits = bits});
}

/// Byte in the unit at which a lane's pair of elements starts.
Value pairByte(ThreadBuilder &b, const SharedLayout &shared) {
  Value lane = b.lane();
  if (shared.elementBytes == 4)
    return b.mul(b.bitAnd(lane, 1), 8);
  return b.mul(b.bitAnd(lane, 3), 4);
}

/// Visits the element pairs of an accumulator: pointer and first register.
void forEachPair(
    ThreadBuilder &b, Value base, const SharedLayout &shared,
    const RegisterLayout &layout,
    function_ref<void(Value pointer, int64_t firstRegister)> visit) {
  Value lanesBase = b.pointerAdd(base, pairByte(b, shared));
  SharedAccess access = accumulatorAccess(b, lanesBase, shared, layout);
  int64_t perUnit = tile::kUnitBytes / shared.elementBytes;
  for (int64_t reg = 0; reg < layout.numRegisters(); reg += 2) {
    tile::Coordinate at = layout.registers[reg];
    visit(access.pointer(at[0], at[1] / perUnit), reg);
  }
}

struct LoadSharedLowering : TilePattern<tile::LoadSharedOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::LoadSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getResult().getType();
    RegisterLayout layout = tile::getRegisterLayout(type);
    SharedLayout shared = op.getBuffer().getType().getSharedLayout();
    Type element = type.getElementType();
    bool right = isa<tile::OperandBAttr>(type.getEncoding());
    SmallVector<Value> pairs;
    if (type.getElementTypeBitWidth() == 16) {
      for (Value word : loadMatrices(b, adaptor.getBuffer(), shared, layout,
                                     right, op.getTransposed()))
        pairs.push_back(b.bitcast(word, VectorType::get(2, element)));
    } else if (isa<tile::AccumulatorAttr>(type.getEncoding())) {
      forEachPair(
          b, adaptor.getBuffer(), shared, layout, [&](Value pointer, int64_t) {
            pairs.push_back(b.load(VectorType::get(2, element), pointer, 8));
          });
    } else {
      return op.emitError("operand layouts are loaded from buffers of f16 or "
                          "bf16, got ")
             << element;
    }
    rewriter.replaceOp(op, b.packPairs(pairs));
    return success();
  }
};

struct StoreSharedLowering : TilePattern<tile::StoreSharedOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StoreSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getTile().getType();
    RegisterLayout layout = tile::getRegisterLayout(type);
    SharedLayout shared = op.getBuffer().getType().getSharedLayout();
    SmallVector<Value> pairs = b.unpackPairs(adaptor.getTile());
    bool halves = type.getElementTypeBitWidth() == 16;
    if (halves && kernel.target->hasStmatrix) {
      SmallVector<Value> words;
      for (Value pair : pairs)
        words.push_back(b.bitcast(pair, b.getI32Type()));
      storeMatrices(b, adaptor.getBuffer(), shared, layout, words,
                    op.getTransposed());
    } else if (op.getTransposed()) {
      return op.emitError("target ")
             << kernel.target->name << " has no transposed stores of matrices";
    } else {
      forEachPair(b, adaptor.getBuffer(), shared, layout,
                  [&](Value pointer, int64_t reg) {
                    b.store(pairs[reg / 2], pointer, halves ? 4 : 8);
                  });
    }
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void populateSharedPatterns(const TypeConverter &converter,
                            RewritePatternSet &patterns,
                            const KernelInfo &kernel) {
  patterns.add<AllocLowering, StageLowering, CommitLowering, WaitLowering,
               WarpBarrierLowering, LoadSharedLowering, StoreSharedLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen
