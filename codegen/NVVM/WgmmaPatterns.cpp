// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.wgmma and tile.wgmma_wait with the asynchronous warpgroup instructions.
//
// Registers in flight must not be touched, not even by a move. So accumulators
// go through the fence, from instruction to instruction and through the wait as
// operands tied to results: every move stays in front of the fence or behind
// the wait. Left operands are not changed; that they are inputs of the fence
// keeps their computation in front of it.

#include "codegen/NVVM/TileLowering.h"
#include "codegen/Targets/MatrixDescriptor.h"
#include "codegen/Targets/MmaRows.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

constexpr int64_t kStep = 16;

//===----------------------------------------------------------------------===//
// Inline PTX
//===----------------------------------------------------------------------===//

/// PTX that yields f32 registers.
SmallVector<Value> registersOf(ThreadBuilder &b, StringRef text,
                               StringRef constraints, size_t count,
                               ValueRange operands) {
  assert(count > 1 && "one result would not be a structure");
  SmallVector<Type> fields(count, b.getF32Type());
  Type type = LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
  Value structure = b.assembly(text, constraints, type, operands);
  SmallVector<Value> registers;
  for (size_t i = 0; i < count; ++i)
    registers.push_back(b.fieldOf(structure, static_cast<int64_t>(i)));
  return registers;
}

/// PTX through which accumulators pass unchanged: what computes them and the
/// `words` is done before, what uses the results comes after.
SmallVector<Value> passThrough(ThreadBuilder &b, StringRef text,
                               ArrayRef<Value> sums, ArrayRef<Value> words) {
  SmallVector<std::string> constraints(sums.size(), "=f");
  for (size_t i = 0; i < sums.size(); ++i)
    constraints.push_back(std::to_string(i));
  constraints.append(words.size(), "r");
  SmallVector<Value> operands(sums);
  llvm::append_range(operands, words);
  std::string list = llvm::join(constraints, ",");
  if (!sums.empty())
    return registersOf(b, text, list, sums.size(), operands);
  b.assembly(text, list, {}, operands);
  return {};
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// The descriptors of an operand in shared memory. Only their lower halves
/// differ from step to step.
class BufferOperand {
public:
  BufferOperand(ThreadBuilder &b, Value pointer, tile::BufferType type,
                bool alongOuter)
      : b(b), descriptor(type.getSharedLayout(), alongOuter) {
    Value address = LLVM::PtrToIntOp::create(b, b.getI32Type(), pointer);
    start = b.add(b.shiftRight(address, 4), descriptor.low());
  }

  Value step(int64_t k) {
    Value low = b.add(start, descriptor.stepOffset(k) / tile::kUnitBytes);
    int64_t high = static_cast<int64_t>(descriptor.high()) << 32;
    return arith::OrIOp::create(b, b.widen(low), b.i64(high));
  }

private:
  ThreadBuilder &b;
  MatrixDescriptor descriptor;
  Value start;
};

/// The pairs of a register tile as words.
SmallVector<Value> wordsOf(ThreadBuilder &b, Value tile) {
  SmallVector<Value> words;
  for (Value pair : b.unpackPairs(tile))
    words.push_back(b.bitcast(pair, b.getI32Type()));
  return words;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

struct WgmmaLowering : TilePattern<tile::WgmmaOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(tile::WgmmaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type element = op.getB().getType().getElementType();
    const MmaRow *row =
        findMma(MmaFamily::WarpgroupAsync,
                element.isBF16() ? ElementKind::BF16 : ElementKind::F16,
                *kernel.target);
    if (!row)
      return op.emitError("target ")
             << kernel.target->name << " has no warpgroup instruction for "
             << element;
    ThreadBuilder b(op.getLoc(), rewriter);
    auto buffer = dyn_cast<tile::BufferType>(op.getA().getType());
    SmallVector<Value> words, sums;
    if (!buffer)
      words = wordsOf(b, adaptor.getA());
    if (adaptor.getAccumulator())
      sums = b.unpack(adaptor.getAccumulator());
    sums = passThrough(b, "wgmma.fence.sync.aligned;", sums, words);

    std::optional<BufferOperand> left;
    if (buffer)
      left.emplace(b, adaptor.getA(), buffer, op.getTransposeA());
    BufferOperand right(b, adaptor.getB(), op.getB().getType(),
                        !op.getTransposeB());
    for (int64_t k = 0; k < innerExtent(op); k += kStep) {
      SmallVector<Value> operands = sums;
      if (left)
        operands.push_back(left->step(k));
      else // A fragment is four words, fragments follow K.
        llvm::append_range(operands,
                           ArrayRef<Value>(words).slice(k / kStep * 4, 4));
      operands.push_back(right.step(k));
      sums = multiply(b, *row, op, !sums.empty(), operands);
    }
    b.assembly("wgmma.commit_group.sync.aligned;", "", {}, {});
    rewriter.replaceOp(op, b.pack(sums));
    return success();
  }

private:
  static int64_t innerExtent(tile::WgmmaOp op) {
    if (auto buffer = dyn_cast<tile::BufferType>(op.getA().getType()))
      return buffer.getShape()[op.getTransposeA() ? 0 : 1];
    return cast<RankedTensorType>(op.getA().getType()).getDimSize(1);
  }

  /// One instruction; yields the accumulator's registers.
  static SmallVector<Value> multiply(ThreadBuilder &b, const MmaRow &row,
                                     tile::WgmmaOp op, bool accumulates,
                                     ArrayRef<Value> operands) {
    WgmmaForm form = {
        .n = static_cast<int>(op.getResult().getType().getTile().getDimSize(1)),
        .registersA = !isa<tile::BufferType>(op.getA().getType()),
        .accumulates = accumulates,
        .transposeA = op.getTransposeA(),
        .transposeB = !op.getTransposeB()};
    return registersOf(b, wgmmaText(row, form), wgmmaConstraints(form),
                       form.n / 2, operands);
  }
};

struct WgmmaWaitLowering : TilePattern<tile::WgmmaWaitOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(tile::WgmmaWaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    std::string text = "wgmma.wait_group.sync.aligned " +
                       std::to_string(op.getPending()) + ";";
    SmallVector<Value> values =
        passThrough(b, text, b.unpack(adaptor.getSource()), {});
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }
};

/// True if products start in the loop.
bool multiplies(scf::ForOp loop) {
  WalkResult result =
      loop.walk([](tile::WgmmaOp) { return WalkResult::interrupt(); });
  return result.wasInterrupted();
}

} // namespace

void settleProducts(gpu::GPUFuncOp function) {
  function.walk<WalkOrder::PreOrder>([](scf::ForOp loop) {
    if (!multiplies(loop))
      return WalkResult::advance();
    ThreadBuilder b(loop.getLoc(), loop);
    b.assembly("wgmma.wait_group.sync.aligned 0;", "", {}, {});
    return WalkResult::skip();
  });
}

void populateWgmmaPatterns(const TypeConverter &converter,
                           RewritePatternSet &patterns,
                           const KernelInfo &kernel) {
  patterns.add<WgmmaLowering, WgmmaWaitLowering>(converter,
                                                 patterns.getContext(), kernel);
}

} // namespace mamba::codegen
