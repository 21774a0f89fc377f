// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What CTAs hand over to each other: tiles in global memory, and the flags that
// say they are there.

#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mamba::codegen {

using arith::CmpIPredicate;

namespace {

using tile::RegisterLayout;

//===----------------------------------------------------------------------===//
// Flags
//===----------------------------------------------------------------------===//

constexpr llvm::StringLiteral kDevice = "device";
/// What all that open a flag area add to its first word together: the bits
/// above those 16 count launches.
constexpr int64_t kSharesOfLaunch = 1 << 16;
/// Nanoseconds between two looks at a flag.
constexpr int64_t kPause = 40;

/// Flags are two values: the pointer to their area, and one to a word in shared
/// memory that holds what set flags hold; a register would be taken from start
/// to end. It is there for the first warp of each that opened them. All of a
/// block have one word, for they find the same number.
struct Flags {
  explicit Flags(ValueRange values) : area(values[0]), number(values[1]) {}

  /// The address of a flag, an i64.
  Value address(ThreadBuilder &b, Value index) const {
    // The counter's bytes last: they become part of the instruction.
    return b.pointerAdd(b.pointerAdd(area, b.mul(index, kFlagBytes)),
                        kFlagBytes);
  }
  Value loadNumber(ThreadBuilder &b) const {
    return b.load(b.getI64Type(), number, kFlagBytes);
  }

  Value area, number;
};

struct FlagsLowering : TilePattern<tile::FlagsOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::FlagsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Value area = adaptor.getPointer();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext(), 3);
    Value shared = LLVM::AddressOfOp::create(b, pointer, kSharedSymbol);
    Value number = b.pointerAdd(shared, kernel.offsets.lookup(op));
    // In one piece: ptxas has spilled more around branches here, and around
    // single instructions.
    b.assembly("{\n\t.reg .b64 number;\n\t"
               "@$3 atom.relaxed.gpu.global.add.u64 number, [$0], $1;\n\t"
               "shr.u64 number, number, 16;\n\t"
               "add.u64 number, number, 1;\n\t"
               "@$3 st.shared.b64 [$2], number;\n\t}",
               "l,l,r,b", {},
               {area, emitShare(b, tile::RoleOp::getEnclosing(op)), number,
                b.isFirstThread()});
    b.intrinsic("llvm.nvvm.bar.warp.sync", {}, b.i32(-1));
    rewriter.replaceOpWithMultiple(op, {{area, number}});
    return success();
  }

private:
  /// What this one adds: the first of those that add what the others leave, so
  /// that the launches before and after may have other grids.
  static Value emitShare(ThreadBuilder &b, tile::RoleOp role) {
    int64_t instances =
        role ? static_cast<int64_t>(role.getInstances()) : int64_t{1};
    Value blocks =
        b.toI64(gpu::GridDimOp::create(b, gpu::Dimension::x).getResult());
    Value block =
        b.toI64(gpu::BlockIdOp::create(b, gpu::Dimension::x).getResult());
    Value all = b.mul(blocks, instances);
    Value one = b.createOrFold<arith::AddIOp>(b.mul(block, instances),
                                              b.widen(b.instance()));
    Value rest = b.createOrFold<arith::SubIOp>(b.i64(kSharesOfLaunch + 1), all);
    return b.select(b.compare(CmpIPredicate::eq, one, int64_t{0}), rest,
                    b.i64(1));
  }
};

struct SignalLowering : TilePattern<tile::SignalOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::SignalOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Flags flags(adaptor.getFlags());
    Value flag = flags.address(b, b.toI64(adaptor.getIndex().front()));
    // The barrier orders the other threads' stores before the fence.
    emitBarrier(b, kernel);
    b.when(b.isFirstThread(), [&] {
      LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, kDevice);
      LLVM::StoreOp::create(b, flags.loadNumber(b), flag, kFlagBytes,
                            /*isVolatile=*/false, /*isNonTemporal=*/false,
                            /*isInvariantGroup=*/false,
                            LLVM::AtomicOrdering::release, kDevice);
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct AwaitLowering : TilePattern<tile::AwaitOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::AwaitOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Flags flags(adaptor.getFlags());
    Value first = b.toI64(adaptor.getIndex().front());
    if (op.getCount()) {
      Value warp = b.compare(CmpIPredicate::eq, b.warp(), int64_t{0});
      Value count = b.toI64(adaptor.getCount().front());
      Value stride = b.toI64(adaptor.getStride().front());
      b.when(warp, [&] { spinSideBySide(b, flags, first, count, stride); });
    } else {
      Value flag = flags.address(b, first);
      b.when(b.isFirstThread(), [&] { spin(b, flag, flags.loadNumber(b)); });
    }
    emitBarrier(b, kernel);
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Lane i waits for flags i, i + 32, …
  static void spinSideBySide(ThreadBuilder &b, const Flags &flags, Value first,
                             Value count, Value stride) {
    Value number = flags.loadNumber(b);
    auto loop =
        scf::ForOp::create(b, b.widen(b.lane()), count, b.i64(tile::kLanes));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value offset =
        b.createOrFold<arith::MulIOp>(loop.getInductionVar(), stride);
    Value index = b.createOrFold<arith::AddIOp>(offset, first);
    spin(b, flags.address(b, index), number);
  }

  static void spin(ThreadBuilder &b, Value flag, Value number) {
    auto loop = scf::WhileOp::create(b, TypeRange(), ValueRange());
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&loop.getBefore());
    Value seen = LLVM::LoadOp::create(
        b, b.getI64Type(), flag, kFlagBytes, /*isVolatile=*/false,
        /*isNonTemporal=*/false, /*isInvariant=*/false,
        /*isInvariantGroup=*/false, LLVM::AtomicOrdering::acquire, kDevice);
    Value unset = b.compare(CmpIPredicate::ne, seen, number);
    scf::ConditionOp::create(b, unset, ValueRange());
    b.createBlock(&loop.getAfter());
    b.intrinsic("llvm.nvvm.nanosleep", {}, b.i32(kPause));
    scf::YieldOp::create(b);
  }
};

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

/// Addresses of the 16 bytes of a thread: those of all threads that share the
/// tile side by side, then the next. `warps` are there at the place of the op.
struct PackedTile {
  PackedTile(ThreadBuilder &b, RankedTensorType type, Value pointer,
             Value offset, int64_t warps)
      : b(b), layout(tile::getRegisterLayout(type)),
        threads(layout.warps.size() * tile::kLanes) {
    Value first = b.pointerAdd(pointer, b.mul(b.toI64(offset), 4));
    Value thread = b.thread();
    if (warps > layout.warps.size())
      thread = b.rem(thread, threads);
    start = b.pointerAdd(first, b.mul(thread, kBytes));
  }
  int64_t count() const { return layout.numRegisters() / 4; }
  Value address(int64_t i) { return b.pointerAdd(start, i * threads * kBytes); }
  static constexpr int64_t kBytes = 16;

  ThreadBuilder &b;
  RegisterLayout layout;
  int64_t threads;
  Value start;
};

struct StorePackedLowering : TilePattern<tile::StorePackedOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StorePackedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    PackedTile packed(b, op.getTile().getType(), adaptor.getPointer(),
                      adaptor.getOffset(), kernel.warpsAt(op));
    SmallVector<Value> values = b.unpack(adaptor.getTile());
    for (int64_t i = 0; i < packed.count(); ++i)
      b.store(b.pack(ArrayRef<Value>(values).slice(4 * i, 4)),
              packed.address(i), PackedTile::kBytes);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LoadPackedLowering : TilePattern<tile::LoadPackedOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::LoadPackedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getResult().getType();
    PackedTile packed(b, type, adaptor.getPointer(), adaptor.getOffset(),
                      kernel.warpsAt(op));
    auto access = VectorType::get(4, type.getElementType());
    SmallVector<Value> values;
    for (int64_t i = 0; i < packed.count(); ++i)
      llvm::append_range(values, b.unpack(b.load(access, packed.address(i),
                                                 PackedTile::kBytes)));
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }
};

} // namespace

void populateHandoverPatterns(const TypeConverter &converter,
                              RewritePatternSet &patterns,
                              const KernelInfo &kernel) {
  patterns.add<FlagsLowering, SignalLowering, AwaitLowering,
               StorePackedLowering, LoadPackedLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen
