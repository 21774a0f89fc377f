// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads and stores of register tiles in global memory. What a thread stores in
// one access is what it holds side by side in a row; where that is little,
// lanes swap registers before.

#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <numeric>

using namespace mlir;

namespace mamba::codegen {
namespace {

using arith::CmpIPredicate;
using tile::LaneSwap;
using tile::RegisterLayout;

/// Bytes of a thread's store up to which lanes swap registers. Pairs of 32-bit
/// elements are stored as they are: those of four lanes fill a sector.
constexpr int64_t kStoreBytes = 16, kSwappedElementBytes = 2;

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

/// A number that the index is known to be a multiple of.
int64_t divisorOf(Value index) {
  if (std::optional<int64_t> constant = constantOf(index))
    return *constant;
  Operation *op = index.getDefiningOp();
  auto common = [&](unsigned a, unsigned b) {
    return std::gcd(divisorOf(op->getOperand(a)), divisorOf(op->getOperand(b)));
  };
  if (isa_and_present<arith::IndexCastOp, arith::IndexCastUIOp>(op))
    return divisorOf(op->getOperand(0));
  if (isa_and_present<arith::MulIOp>(op))
    return divisorOf(op->getOperand(0)) * divisorOf(op->getOperand(1));
  if (isa_and_present<arith::AddIOp, arith::SubIOp, arith::MinSIOp,
                      arith::MaxSIOp, arith::MinUIOp, arith::MaxUIOp>(op))
    return common(0, 1);
  if (isa_and_present<arith::SelectOp>(op))
    return common(1, 2);
  return 1;
}

/// A tile in global memory.
struct GlobalTile {
  Value pointer, offset;
  ValueRange strides, bounds;
  int64_t elementBytes;

  /// So many registers of a thread are neighbours in memory.
  int64_t runOf(const RegisterLayout &layout) const {
    return constantOf(strides.back()) == 1 ? layout.columnRun() : 1;
  }

  /// Whether groups of `count` neighbours in a row lie in memory side by side,
  /// at multiples of their size, and none is in part outside of the bounds.
  bool hasRuns(int64_t count) const {
    return constantOf(strides.back()) == 1 && divisorOf(offset) % count == 0 &&
           divisorOf(bounds.back()) % count == 0 &&
           llvm::all_of(strides.drop_back(), [&](Value stride) {
             return divisorOf(stride) % count == 0;
           });
  }
};

/// Where the registers of all threads end along an axis: past the tile, if it
/// ends inside of a register.
int64_t endOf(const RegisterLayout &layout, int axis) {
  int64_t last = 0;
  for (const tile::Coordinate &reg : layout.registers)
    last = std::max(last, reg[axis]);
  for (const tile::Coordinate &bit : layout.laneBits)
    last += bit[axis];
  last += (layout.warps.grid[0] - 1) * layout.warpRow[axis];
  last += (layout.warps.grid[1] - 1) * layout.warpColumn[axis];
  return last + 1;
}

/// Addresses and bounds of a register tile's elements in global memory.
class GlobalElements {
public:
  GlobalElements(ThreadBuilder &b, RegisterLayout layout,
                 const GlobalTile &global)
      : b(b), layout(std::move(layout)), elementBytes(global.elementBytes) {
    Value element = b.toI64(global.offset);
    for (auto [axis, stride, bound] :
         llvm::enumerate(global.strides, global.bounds)) {
      int which = static_cast<int>(axis);
      coordinates.push_back(b.threadCoordinate(this->layout, which));
      strides.push_back(b.toI64(stride));
      bounds.push_back(b.clampToI32(bound, this->layout.shape[axis]));
      Value along =
          arith::MulIOp::create(b, b.widen(coordinates.back()), strides.back());
      element = b.add(element, along);
    }
    origin = b.pointerAdd(global.pointer, b.mul(element, elementBytes));
  }

  Value address(int64_t reg) {
    Value address = origin;
    for (size_t axis = 0; axis < coordinates.size(); ++axis) {
      int64_t constant = layout.registers[reg][axis];
      if (constant != 0)
        address = b.pointerAdd(address,
                               b.mul(strides[axis], constant * elementBytes));
    }
    return address;
  }

  /// i1, or null if all elements of the tile are inside.
  Value inBounds(int64_t reg) {
    Value valid;
    for (size_t axis = 0; axis < coordinates.size(); ++axis) {
      if (constantOf(bounds[axis]) == endOf(layout, static_cast<int>(axis)))
        continue;
      valid = b.both(valid, b.compare(CmpIPredicate::slt,
                                      b.add(coordinates[axis],
                                            layout.registers[reg][axis]),
                                      bounds[axis]));
    }
    return valid;
  }

