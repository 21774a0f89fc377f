// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Point-wise ops on register tiles: the same op on each element, or on pairs of
// elements where 16-bit types have two-element instructions. Splitting them
// here keeps LLVM from seeing long vectors of mixed widths, which it takes
// apart badly.

#include "codegen/NVVM/TileLowering.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

bool isHalf(Type type) { return type.isF16() || type.isBF16(); }

/// True if two elements at a time are one instruction: arithmetic on 16-bit
/// floats, and rounding to them.
bool takesPairs(Operation *op) {
  Type result = getElementTypeOrSelf(op->getResult(0).getType());
  if (!isHalf(result))
    return false;
  for (Type operand : op->getOperandTypes()) {
    Type element = getElementTypeOrSelf(operand);
    if (!isHalf(element) && !element.isF32())
      return false;
  }
  return true;
}

/// Any op with element-wise semantics on tiles.
struct ElementwiseLowering : ConversionPattern {
  ElementwiseLowering(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), /*benefit=*/1,
                          context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!OpTrait::hasElementwiseMappableTraits(op) ||
        op->getNumResults() != 1 ||
        !tile::isRegisterTile(op->getResult(0).getType()))
      return failure();
    ThreadBuilder b(op->getLoc(), rewriter);
    auto type = cast<VectorType>(
        typeConverter->convertType(op->getResult(0).getType()));
    int64_t width = takesPairs(op) && type.getNumElements() % 2 == 0 ? 2 : 1;
    SmallVector<SmallVector<Value>> parts;
    for (Value operand : operands) {
      if (!isa<VectorType>(operand.getType()))
        return rewriter.notifyMatchFailure(op, "scalar operand");
      parts.push_back(width == 2 ? b.unpackPairs(operand) : b.unpack(operand));
    }
    Type element = type.getElementType();
    if (width == 2)
      element = VectorType::get(2, element);
    SmallVector<Value> results;
    for (int64_t i = 0; i < type.getNumElements() / width; ++i) {
      OperationState state(op->getLoc(), op->getName());
      for (ArrayRef<Value> operand : parts)
        state.addOperands(operand[i]);
      state.addTypes(element);
      state.addAttributes(op->getAttrs());
      results.push_back(b.create(state)->getResult(0));
    }
    rewriter.replaceOp(op, width == 2 ? b.packPairs(results) : b.pack(results));
    return success();
  }
};

/// `arith.select` with a scalar condition, which is uniform over the thread.
struct ScalarSelectLowering : OpConversionPattern<arith::SelectOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(arith::SelectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (isa<VectorType>(adaptor.getCondition().getType()))
      return failure();
    ThreadBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> results;
    for (auto [yes, no] : llvm::zip(b.unpack(adaptor.getTrueValue()),
                                    b.unpack(adaptor.getFalseValue())))
      results.push_back(
          arith::SelectOp::create(b, adaptor.getCondition(), yes, no));
    rewriter.replaceOp(op, b.pack(results));
    return success();
  }
};

struct ConstantLowering : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
    if (!splat)
      return op.emitError("constants of register tiles must be splats");
    auto type = cast<VectorType>(typeConverter->convertType(op.getType()));
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(
        op, SplatElementsAttr::get(type, splat.getSplatValue<Attribute>()));
    return success();
  }
};

} // namespace

void populateElementwisePatterns(const TypeConverter &converter,
                                 RewritePatternSet &patterns) {
  patterns.add<ElementwiseLowering>(converter, patterns.getContext());
  patterns.add<ScalarSelectLowering, ConstantLowering>(
      converter, patterns.getContext(), /*benefit=*/2);
}

} // namespace mamba::codegen
