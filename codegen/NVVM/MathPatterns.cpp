// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scalar f32 `math` ops without libdevice: the special-function unit where its
// error is small everywhere, polynomials where it is not.
//
// Relative errors (denormals are flushed to zero):
//   exp2, rsqrt   2^-22
//   exp           2^-22 + |x|·2^-24, from rounding x·log2 e
//   log, log1p    2^-22, also near log's zero
//   tanh          2^-21
// The polynomials are minimax fits of the relative error, made for this file:
// (log1p f − f)/f² on [−1/3, 1/3] (4.5e-9) and (tanh x − x)/x³ as a polynomial
// in x² on [0, 0.36] (2.6e-9).

#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;

namespace mamba::codegen {
namespace {

using arith::CmpFPredicate;
using arith::CmpIPredicate;

constexpr float kLog2E = 1.44269504088896340736f;
constexpr float kLn2 = 0.693147180559945309417f;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Float arithmetic, short to write.
struct Floats {
  ThreadBuilder &b;

  Value constant(float value) { return b.f32(value); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) {
    return b.intrinsic("llvm.fma.f32", b.getF32Type(), {x, y, z});
  }
  Value exp2(Value x) {
    return b.intrinsic("llvm.nvvm.ex2.approx.ftz", b.getF32Type(), x);
  }
  Value reciprocal(Value x) {
    return b.intrinsic("llvm.nvvm.rcp.approx.ftz.f", b.getF32Type(), x);
  }
  Value abs(Value x) {
    Value bits = b.bitAnd(b.bitcast(x, b.getI32Type()), 0x7fffffff);
    return b.bitcast(bits, b.getF32Type());
  }
  Value test(CmpFPredicate predicate, Value x, float y) {
    return arith::CmpFOp::create(b, predicate, x, constant(y));
  }
  /// Horner's rule, coefficients from the constant term up.
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value sum = constant(coefficients.back());
    for (float coefficient : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, constant(coefficient));
    return sum;
  }

  Value exp(Value x) { return exp2(mul(x, constant(kLog2E))); }
  Value log(Value x);
  Value log1p(Value x);
  Value tanh(Value x);
};

/// x = 2^e·(1 + f) with 1 + f in [2/3, 4/3); log x = e·ln 2 + log1p f.
Value Floats::log(Value x) {
  Type integer = b.getI32Type();
  Value bits = b.bitcast(x, integer);
  Value exponent = b.bitAnd(b.add(bits, -0x3f2aaaab), -0x00800000);
  Value mantissa = arith::SubIOp::create(b, bits, exponent);
  Value f = sub(b.bitcast(mantissa, b.getF32Type()), constant(1));
  Value scale = mul(arith::SIToFPOp::create(b, b.getF32Type(), exponent),
                    constant(1.1920928955078125e-7f)); // 2^-23
  Value q = polynomial(f, {-0.5f, 0.3333320915699005f, -0.24999716877937317f,
                           0.20010747015476227f, -0.16682305932044983f,
                           0.14001159369945526f, -0.12167153507471085f,
                           0.14004762470722198f, -0.1294896900653839f});
  Value result = fma(mul(f, f), q, f);
  result = fma(scale, constant(kLn2), result);
  // Flushed denormals count as 0.
  result = b.select(test(CmpFPredicate::OLT, x, 1.1754943508e-38f),
                    constant(-kInfinity), result);
  result = b.select(test(CmpFPredicate::OEQ, x, kInfinity), x, result);
  Value negative = test(CmpFPredicate::ULT, x, 0);
  return b.select(negative, constant(std::numeric_limits<float>::quiet_NaN()),
                  result);
}

/// log(1 + x) with what the rounding of 1 + x lost put back.
Value Floats::log1p(Value x) {
  Value u = add(x, constant(1));
  Value whole = log(u);
  Value lost = sub(x, sub(u, constant(1)));
  Value corrected = fma(lost, reciprocal(u), whole);
  Value finite = arith::AndIOp::create(b, test(CmpFPredicate::OGT, u, 0),
                                       test(CmpFPredicate::OLT, u, kInfinity));
  return b.select(finite, corrected, whole);
}

/// 1 − 2/(exp 2|x| + 1) with the sign of x; a polynomial for small |x|.
Value Floats::tanh(Value x) {
  Value magnitude = abs(x);
  Value e = exp2(mul(magnitude, constant(2 * kLog2E)));
  Value big = fma(reciprocal(add(e, constant(1))), constant(-2), constant(1));
  Type integer = b.getI32Type();
  Value sign = b.bitAnd(b.bitcast(x, integer), -0x7fffffff - 1);
  big = b.bitcast(
      arith::OrIOp::create(b, b.bitcast(big, integer), sign).getResult(),
      b.getF32Type());
  Value square = mul(x, x);
  Value q = polynomial(square, {-0.33333298563957214f, 0.13331958651542664f,
                                -0.053786683827638626f, 0.02080538310110569f,
                                -0.005905866622924805f});
  Value small = fma(mul(square, x), q, x);
  return b.select(test(CmpFPredicate::OLT, magnitude, 0.6f), small, big);
}

/// The expansion of one kind of unary op.
using Expansion = Value (*)(Floats &, Value);

template <typename Op>
struct UnaryLowering : OpRewritePattern<Op> {
  UnaryLowering(MLIRContext *context, Expansion expansion)
      : OpRewritePattern<Op>(context), expansion(expansion) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return failure();
    ThreadBuilder b(op.getLoc(), rewriter);
    Floats floats{b};
    rewriter.replaceOp(op, expansion(floats, op.getOperand()));
    return success();
  }

