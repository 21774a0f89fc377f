// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bulk copies of tensor boxes, and vectors of tokens.
//
// A box is as wide as a row of 128 bytes, so that a buffer of several panels is
// copied panel by panel. One thread starts all bulk stores of a role instance,
// since the groups that it waits for are its own.

#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

using arith::CmpIPredicate;
using tile::BufferType;
using tile::kLanes;

constexpr int64_t kWordBytes = 4;

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

/// One box of a bulk copy: where in shared memory it stands, and its corner.
struct Box {
  Value pointer;
  SmallVector<Value> corner;
};

/// The boxes of a buffer, whose first stands at `coordinates`.
SmallVector<Box> boxesOf(ThreadBuilder &b, BufferType type, Value buffer,
                         ValueRange coordinates) {
  tile::SharedLayout layout = type.getSharedLayout();
  int64_t columns = tile::kBankRowBytes / layout.elementBytes;
  SmallVector<Value> corner;
  for (Value coordinate : coordinates)
    corner.push_back(b.toI32(coordinate));
  SmallVector<Box> boxes;
  for (int64_t panel = 0; panel * columns < layout.columns; ++panel) {
    boxes.push_back(
        {b.pointerAdd(buffer, panel * layout.panelBytes()), corner});
    boxes.back().corner[0] = b.add(corner[0], panel * columns);
  }
  return boxes;
}

/// "$first, …, $(first + count − 1)".
std::string operandList(size_t first, size_t count) {
  std::string text;
  for (size_t i = first; i < first + count; ++i)
    text += (i == first ? "$" : ", $") + std::to_string(i);
  return text;
}

std::string repeated(StringRef constraint, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text += constraint;
  return text;
}

struct CopyBulkLowering : TilePattern<tile::CopyBulkOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::CopyBulkOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Value full = fullBarrierOf(b, adaptor.getPipeline(),
                               op.getPipeline().getType(), adaptor.getSlot());
    Value first = b.isFirstLane();
    for (const Box &box :
         boxesOf(b, op.getBuffer().getType(), adaptor.getBuffer(),
                 adaptor.getCoordinates())) {
      size_t rank = box.corner.size();
      std::string text =
          "@$0 cp.async.bulk.tensor." + std::to_string(rank) +
          "d.shared::cluster.global.mbarrier::complete_tx::bytes "
          "[$1], [$2, {" +
          operandList(4, rank) + "}], [$3];";
      SmallVector<Value> operands = {first, box.pointer, adaptor.getMap(),
                                     full};
      llvm::append_range(operands, box.corner);
      b.assembly(text, "b,r,l,r" + repeated(",r", rank), {}, operands);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

struct StoreBulkLowering : TilePattern<tile::StoreBulkOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StoreBulkOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    // Each thread's own stores become visible to the copy.
    b.intrinsic("llvm.nvvm.fence.proxy.async.shared_cta", {}, {});
    Value first = b.isFirstThread();
    b.assembly("@$0 cp.async.bulk.wait_group.read " +
                   std::to_string(op.getPending()) + ";",
               "b", {}, first);
    emitBarrier(b, kernel);
    for (const Box &box :
         boxesOf(b, op.getBuffer().getType(), adaptor.getBuffer(),
                 adaptor.getCoordinates())) {
      size_t rank = box.corner.size();
      std::string text = "@$0 cp.async.bulk.tensor." + std::to_string(rank) +
                         "d.global.shared::cta.bulk_group [$1, {" +
                         operandList(3, rank) + "}], [$2];";
      SmallVector<Value> operands = {first, adaptor.getMap(), box.pointer};
      llvm::append_range(operands, box.corner);
      b.assembly(text, "b,l,r" + repeated(",r", rank), {}, operands);
    }
    b.assembly("@$0 cp.async.bulk.commit_group;", "b", {}, first);
    rewriter.eraseOp(op);
    return success();
  }
};

struct WaitStoresLowering : TilePattern<tile::WaitStoresOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::WaitStoresOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    b.assembly("@$0 cp.async.bulk.wait_group 0;", "b", {}, b.isFirstThread());
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

/// Element e is copied by thread e % T of the T threads of the role instance:
/// with one warp the lane that holds it in the `lane` layout.
struct CopyVectorLowering : TilePattern<tile::CopyVectorOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::CopyVectorOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    int64_t extent = op.getBuffer().getType().getShape()[0];
    auto [threads, thread] = kernel.copyThreads(b, op, op.getTeam());
    Value bound = b.clampToI32(adaptor.getBound(), extent);
    Value stride = b.mul(b.toI64(adaptor.getStride()), kWordBytes);
    Value offset = b.mul(b.toI64(adaptor.getOffset()), kWordBytes);
    Value along = arith::MulIOp::create(b, b.widen(thread), stride);
    Value source = b.pointerAdd(adaptor.getSource(), b.add(offset, along));
    Value target = b.pointerAdd(adaptor.getBuffer(), b.mul(thread, kWordBytes));
    for (int64_t first = 0; first < extent; first += threads) {
      Value element = b.add(thread, first);
      // The source size: nothing is read for what is filled with 0.
      Value bytes = b.select(b.compare(CmpIPredicate::slt, element, bound),
                             b.i32(kWordBytes), b.i32(0));
      Value inside = first + threads > extent
                         ? b.compare(CmpIPredicate::ult, element, extent)
                         : Value();
      copy(b, inside, b.pointerAdd(target, first * kWordBytes),
           b.pointerAdd(source, b.mul(stride, first)), bytes);
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void copy(ThreadBuilder &b, Value condition, Value target,
                   Value source, Value bytes) {
    OpBuilder::InsertionGuard guard(b);
    if (condition) {
      auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
      b.setInsertionPointToStart(branch.thenBlock());
    }
    b.intrinsic("llvm.nvvm.cp.async.ca.shared.global.4.s", {},
                {target, source, bytes});
  }
};

struct LoadElementLowering : TilePattern<tile::LoadElementOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::LoadElementOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    int64_t byte = static_cast<int64_t>(op.getIndex()) * kWordBytes;
    rewriter.replaceOp(op, b.load(b.getF32Type(),
                                  b.pointerAdd(adaptor.getBuffer(), byte),
                                  kWordBytes));
    return success();
  }
};

} // namespace

void populateBulkCopyPatterns(const TypeConverter &converter,
                              RewritePatternSet &patterns,
                              const KernelInfo &kernel) {
  patterns.add<CopyBulkLowering, StoreBulkLowering, WaitStoresLowering,
               CopyVectorLowering, LoadElementLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen
