// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Global memory: asynchronous copies to shared memory and coalesced copies from
// it.

#include "codegen/NVVM/SharedAccess.h"
#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

using arith::CmpIPredicate;
using tile::kLanes;
using tile::kUnitBytes;
using tile::SharedLayout;

//===----------------------------------------------------------------------===//
// 16-byte units of a buffer
//===----------------------------------------------------------------------===//

/// The 16-byte units of a tile that is being copied, and the thread's share.
/// Unit u of the walk stands in row first + u / unitsPerRow.
struct UnitWalk {
  SharedLayout shared;
  /// Units in the walk, and threads that share it.
  int64_t units, threads;
  /// Number of the thread in the walk, and the walk's first row (i32).
  Value thread, firstRow;

  int64_t unitsPerRow() const {
    return shared.columns * shared.elementBytes / kUnitBytes;
  }
  int64_t steps() const { return (units + threads - 1) / threads; }
  /// True if the column is the same in all steps of a thread.
  bool columnIsFixed() const { return threads % unitsPerRow() == 0; }
};

/// One step of a walk: where the unit stands.
struct UnitStep {
  Value row, column, global, shared;
  /// i1, or null if the unit is inside the walk for every thread.
  Value inside;
};

/// Global side of a copy.
struct GlobalSide {
  Value pointer, offset, stride;
};

Value unitSharedOffset(ThreadBuilder &b, const SharedLayout &layout, Value row,
                       Value unit) {
  Value swizzle =
      b.bitAnd(b.shiftRight(row, layout.swizzleShift()), layout.swizzleMask());
  int64_t last = layout.columns * layout.elementBytes / kUnitBytes - 1;
  return b.add(b.mul(row, layout.pitch()),
               unitOffset(b, layout, unit, last, swizzle));
}

/// Visits every step of the walk. Where the column is fixed, addresses advance
/// by constants and one multiple of the stride.
void forEachUnit(ThreadBuilder &b, const UnitWalk &walk, GlobalSide global,
                 Value buffer, function_ref<void(const UnitStep &)> visit) {
  int64_t perRow = walk.unitsPerRow();
  int64_t perUnit = kUnitBytes / walk.shared.elementBytes;
  Value stride = b.toI64(global.stride), offset = b.toI64(global.offset);
  auto address = [&](Value row, Value column) -> Value {
    Value element = arith::MulIOp::create(b, b.widen(row), stride);
    element = b.add(b.add(element, b.widen(column)), offset);
    return b.pointerAdd(global.pointer,
                        b.mul(element, walk.shared.elementBytes));
  };
  UnitStep step;
  Value rowBytes = b.mul(stride, walk.shared.elementBytes);
  int64_t rowsPerStep = walk.threads / perRow;
  // The swizzle repeats after eight rows.
  bool advance = walk.columnIsFixed() && rowsPerStep % 8 == 0;
  for (int64_t i = 0; i < walk.steps(); ++i) {
    Value unit = b.add(walk.thread, i * walk.threads);
    if (i > 0 && advance) {
      step.row = b.add(step.row, rowsPerStep);
      step.global = b.pointerAdd(step.global, b.mul(rowBytes, rowsPerStep));
      step.shared =
          b.pointerAdd(step.shared, rowsPerStep * walk.shared.pitch());
    } else {
      step.row = b.add(walk.firstRow, b.div(unit, perRow));
      Value unitInRow = b.rem(unit, perRow);
      step.column = b.mul(unitInRow, perUnit);
      step.global = address(step.row, step.column);
      step.shared = b.pointerAdd(
          buffer, unitSharedOffset(b, walk.shared, step.row, unitInRow));
    }
    bool partial = (i + 1) * walk.threads > walk.units;
    step.inside =
        partial ? b.compare(CmpIPredicate::ult, unit, walk.units) : Value();
    visit(step);
  }
}

struct CopyAsyncLowering : TilePattern<tile::CopyAsyncOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::CopyAsyncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    SharedLayout shared = op.getBuffer().getType().getSharedLayout();
    auto [threads, thread] = kernel.copyThreads(b, op, op.getTeam());
    UnitWalk walk = {.shared = shared,
                     .units = 0,
                     .threads = threads,
                     .thread = thread,
                     .firstRow = b.i32(0)};
    walk.units = shared.rows * walk.unitsPerRow();
    Value rows = b.clampToI32(adaptor.getRows(), shared.rows);
    Value columns = b.clampToI32(adaptor.getColumns(), shared.columns);
    forEachUnit(b, walk,
                {adaptor.getSource(), adaptor.getOffset(), adaptor.getStride()},
                adaptor.getBuffer(), [&](const UnitStep &step) {
                  Value valid = b.both(
                      b.compare(CmpIPredicate::slt, step.row, rows),
                      b.compare(CmpIPredicate::slt, step.column, columns));
                  // The source size: what is left of the 16 bytes is filled
                  // with 0.
                  Value bytes = b.select(valid, b.i32(kUnitBytes), b.i32(0));
                  b.when(step.inside, [&] {
                    b.intrinsic("llvm.nvvm.cp.async.cg.shared.global.16.s", {},
                                {step.shared, step.global, bytes});
                  });
                });
    rewriter.eraseOp(op);
    return success();
  }
};

struct CopyOutLowering : TilePattern<tile::CopyOutOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::CopyOutOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    SharedLayout shared = op.getBuffer().getType().getSharedLayout();
    // A warp copies its own rows where the rows divide evenly.
    int64_t warps = kernel.warpsAt(op);
    bool perWarp = shared.rows % warps == 0;
    int64_t rowsEach = perWarp ? shared.rows / warps : shared.rows;
    UnitWalk walk = {.shared = shared,
                     .units = 0,
                     .threads = perWarp ? kLanes : warps * kLanes,
                     .thread = perWarp ? b.lane() : b.thread(),
                     .firstRow =
                         perWarp ? b.mul(b.warp(), rowsEach) : b.i32(0)};
    walk.units = rowsEach * walk.unitsPerRow();
    Value rows = b.clampToI32(adaptor.getRows(), shared.rows);
    Value columns = b.clampToI32(adaptor.getColumns(), shared.columns);
    Type unit = VectorType::get(4, b.getI32Type());
    forEachUnit(
        b, walk,
        {adaptor.getDestination(), adaptor.getOffset(), adaptor.getStride()},
        adaptor.getBuffer(), [&](const UnitStep &step) {
          Value valid =
              b.both(b.compare(CmpIPredicate::slt, step.row, rows),
                     b.compare(CmpIPredicate::slt, step.column, columns));
          b.when(b.both(step.inside, valid), [&] {
            b.store(b.load(unit, step.shared, kUnitBytes), step.global,
                    kUnitBytes);
          });
        });
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void populateGlobalPatterns(const TypeConverter &converter,
                            RewritePatternSet &patterns,
                            const KernelInfo &kernel) {
  patterns.add<CopyAsyncLowering, CopyOutLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen
