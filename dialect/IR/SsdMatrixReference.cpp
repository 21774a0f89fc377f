// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// State sizes, block structure, transposes and the float64 reference
// semantics of the level-L0 constructors, each written down as its definition.

#include "dialect/IR/SsdOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <cmath>

using namespace mlir;

namespace mamba::ssd {
namespace {

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
                    int64_t head, int64_t heads, int64_t row, int64_t column) {
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

int64_t keySize(Value keys) {
  return cast<RankedTensorType>(keys.getType()).getDimSize(3);
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
  return segmentDecay(context, getLogDecay(), batch, head, getType().getHeads(),
                      row, column);
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
                                                    int64_t batch, int64_t head,
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
                                    int64_t head, int64_t row, int64_t column) {
  if (column > row || (getStrict() && column == row))
    return 0;
  int64_t heads = getType().getHeads();
  double score = dot(keyAt(context, getRead(), batch, head, heads, row),
                     keyAt(context, getWrite(), batch, head, heads, column));
  if (!getLogDecay())
    return score;
  return score *
         segmentDecay(context, getLogDecay(), batch, head, heads, row, column);
}

SmallVector<ReferenceTerm>
StateSpaceOp::referenceStep(ReferenceContext &context, int64_t batch,
                            int64_t head, int64_t token) {
  int64_t heads = getType().getHeads();
  ReferenceTerm term{1.0, keyAt(context, getRead(), batch, head, heads, token),
                     keyAt(context, getWrite(), batch, head, heads, token),
                     getStrict()};
  if (getLogDecay())
    term.decay =
        std::exp(logDecayAt(context, getLogDecay(), batch, head, heads, token));
  return {term};
}

} // namespace mamba::ssd
