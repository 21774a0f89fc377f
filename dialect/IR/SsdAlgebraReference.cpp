// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// State sizes, block structure, transposes and the float64 reference
// semantics of the level-L0 algebra, from those of its operands.

#include "dialect/IR/SsdOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace mamba::ssd {
namespace {

StructuredMatrixOpInterface getMatrixOp(Value matrix) {
  return cast<StructuredMatrixOpInterface>(matrix.getDefiningOp());
}

SmallVector<double> kronecker(ArrayRef<double> a, ArrayRef<double> b) {
  SmallVector<double> result;
  for (double x : a)
    for (double y : b)
      result.push_back(x * y);
  return result;
}

double scaleAt(ReferenceContext &context, Value scale, int64_t batch,
               int64_t head, int64_t heads, int64_t token) {
  int64_t scaleHeads = cast<RankedTensorType>(scale.getType()).getDimSize(2);
  return context.element(scale,
                         {batch, token, shareHead(head, heads, scaleHeads)});
}

/// A matrix operand is indexed by its own head.
int64_t operandHead(Value operand, MatrixType result, int64_t head) {
  return shareHead(head, result.getHeads(),
                   cast<MatrixType>(operand.getType()).getHeads());
}

/// The value of a matrix operand at an index of the result.
double operandValue(ReferenceContext &context, Value operand, MatrixType result,
                    int64_t batch, int64_t head, int64_t row, int64_t column) {
  return getMatrixOp(operand).referenceValue(
      context, batch, operandHead(operand, result, head), row, column);
}

/// The terms of a matrix operand at a token and a head of the result.
SmallVector<ReferenceTerm> operandStep(ReferenceContext &context, Value operand,
                                       MatrixType result, int64_t batch,
                                       int64_t head, int64_t token) {
  return getMatrixOp(operand).referenceStep(
      context, batch, operandHead(operand, result, head), token);
}

} // namespace

//===----------------------------------------------------------------------===//
// hadamard
//===----------------------------------------------------------------------===//

int64_t HadamardOp::getStateSize() {
  return getMatrixOp(getLhs()).getStateSize() *
         getMatrixOp(getRhs()).getStateSize();
}

BlockStructure HadamardOp::getBlockStructure() {
  return {BlockStructure::Dense, BlockStructure::LowRank, getStateSize()};
}

Value HadamardOp::buildTranspose(OpBuilder &builder) {
  Value lhs = getMatrixOp(getLhs()).buildTranspose(builder);
  Value rhs = getMatrixOp(getRhs()).buildTranspose(builder);
  return HadamardOp::create(builder, getLoc(), lhs, rhs);
}

double HadamardOp::referenceValue(ReferenceContext &context, int64_t batch,
                                  int64_t head, int64_t row, int64_t column) {
  MatrixType type = getType();
  return operandValue(context, getLhs(), type, batch, head, row, column) *
         operandValue(context, getRhs(), type, batch, head, row, column);
}

SmallVector<ReferenceTerm> HadamardOp::referenceStep(ReferenceContext &context,
                                                     int64_t batch,
                                                     int64_t head,
                                                     int64_t token) {
  MatrixType type = getType();
  SmallVector<ReferenceTerm> terms;
  auto rhsTerms = operandStep(context, getRhs(), type, batch, head, token);
  for (const ReferenceTerm &a :
       operandStep(context, getLhs(), type, batch, head, token))
    for (const ReferenceTerm &b : rhsTerms)
      terms.push_back({a.decay * b.decay, kronecker(a.read, b.read),
                       kronecker(a.write, b.write), a.strict || b.strict});
  return terms;
}

//===----------------------------------------------------------------------===//
// add
//===----------------------------------------------------------------------===//

int64_t AddOp::getStateSize() {
  return getMatrixOp(getLhs()).getStateSize() +
         getMatrixOp(getRhs()).getStateSize();
}

BlockStructure AddOp::getBlockStructure() {
  return {BlockStructure::Dense, BlockStructure::LowRank, getStateSize()};
}

Value AddOp::buildTranspose(OpBuilder &builder) {
  Value lhs = getMatrixOp(getLhs()).buildTranspose(builder);
  Value rhs = getMatrixOp(getRhs()).buildTranspose(builder);
  return AddOp::create(builder, getLoc(), lhs, rhs);
}

double AddOp::referenceValue(ReferenceContext &context, int64_t batch,
                             int64_t head, int64_t row, int64_t column) {
  MatrixType type = getType();
  return operandValue(context, getLhs(), type, batch, head, row, column) +
         operandValue(context, getRhs(), type, batch, head, row, column);
}

SmallVector<ReferenceTerm> AddOp::referenceStep(ReferenceContext &context,
                                                int64_t batch, int64_t head,
                                                int64_t token) {
  MatrixType type = getType();
  SmallVector<ReferenceTerm> terms =
      operandStep(context, getLhs(), type, batch, head, token);
  terms.append(operandStep(context, getRhs(), type, batch, head, token));
  return terms;
}

//===----------------------------------------------------------------------===//
// transpose
//===----------------------------------------------------------------------===//

int64_t TransposeOp::getStateSize() {
  return getMatrixOp(getMatrix()).getStateSize();
}

BlockStructure TransposeOp::getBlockStructure() {
  return getMatrixOp(getMatrix()).getBlockStructure();
}

Value TransposeOp::buildTranspose(OpBuilder &) { return getMatrix(); }

double TransposeOp::referenceValue(ReferenceContext &context, int64_t batch,
                                   int64_t head, int64_t row, int64_t column) {
  return getMatrixOp(getMatrix())
      .referenceValue(context, batch, head, column, row);
}

SmallVector<ReferenceTerm> TransposeOp::referenceStep(ReferenceContext &context,
                                                      int64_t batch,
                                                      int64_t head,
                                                      int64_t token) {
  SmallVector<ReferenceTerm> terms =
      getMatrixOp(getMatrix()).referenceStep(context, batch, head, token);
  for (ReferenceTerm &term : terms)
    std::swap(term.read, term.write);
  return terms;
}

//===----------------------------------------------------------------------===//
// scale_rows, scale_columns
//===----------------------------------------------------------------------===//

/// The operand's terms with one of their keys scaled.
template <typename ScaleOp>
static SmallVector<ReferenceTerm>
scaledStep(ScaleOp op, SmallVector<double> ReferenceTerm::*key,
           ReferenceContext &context, int64_t batch, int64_t head,
           int64_t token) {
  MatrixType type = op.getType();
  double scale =
      scaleAt(context, op.getScale(), batch, head, type.getHeads(), token);
  SmallVector<ReferenceTerm> terms =
      operandStep(context, op.getMatrix(), type, batch, head, token);
  for (ReferenceTerm &term : terms)
    for (double &value : term.*key)
      value *= scale;
  return terms;
}

int64_t ScaleRowsOp::getStateSize() {
  return getMatrixOp(getMatrix()).getStateSize();
}

BlockStructure ScaleRowsOp::getBlockStructure() {
  return getMatrixOp(getMatrix()).getBlockStructure();
}

Value ScaleRowsOp::buildTranspose(OpBuilder &builder) {
  Value inner = getMatrixOp(getMatrix()).buildTranspose(builder);
  return ScaleColumnsOp::create(builder, getLoc(), inner, getScale());
}

double ScaleRowsOp::referenceValue(ReferenceContext &context, int64_t batch,
                                   int64_t head, int64_t row, int64_t column) {
  return scaleAt(context, getScale(), batch, head, getType().getHeads(), row) *
         operandValue(context, getMatrix(), getType(), batch, head, row,
                      column);
}

SmallVector<ReferenceTerm> ScaleRowsOp::referenceStep(ReferenceContext &context,
                                                      int64_t batch,
                                                      int64_t head,
                                                      int64_t token) {
  return scaledStep(*this, &ReferenceTerm::read, context, batch, head, token);
}

int64_t ScaleColumnsOp::getStateSize() {
  return getMatrixOp(getMatrix()).getStateSize();
}

BlockStructure ScaleColumnsOp::getBlockStructure() {
  return getMatrixOp(getMatrix()).getBlockStructure();
}

Value ScaleColumnsOp::buildTranspose(OpBuilder &builder) {
  Value inner = getMatrixOp(getMatrix()).buildTranspose(builder);
  return ScaleRowsOp::create(builder, getLoc(), inner, getScale());
}

double ScaleColumnsOp::referenceValue(ReferenceContext &context, int64_t batch,
                                      int64_t head, int64_t row,
                                      int64_t column) {
  return operandValue(context, getMatrix(), getType(), batch, head, row,
                      column) *
         scaleAt(context, getScale(), batch, head, getType().getHeads(),
                 column);
}

SmallVector<ReferenceTerm>
ScaleColumnsOp::referenceStep(ReferenceContext &context, int64_t batch,
                              int64_t head, int64_t token) {
  return scaledStep(*this, &ReferenceTerm::write, context, batch, head, token);
}

} // namespace mamba::ssd