  Expansion expansion;
};

/// Of f32, and of pairs of 16-bit floats.
struct FmaLowering : OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::FmaOp op,
                                PatternRewriter &rewriter) const override {
    auto pair = dyn_cast<VectorType>(op.getType());
    if (pair && pair.getNumElements() == 2 &&
        pair.getElementTypeBitWidth() == 16) {
      rewriter.replaceOpWithNewOp<LLVM::FMAOp>(op, op.getA(), op.getB(),
                                               op.getC());
      return success();
    }
    if (!op.getType().isF32())
      return failure();
    ThreadBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, Floats{b}.fma(op.getA(), op.getB(), op.getC()));
    return success();
  }
};

/// f32 division: two units in the last place, without the slow path for
/// denormals.
struct DivisionLowering : OpRewritePattern<arith::DivFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::DivFOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return failure();
    ThreadBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, b.intrinsic("llvm.nvvm.div.full.ftz", b.getF32Type(),
                                       {op.getLhs(), op.getRhs()}));
    return success();
  }
};

} // namespace

void populateMathPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<UnaryLowering<math::Exp2Op>>(
      context, [](Floats &f, Value x) { return f.exp2(x); });
  patterns.add<UnaryLowering<math::ExpOp>>(
      context, [](Floats &f, Value x) { return f.exp(x); });
  patterns.add<UnaryLowering<math::LogOp>>(
      context, [](Floats &f, Value x) { return f.log(x); });
  patterns.add<UnaryLowering<math::Log1pOp>>(
      context, [](Floats &f, Value x) { return f.log1p(x); });
  patterns.add<UnaryLowering<math::TanhOp>>(
      context, [](Floats &f, Value x) { return f.tanh(x); });
  patterns.add<UnaryLowering<math::AbsFOp>>(
      context, [](Floats &f, Value x) { return f.abs(x); });
  patterns.add<UnaryLowering<math::SqrtOp>>(context, [](Floats &f, Value x) {
    return f.b.intrinsic("llvm.nvvm.sqrt.rn.f", f.b.getF32Type(), x);
  });
  patterns.add<UnaryLowering<math::RsqrtOp>>(context, [](Floats &f, Value x) {
    return f.b.intrinsic("llvm.nvvm.rsqrt.approx.ftz.f", f.b.getF32Type(), x);
  });
  patterns.add<FmaLowering, DivisionLowering>(context);
}

} // namespace mamba::codegen
