// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pipelines on mbarriers.
//
// A pipeline is the address of its words: the full mbarriers of all slots, then
// the empty ones. Instructions of a single lane are predicated instead of
// branched around: control flow would cut the blocks of the roles apart, in
// which LLVM shares addresses.

#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mamba::codegen {

using arith::CmpIPredicate;
using tile::PipelineType;

namespace {

enum class Side { Full, Empty };

int64_t slotsOf(PipelineType type) {
  return type.getStages() * type.getGroups();
}

/// The mbarrier of a slot (i32).
Value mbarrierOf(ThreadBuilder &b, Value pipeline, PipelineType type, Side side,
                 Value slot) {
  Value word = b.pointerAdd(pipeline, b.mul(slot, kBarrierBytes));
  return b.pointerAdd(word,
                      side == Side::Full ? 0 : kBarrierBytes * slotsOf(type));
}

} // namespace

Value fullBarrierOf(ThreadBuilder &b, Value pipeline, PipelineType type,
                    Value slot) {
  return mbarrierOf(b, pipeline, type, Side::Full, b.toI32(slot));
}

namespace {

//===----------------------------------------------------------------------===//
// Initialisation
//===----------------------------------------------------------------------===//

struct PipelineLowering : TilePattern<tile::PipelineOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::PipelineOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext(), 3);
    Value base = LLVM::AddressOfOp::create(b, pointer, kSharedSymbol);
    Value pipeline = b.pointerAdd(base, kernel.offsets.lookup(op));
    auto branch = scf::IfOp::create(b, b.isFirstThread(),
                                    /*withElseRegion=*/false);
    {
      // lowerRoles makes it known to the roles.
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      initialize(b, pipeline, op);
    }
    rewriter.replaceOp(op, pipeline);
    return success();
  }

private:
  static void initialize(ThreadBuilder &b, Value pipeline,
                         tile::PipelineOp op) {
    PipelineType type = op.getPipeline().getType();
    for (Side side : {Side::Full, Side::Empty})
      for (int64_t slot = 0; slot < slotsOf(type); ++slot) {
        Value count = b.i32(side == Side::Full ? op.getFull() : op.getEmpty());
        Value word = mbarrierOf(b, pipeline, type, side, b.i32(slot));
        b.intrinsic("llvm.nvvm.mbarrier.init.shared", {}, {word, count});
      }
  }
};

//===----------------------------------------------------------------------===//
// Waiting
//===----------------------------------------------------------------------===//

void emitWait(ThreadBuilder &b, Value mbarrier, Value parity) {
  b.assembly("{\n\t.reg .pred complete;\nwait_${:uid}:\n\t"
             "mbarrier.try_wait.parity.shared::cta.b64 complete, [$0], $1;\n\t"
             "@!complete bra wait_${:uid};\n\t}",
             "r,r", {}, {mbarrier, parity});
}

/// tile.acquire and tile.wait: the parity of a phase that has not been waited
/// for before. An empty barrier has had its phase −1 completed.
template <typename Op, Side side>
struct SlotLowering : TilePattern<Op> {
  using TilePattern<Op>::TilePattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    PipelineType type = op.getPipeline().getType();
    Value iteration = b.toI32(adaptor.getIteration());
    Value slot = b.rem(iteration, type.getStages());
    Value phase = b.bitAnd(b.div(iteration, type.getStages()), 1);
    if (Value group = adaptor.getGroup())
      slot = b.add(slot, b.mul(b.toI32(group), type.getStages()));
    Value word = mbarrierOf(b, adaptor.getPipeline(), type, side, slot);
    emitWait(b, word, side == Side::Empty ? b.bitXor(phase, 1) : phase);
    rewriter.replaceOpWithNewOp<arith::IndexCastUIOp>(op, b.getIndexType(),
                                                      slot);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Arriving
//===----------------------------------------------------------------------===//

/// All lanes have come here, and lane 0 arrives for the warp.
void emitArrive(ThreadBuilder &b, Value mbarrier) {
  b.intrinsic("llvm.nvvm.bar.warp.sync", {}, b.i32(-1));
  b.assembly("@$1 mbarrier.arrive.shared::cta.b64 _, [$0];", "r,b", {},
             {mbarrier, b.isFirstLane()});
}

struct ExpectLowering : TilePattern<tile::ExpectOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ExpectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Value word = fullBarrierOf(b, adaptor.getPipeline(),
                               op.getPipeline().getType(), adaptor.getSlot());
    b.assembly("@$2 mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;",
               "r,r,b", {}, {word, b.i32(op.getBytes()), b.isFirstLane()});
    rewriter.eraseOp(op);
    return success();
  }
};

