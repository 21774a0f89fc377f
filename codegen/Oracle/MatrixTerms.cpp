// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Oracle/MatrixTerms.h"

#include "dialect/IR/SsdOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba::codegen {

namespace {

/// Puts the elements of `more` behind those of `list`.
template <typename T>
void append(std::vector<T> &list, const std::vector<T> &more) {
  list.insert(list.end(), more.begin(), more.end());
}

int64_t headsOf(Value value) {
  if (auto matrix = dyn_cast<MatrixType>(value.getType()))
    return matrix.getHeads();
  auto tensor = cast<RankedTensorType>(value.getType());
  // B×T×H…, or H alone.
  return tensor.getDimSize(tensor.getRank() == 1 ? 0 : 2);
}

/// Builds the terms of one operation for the head that `head` gives.
class TermBuilder {
public:
  TermBuilder(Operation *op, const std::string &head)
      : op(op), heads(headsOf(op->getResult(0))), head(head) {}

  FailureOr<MatrixTerms> build();

private:
  TokenFactor tokenFactor(Value tensor) const {
    return {tensor, shareHead(head, heads, headsOf(tensor))};
  }
  KeyFactor keyFactor(Value keys) const {
    int64_t size = cast<RankedTensorType>(keys.getType()).getDimSize(3);
    return {keys, shareHead(head, heads, headsOf(keys)), 1, size};
  }
  FailureOr<MatrixTerms> termsOf(Value matrix) const {
    return buildMatrixTerms(matrix, shareHead(head, heads, headsOf(matrix)));
  }

  MatrixTerms keyTerms(Value read, Value write, Value logDecay,
                       bool strict) const;
  FailureOr<MatrixTerms> productTerms(Value lhs, Value rhs) const;
  FailureOr<MatrixTerms> sumTerms(Value lhs, Value rhs) const;
  FailureOr<MatrixTerms> transposedTerms(Value matrix) const;
  FailureOr<MatrixTerms> scaledTerms(Value matrix, Value scale,
                                     bool rows) const;

  Operation *op;
  int64_t heads;
  std::string head;
};

MatrixTerms TermBuilder::keyTerms(Value read, Value write, Value logDecay,
                                  bool strict) const {
  MatrixTerm term;
  term.strict = strict;
  if (read) {
    term.read.push_back(keyFactor(read));
    term.write.push_back(keyFactor(write));
    term.stateSize = term.read.front().size;
  }
  if (logDecay)
    term.logDecays.push_back(tokenFactor(logDecay));
  return {term};
}

/// Each term of one with each of the other; n = nLhs · N_rhs + nRhs.
FailureOr<MatrixTerms> TermBuilder::productTerms(Value lhs, Value rhs) const {
  FailureOr<MatrixTerms> lhsTerms = termsOf(lhs);
  FailureOr<MatrixTerms> rhsTerms = termsOf(rhs);
  if (failed(lhsTerms) || failed(rhsTerms))
    return failure();
  MatrixTerms products;
  for (const MatrixTerm &a : *lhsTerms) {
    for (const MatrixTerm &b : *rhsTerms) {
      MatrixTerm product = a;
      for (KeyFactor &factor : product.read)
        factor.divisor *= b.stateSize;
      for (KeyFactor &factor : product.write)
        factor.divisor *= b.stateSize;
      product.stateSize *= b.stateSize;
      product.strict |= b.strict;
      append(product.logDecays, b.logDecays);
      append(product.read, b.read);
      append(product.write, b.write);
      append(product.readScales, b.readScales);
      append(product.writeScales, b.writeScales);
      products.push_back(std::move(product));
    }
  }
  return products;
}

FailureOr<MatrixTerms> TermBuilder::sumTerms(Value lhs, Value rhs) const {
  FailureOr<MatrixTerms> terms = termsOf(lhs);
  FailureOr<MatrixTerms> more = termsOf(rhs);
  if (failed(terms) || failed(more))
    return failure();
  append(*terms, *more);
  return terms;
}

/// The adjoint recurrence: reads and writes change places.
FailureOr<MatrixTerms> TermBuilder::transposedTerms(Value matrix) const {
  FailureOr<MatrixTerms> terms = termsOf(matrix);
  if (failed(terms))
    return failure();
  for (MatrixTerm &term : *terms) {
    std::swap(term.read, term.write);
    std::swap(term.readScales, term.writeScales);
  }
  return terms;
}

FailureOr<MatrixTerms> TermBuilder::scaledTerms(Value matrix, Value scale,
                                                bool rows) const {
  FailureOr<MatrixTerms> terms = termsOf(matrix);
  if (failed(terms))
    return failure();
  for (MatrixTerm &term : *terms)
    (rows ? term.readScales : term.writeScales).push_back(tokenFactor(scale));
  return terms;
}

FailureOr<MatrixTerms> TermBuilder::build() {
  using Result = FailureOr<MatrixTerms>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](DecayOp decay) {
        return keyTerms({}, {}, decay.getLogDecay(), /*strict=*/false);
      })
      .Case([&](CausalOp causal) {
        return keyTerms({}, {}, {}, causal.getType().getStrict());
      })
      .Case([&](LowRankOp lowRank) {
        return keyTerms(lowRank.getRead(), lowRank.getWrite(), {},
                        /*strict=*/false);
      })
      .Case([&](StateSpaceOp space) {
        return keyTerms(space.getRead(), space.getWrite(), space.getLogDecay(),
                        space.getStrict());
      })
      .Case([&](HadamardOp product) {
        return productTerms(product.getLhs(), product.getRhs());
      })
      .Case([&](AddOp sum) { return sumTerms(sum.getLhs(), sum.getRhs()); })
      .Case([&](TransposeOp transpose) {
        return transposedTerms(transpose.getMatrix());
      })
      .Case([&](ScaleRowsOp scale) {
        return scaledTerms(scale.getMatrix(), scale.getScale(), /*rows=*/true);
      })
      .Case([&](ScaleColumnsOp scale) {
        return scaledTerms(scale.getMatrix(), scale.getScale(), /*rows=*/false);
      })
      .Default([](Operation *unknown) -> Result {
        return unknown->emitError("is not known to the oracle");
      });
}

} // namespace

std::string shareHead(const std::string &head, int64_t heads,
                      int64_t operandHeads) {
  if (operandHeads == heads)
    return head;
  if (operandHeads == 1)
    return "0";
  return "(" + head + " * " + std::to_string(operandHeads) + " / " +
         std::to_string(heads) + ")";
}

FailureOr<MatrixTerms> buildMatrixTerms(Value matrix, const std::string &head) {
  return TermBuilder(matrix.getDefiningOp(), head).build();
}

} // namespace mamba::codegen
