// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// State sizes, block structure, transposes and the float64 reference
// semantics of the level-L0 matrices, each written down as its definition.

#include "dialect/IR/SsdOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <cmath>

using namespace mlir;

namespace mamba::ssd {
namespace {

StructuredMatrixOpInterface getMatrixOp(Value matrix) {
  return cast<StructuredMatrixOpInterface>(matrix.getDefiningOp());
}

/// Index of the operand head that head `head` of `heads` reads.
int64_t shareHead(int64_t head, int64_t heads, int64_t operandHeads) {
  return head * operandHeads / heads;
}

/// log decay of token `token`: B×T×H, or H.
double logDecayAt(ReferenceContext &context, Value logDecay, int64_t batch,
                  int64_t head, int64_t heads, int64_t token) {
  auto type = cast<RankedTensorType>(logDecay.getType());
  if (type.getRank() == 1)
    return context.element(logDecay,
                           {shareHead(head, heads, type.getDimSize(0))});
  return context.element(
      logDecay, {batch, token, shareHead(head, heads, type.getDimSize(2))});
}

/// exp(Σ_{k=column+1..row} α_k) for column ≤ row, else 0.
double segmentDecay(ReferenceContext &context, Value logDecay, int64_t batch,
                    int64_t head, int64_t heads, int64_t row,
                    int64_t column) {
  if (column > row)
    return 0;
  double sum = 0;
  for (int64_t k = column + 1; k <= row; ++k)
    sum += logDecayAt(context, logDecay, batch, head, heads, k);
  return std::exp(sum);
}

SmallVector<double> keyAt(ReferenceContext &context, Value keys, int64_t batch,
                          int64_t head, int64_t heads, int64_t token) {
  auto type = cast<RankedTensorType>(keys.getType());
  int64_t group = shareHead(head, heads, type.getDimSize(2));
  SmallVector<double> key;
  for (int64_t n = 0; n < type.getDimSize(3); ++n)
    key.push_back(context.element(keys, {batch, token, group, n}));
  return key;
}

double dot(ArrayRef<double> a, ArrayRef<double> b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a, b))
    sum += x * y;
  return sum;
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

int64_t keySize(Value keys) {
  return cast<RankedTensorType>(keys.getType()).getDimSize(3);
}

/// A matrix operand is indexed by its own head.
int64_t operandHead(Value operand, MatrixType result, int64_t head) {
  return shareHead(head, result.getHeads(),
                   cast<MatrixType>(operand.getType()).getHeads());
}

} // namespace

//===----------------------------------------------------------------------===//
// decay
//===----------------------------------------------------------------------===//

int64_t DecayOp::getStateSize() { return 1; }

BlockStructure DecayOp::getBlockStructure() {
  return {BlockStructure::Dense, BlockStructure::LowRank, 1};
}

Value DecayOp::buildTranspose(OpBuilder &builder) {
  return TransposeOp::create(builder, getLoc(), getResult());
}

double DecayOp::referenceValue(ReferenceContext &context, int64_t batch,
                               int64_t head, int64_t row, int64_t column) {
  return segmentDecay(context, getLogDecay(), batch, head,
                      getType().getHeads(), row, column);
}

SmallVector<ReferenceTerm> DecayOp::referenceStep(ReferenceContext &context,
                                                  int64_t batch, int64_t head,
                                                  int64_t token) {
  double log = logDecayAt(context, getLogDecay(), batch, head,
                          getType().getHeads(), token);
  return {ReferenceTerm{std::exp(log), {1.0}, {1.0}}};
}

//===----------------------------------------------------------------------===//
// causal
//===----------------------------------------------------------------------===//

int64_t CausalOp::getStateSize() { return 1; }

BlockStructure CausalOp::getBlockStructure() {
  return {BlockStructure::Dense, BlockStructure::LowRank, 1};
}

Value CausalOp::buildTranspose(OpBuilder &builder) {
  return TransposeOp::create(builder, getLoc(), getResult());
}

double CausalOp::referenceValue(ReferenceContext &, int64_t, int64_t,
                                int64_t row, int64_t column) {
  return column < row || (column == row && !getType().getStrict()) ? 1 : 0;
}

SmallVector<ReferenceTerm> CausalOp::referenceStep(ReferenceContext &, int64_t,
                                                   int64_t, int64_t) {
  return {ReferenceTerm{1.0, {1.0}, {1.0}, getType().getStrict()}};
}

//===----------------------------------------------------------------------===//
// low_rank
//===----------------------------------------------------------------------===//

int64_t LowRankOp::getStateSize() { return keySize(getRead()); }

BlockStructure LowRankOp::getBlockStructure() {
  return {BlockStructure::LowRank, BlockStructure::LowRank, getStateSize()};
}

Value LowRankOp::buildTranspose(OpBuilder &builder) {
  return LowRankOp::create(builder, getLoc(), getWrite(), getRead());
}

double LowRankOp::referenceValue(ReferenceContext &context, int64_t batch,
                                 int64_t head, int64_t row, int64_t column) {
  int64_t heads = getType().getHeads();
  return dot(keyAt(context, getRead(), batch, head, heads, row),
             keyAt(context, getWrite(), batch, head, heads, column));
}

SmallVector<ReferenceTerm> LowRankOp::referenceStep(ReferenceContext &context,
                                                    int64_t batch,
                                                    int64_t head,
                                                    int64_t token) {
  int64_t heads = getType().getHeads();
  return {ReferenceTerm{1.0,
                        keyAt(context, getRead(), batch, head, heads, token),
                        keyAt(context, getWrite(), batch, head, heads, token)}};
}

//===----------------------------------------------------------------------===//
// state_space
//===----------------------------------------------------------------------===//

int64_t StateSpaceOp::getStateSize() { return keySize(getRead()); }

BlockStructure StateSpaceOp::getBlockStructure() {
  return {BlockStructure::Dense, BlockStructure::LowRank, getStateSize()};
}

Value StateSpaceOp::buildTranspose(OpBuilder &builder) {
  return TransposeOp::create(builder, getLoc(), getResult());
}

double StateSpaceOp::referenceValue(ReferenceContext &context, int64_t batch,
                                    int64_t head, int64_t row,
                                    int64_t column) {
  if (column > row || (getStrict() && column == row))
    return 0;
  int64_t heads = getType().getHeads();
  double score = dot(keyAt(context, getRead(), batch, head, heads, row),
                     keyAt(context, getWrite(), batch, head, heads, column));
  if (!getLogDecay())
    return score;
  return score * segmentDecay(context, getLogDecay(), batch, head, heads, row,
                              column);
}

SmallVector<ReferenceTerm>
StateSpaceOp::referenceStep(ReferenceContext &context, int64_t batch,
                            int64_t head, int64_t token) {
  int64_t heads = getType().getHeads();
  ReferenceTerm term{1.0,
                     keyAt(context, getRead(), batch, head, heads, token),
                     keyAt(context, getWrite(), batch, head, heads, token),
                     getStrict()};
  if (getLogDecay())
    term.decay = std::exp(
        logDecayAt(context, getLogDecay(), batch, head, heads, token));
  return {term};
}

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
  return getMatrixOp(getLhs()).referenceValue(
             context, batch, operandHead(getLhs(), type, head), row, column) *
         getMatrixOp(getRhs()).referenceValue(
             context, batch, operandHead(getRhs(), type, head), row, column);
}

SmallVector<ReferenceTerm> HadamardOp::referenceStep(ReferenceContext &context,
                                                     int64_t batch,
                                                     int64_t head,
                                                     int64_t token) {
  MatrixType type = getType();
  SmallVector<ReferenceTerm> terms;
  auto rhsTerms = getMatrixOp(getRhs()).referenceStep(
      context, batch, operandHead(getRhs(), type, head), token);
  for (const ReferenceTerm &a : getMatrixOp(getLhs()).referenceStep(
           context, batch, operandHead(getLhs(), type, head), token))
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
  return getMatrixOp(getLhs()).referenceValue(
             context, batch, operandHead(getLhs(), type, head), row, column) +
         getMatrixOp(getRhs()).referenceValue(
             context, batch, operandHead(getRhs(), type, head), row, column);
}

SmallVector<ReferenceTerm> AddOp::referenceStep(ReferenceContext &context,
                                                int64_t batch, int64_t head,
                                                int64_t token) {
  MatrixType type = getType();
  SmallVector<ReferenceTerm> terms = getMatrixOp(getLhs()).referenceStep(
      context, batch, operandHead(getLhs(), type, head), token);
  terms.append(getMatrixOp(getRhs()).referenceStep(
      context, batch, operandHead(getRhs(), type, head), token));
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

SmallVector<ReferenceTerm>
TransposeOp::referenceStep(ReferenceContext &context, int64_t batch,
                           int64_t head, int64_t token) {
  SmallVector<ReferenceTerm> terms =
      getMatrixOp(getMatrix()).referenceStep(context, batch, head, token);
  for (ReferenceTerm &term : terms)
    std::swap(term.read, term.write);
  return terms;
}

//===----------------------------------------------------------------------===//
// scale_rows, scale_columns
//===----------------------------------------------------------------------===//

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
         getMatrixOp(getMatrix())
             .referenceValue(context, batch,
                             operandHead(getMatrix(), getType(), head), row,
                             column);
}

SmallVector<ReferenceTerm>
ScaleRowsOp::referenceStep(ReferenceContext &context, int64_t batch,
                           int64_t head, int64_t token) {
  double scale =
      scaleAt(context, getScale(), batch, head, getType().getHeads(), token);
  SmallVector<ReferenceTerm> terms = getMatrixOp(getMatrix()).referenceStep(
      context, batch, operandHead(getMatrix(), getType(), head), token);
  for (ReferenceTerm &term : terms)
    for (double &value : term.read)
      value *= scale;
  return terms;
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

double ScaleColumnsOp::referenceValue(ReferenceContext &context,
                                      int64_t batch, int64_t head, int64_t row,
                                      int64_t column) {
  return getMatrixOp(getMatrix())
             .referenceValue(context, batch,
                             operandHead(getMatrix(), getType(), head), row,
                             column) *
         scaleAt(context, getScale(), batch, head, getType().getHeads(),
                 column);
}

SmallVector<ReferenceTerm>
ScaleColumnsOp::referenceStep(ReferenceContext &context, int64_t batch,
                              int64_t head, int64_t token) {
  double scale =
      scaleAt(context, getScale(), batch, head, getType().getHeads(), token);
  SmallVector<ReferenceTerm> terms = getMatrixOp(getMatrix()).referenceStep(
      context, batch, operandHead(getMatrix(), getType(), head), token);
  for (ReferenceTerm &term : terms)
    for (double &value : term.write)
      value *= scale;
  return terms;
}

} // namespace mamba::ssd
