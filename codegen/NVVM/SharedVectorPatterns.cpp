// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vectors in shared memory: element e stands at byte e·sizeof(T), not swizzled.

#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

using arith::CmpIPredicate;
using tile::RegisterLayout;

bool isVector(tile::BufferType buffer) { return buffer.getShape().size() == 1; }

int64_t elementBytes(tile::BufferType buffer) {
  return buffer.getElementType().getIntOrFloatBitWidth() / 8;
}

/// True if registers `reg` and `reg` + 1 hold neighbours, the first of them at
/// an even place in every thread.
bool startsPair(const RegisterLayout &layout, int64_t reg) {
  int64_t odd =
      layout.registers[reg][0] | layout.warpRow[0] | layout.warpColumn[0];
  for (const tile::Coordinate &bit : layout.laneBits)
    odd |= bit[0];
  return odd % 2 == 0 && reg + 1 < layout.numRegisters() &&
         layout.registers[reg + 1][0] == layout.registers[reg][0] + 1;
}

/// True if register `reg` of some lanes is past the end of the vector.
bool isPartial(const RegisterLayout &layout, int64_t reg) {
  return layout.registers[reg][0] + layout.laneOffset(tile::kLanes - 1)[0] >=
         layout.shape[0];
}

/// Vectors into `lane` and `slice` layouts, neighbours in one access.
struct LoadVectorLowering : TilePattern<tile::LoadSharedOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::LoadSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    tile::BufferType buffer = op.getBuffer().getType();
    if (!isVector(buffer))
      return rewriter.notifyMatchFailure(op, "not a vector");
    ThreadBuilder b(op.getLoc(), rewriter);
    RegisterLayout layout = tile::getRegisterLayout(op.getResult().getType());
    Type element = buffer.getElementType();
    int64_t bytes = elementBytes(buffer);
    Value origin = b.threadCoordinate(layout, 0);
    Value base = b.pointerAdd(adaptor.getBuffer(), b.mul(origin, bytes));
    SmallVector<Value> values;
    for (int64_t reg = 0; reg < layout.numRegisters(); ++reg) {
      int64_t first = layout.registers[reg][0];
      Value pointer = b.pointerAdd(base, first * bytes);
      if (startsPair(layout, reg)) {
        Value pair = b.load(VectorType::get(2, element), pointer, 2 * bytes);
        llvm::append_range(values, b.unpack(pair));
        ++reg;
        continue;
      }
      if (isPartial(layout, reg)) {
        // What these lanes get is not specified, but must exist.
        Value last = b.i32(layout.shape[0] - 1);
        Value index =
            b.createOrFold<arith::MinUIOp>(b.add(origin, first), last);
        pointer = b.pointerAdd(adaptor.getBuffer(), b.mul(index, bytes));
      }
      values.push_back(b.load(element, pointer, bytes));
    }
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }
};

/// Vectors from the `lane` layout; every warp stores the same.
struct StoreVectorLowering : TilePattern<tile::StoreSharedOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StoreSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    tile::BufferType buffer = op.getBuffer().getType();
    if (!isVector(buffer))
      return rewriter.notifyMatchFailure(op, "not a vector");
    ThreadBuilder b(op.getLoc(), rewriter);
    RegisterLayout layout = tile::getRegisterLayout(op.getTile().getType());
    int64_t bytes = elementBytes(buffer);
    Value origin = b.threadCoordinate(layout, 0);
    Value base = b.pointerAdd(adaptor.getBuffer(), b.mul(origin, bytes));
    for (auto [reg, value] : llvm::enumerate(b.unpack(adaptor.getTile()))) {
      int64_t first = layout.registers[reg][0];
      OpBuilder::InsertionGuard guard(b);
      if (isPartial(layout, static_cast<int64_t>(reg))) {
        Value inside =
            b.compare(CmpIPredicate::ult, origin, layout.shape[0] - first);
        auto branch = scf::IfOp::create(b, inside, /*withElseRegion=*/false);
        b.setInsertionPointToStart(branch.thenBlock());
      }
      b.store(value, b.pointerAdd(base, first * bytes), bytes);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void populateSharedVectorPatterns(const TypeConverter &converter,
                                  RewritePatternSet &patterns,
                                  const KernelInfo &kernel) {
  patterns.add<LoadVectorLowering, StoreVectorLowering>(
      converter, patterns.getContext(), kernel, /*benefit=*/2);
}

} // namespace mamba::codegen