struct CommitLowering : TilePattern<tile::CommitOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::CommitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    // Each thread's own stores, for tensor cores and bulk copies.
    if (!kernel.genericCommits.contains(op))
      b.intrinsic("llvm.nvvm.fence.proxy.async.shared_cta", {}, {});
    emitArrive(b,
               mbarrierOf(b, adaptor.getPipeline(), op.getPipeline().getType(),
                          Side::Full, b.toI32(adaptor.getSlot())));
    rewriter.eraseOp(op);
    return success();
  }
};

/// Values that must be complete before lane 0 arrives. ptxas lets an arrive
/// overtake loads whose values nobody has used yet, and may move arithmetic
/// behind it: so the address of the arrive is made to depend on the values, by
/// way of a zero that no compiler knows.
struct ReleaseLowering : TilePattern<tile::ReleaseOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ReleaseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Value word =
        mbarrierOf(b, adaptor.getPipeline(), op.getPipeline().getType(),
                   Side::Empty, b.toI32(adaptor.getSlot()));
    Value bits;
    for (auto [tile, value] : llvm::zip(op.getAfter(), adaptor.getAfter())) {
      // A product has been waited for by an instruction that stays in front.
      if (tile.getDefiningOp<tile::WgmmaWaitOp>())
        continue;
      for (Value word : wordsOf(b, value))
        bits = bits ? b.createOrFold<arith::OrIOp>(bits, word) : word;
    }
    if (bits)
      word = b.pointerAdd(word,
                          b.createOrFold<arith::AndIOp>(bits, unknownZero(b)));
    emitArrive(b, word);
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// The registers of a tile as i32.
  static SmallVector<Value> wordsOf(ThreadBuilder &b, Value vector) {
    auto type = cast<VectorType>(vector.getType());
    unsigned width = type.getElementTypeBitWidth();
    bool pairs = width == 16 && type.getNumElements() % 2 == 0;
    SmallVector<Value> words;
    for (Value part : pairs ? b.unpackPairs(vector) : b.unpack(vector)) {
      Value bits = b.bitcast(part, b.getIntegerType(pairs ? 32 : width));
      if (bits.getType().getIntOrFloatBitWidth() < 32)
        bits = b.createOrFold<arith::ExtUIOp>(b.getI32Type(), bits);
      words.push_back(bits);
    }
    return words;
  }

  /// The third coordinate of the CTA: grids have one dimension.
  static Value unknownZero(ThreadBuilder &b) {
    return b.intrinsic("llvm.nvvm.read.ptx.sreg.ctaid.z", b.getI32Type(), {});
  }
};

} // namespace

void findGenericCommits(gpu::GPUFuncOp function, KernelInfo &kernel) {
  auto stagesOf = [](Value value) {
    SmallVector<tile::StageOp> stages;
    for (Operation *user : value.getUsers())
      if (auto stage = dyn_cast<tile::StageOp>(user))
        stages.push_back(stage);
    return stages;
  };
  auto isReadAsync = [&](Value buffer) {
    return llvm::any_of(stagesOf(buffer), [](tile::StageOp stage) {
      return llvm::any_of(stage->getUsers(), [](Operation *user) {
        return isa<tile::WgmmaOp, tile::StoreBulkOp>(user);
      });
    });
  };
  function.walk([&](tile::CommitOp commit) {
    if (llvm::none_of(stagesOf(commit.getSlot()), [&](tile::StageOp stage) {
          return isReadAsync(stage.getBuffer());
        }))
      kernel.genericCommits.insert(commit);
  });
}

void populatePipelinePatterns(const TypeConverter &converter,
                              RewritePatternSet &patterns,
                              const KernelInfo &kernel) {
  patterns.add<PipelineLowering, SlotLowering<tile::AcquireOp, Side::Empty>,
               SlotLowering<tile::WaitOp, Side::Full>, ExpectLowering,
               CommitLowering, ReleaseLowering>(converter,
                                                patterns.getContext(), kernel);
}

} // namespace mamba::codegen