  unsigned alignment(int64_t count) const {
    return static_cast<unsigned>(elementBytes * count);
  }

private:
  ThreadBuilder &b;
  RegisterLayout layout;
  int64_t elementBytes;
  SmallVector<Value> coordinates, strides, bounds;
  Value origin;
};

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

/// The value at an address, or 0 where `valid` does not hold (null: it does).
Value loadOrZero(ThreadBuilder &b, Type type, Value address, Value valid,
                 unsigned alignment) {
  if (!valid)
    return b.load(type, address, alignment);
  auto branch = scf::IfOp::create(b, TypeRange(type), valid,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, b.load(type, address, alignment));
  b.setInsertionPointToStart(branch.elseBlock());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  scf::YieldOp::create(b, zero);
  return branch.getResult(0);
}

struct LoadGlobalLowering : TilePattern<tile::LoadGlobalOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::LoadGlobalOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getResult().getType();
    RegisterLayout layout = tile::getRegisterLayout(type);
    GlobalTile global = {adaptor.getSource(), adaptor.getOffset(),
                         adaptor.getStrides(), adaptor.getBounds(),
                         type.getElementTypeBitWidth() / 8};
    GlobalElements elements(b, layout, global);
    int64_t step = global.runOf(layout);
    Type access = type.getElementType();
    if (step > 1)
      access = VectorType::get(step, access);
    SmallVector<Value> values;
    for (int64_t reg = 0; reg < layout.numRegisters(); reg += step)
      values.push_back(loadOrZero(b, access, elements.address(reg),
                                  elements.inBounds(reg),
                                  elements.alignment(step)));
    rewriter.replaceOp(op, step > 1 ? b.packRuns(values) : b.pack(values));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

/// A run of neighbours as words of 32 bits.
SmallVector<Value> toWords(ThreadBuilder &b, Value run) {
  auto type = cast<VectorType>(run.getType());
  int64_t words = type.getNumElements() * type.getElementTypeBitWidth() / 32;
  return b.unpack(b.bitcast(run, VectorType::get(words, b.getI32Type())));
}

/// Carries out a swap of runs; a lane with the bit sends its part of the first
/// run of each pair, the others of the second.
SmallVector<Value> swapLanes(ThreadBuilder &b, const LaneSwap &swap,
                             ArrayRef<Value> runs) {
  Value distance = b.i32(int64_t{1} << swap.laneBit);
  Value isUpper =
      b.compare(CmpIPredicate::ne,
                b.bitAnd(b.lane(), int64_t{1} << swap.laneBit), int64_t{0});
  SmallVector<Value> results;
  for (auto [first, second] : swap.runs) {
    SmallVector<Value> front, back;
    for (auto [a, c] :
         llvm::zip_equal(toWords(b, runs[first]), toWords(b, runs[second]))) {
      Value received = b.shuffle(ThreadBuilder::Shuffle::Butterfly,
                                 b.select(isUpper, a, c), distance);
      front.push_back(b.select(isUpper, received, a));
      back.push_back(b.select(isUpper, c, received));
    }
    llvm::append_range(front, back);
    results.push_back(b.pack(front));
  }
  return results;
}

struct StoreGlobalLowering : TilePattern<tile::StoreGlobalOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StoreGlobalOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getTile().getType();
    GlobalTile global = {adaptor.getDestination(), adaptor.getOffset(),
                         adaptor.getStrides(), adaptor.getBounds(),
                         type.getElementTypeBitWidth() / 8};
    RegisterLayout layout = tile::getRegisterLayout(type);
    int64_t step = global.runOf(layout);
    SmallVector<Value> values = step > 1 ? b.unpackRuns(adaptor.getTile(), step)
                                         : b.unpack(adaptor.getTile());
    while (global.elementBytes == kSwappedElementBytes && step > 1 &&
           2 * step * global.elementBytes <= kStoreBytes &&
           global.hasRuns(2 * step)) {
      std::optional<LaneSwap> swap = tile::lengthenRuns(layout);
      if (!swap)
        break;
      values = swapLanes(b, *swap, values);
      layout = swap->result;
      step *= 2;
    }
    GlobalElements elements(b, layout, global);
    Value primary = b.isPrimary(layout);
    for (auto [i, value] : llvm::enumerate(values)) {
      int64_t reg = static_cast<int64_t>(i) * step;
      b.when(b.both(primary, elements.inBounds(reg)), [&] {
        b.store(value, elements.address(reg), elements.alignment(step));
      });
    }
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void populateGlobalTilePatterns(const TypeConverter &converter,
                                RewritePatternSet &patterns,
                                const KernelInfo &kernel) {
  patterns.add<LoadGlobalLowering, StoreGlobalLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen
