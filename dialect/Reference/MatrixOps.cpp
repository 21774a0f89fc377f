// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Level L0: matrices and ssd.apply.

#include "dialect/Reference/Evaluator.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mamba::ssd {
namespace {

/// Element access for StructuredMatrixOpInterface's reference methods.
class FrameContext : public ReferenceContext {
public:
  explicit FrameContext(const Frame &frame) : frame(frame) {}
  double element(Value tensor, ArrayRef<int64_t> index) override {
    return frame.get(tensor).at(index);
  }
  int64_t size(Value tensor, unsigned dim) override {
    return frame.get(tensor).getDimSize(dim);
  }

private:
  const Frame &frame;
};

LogicalResult unify(Evaluator &evaluator, Operation *op, StringRef what,
                    int64_t &known, int64_t size) {
  if (known >= 0 && size >= 0 && known != size)
    return evaluator.fail(op, "has operands of " + what + " size " +
                                  Twine(known) + " and " + Twine(size));
  known = std::max(known, size);
  return success();
}

LogicalResult unify(Evaluator &evaluator, Operation *op, MatrixExtent &known,
                    MatrixExtent other) {
  if (failed(unify(evaluator, op, "batch", known.batch, other.batch)))
    return failure();
  return unify(evaluator, op, "time", known.length, other.length);
}

/// Sizes of a matrix type; dynamic ones are unknown.
MatrixExtent getExtent(MatrixType type) {
  auto known = [](int64_t size) {
    return ShapedType::isDynamic(size) ? -1 : size;
  };
  return {known(type.getBatch()), known(type.getLength())};
}

Value getLogDecay(Operation *op) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<DecayOp, StateSpaceOp>([](auto op) { return op.getLogDecay(); })
      .Default(Value());
}

/// One ssd.apply under evaluation.
struct ApplyEvaluation {
  Evaluator &evaluator;
  ApplyOp op;
  Frame &frame;
  StructuredMatrixOpInterface matrix;
  MatrixExtent extent;
  int64_t heads, channels, stateSize;
  const ReferenceTensor &x;
  const ReferenceTensor *init;
  ReferenceTensor y, state;

  ApplyEvaluation(Evaluator &evaluator, ApplyOp op, Frame &frame)
      : evaluator(evaluator), op(op), frame(frame),
        matrix(
            cast<StructuredMatrixOpInterface>(op.getMatrix().getDefiningOp())),
        stateSize(matrix.getStateSize()), x(frame.get(op.getX())),
        init(op.getInit() ? &frame.get(op.getInit()) : nullptr) {
    auto type = cast<RankedTensorType>(op.getY().getType());
    heads = type.getDimSize(2);
    channels = type.getDimSize(3);
  }

  LogicalResult run();
  LogicalResult checkSizes();
  void runRecurrence(int64_t batch, int64_t head);
  void runDense(int64_t batch, int64_t head);

  int64_t matrixHead(int64_t head) {
    return head * matrix.getMatrixType().getHeads() / heads;
  }
  double input(int64_t batch, int64_t token, int64_t head, int64_t p) const {
    return x.at({batch, token, head * x.getDimSize(2) / heads, p});
  }
  /// S[n, p] of the item, kept in `state` as B×H×P×N.
  double *stateRow(int64_t batch, int64_t head, int64_t p) {
    return &state.at({batch, head, p, 0});
  }
  void decayState(int64_t batch, int64_t head, ArrayRef<ReferenceTerm> terms);
  void readState(int64_t batch, int64_t head, int64_t token,
                 ArrayRef<ReferenceTerm> terms, bool strict);
  void writeState(int64_t batch, int64_t head, int64_t token,
                  ArrayRef<ReferenceTerm> terms);
};

LogicalResult ApplyEvaluation::checkSizes() {
  extent = frame.extents.lookup(op.getMatrix());
  if (failed(unify(evaluator, op, extent, {x.getDimSize(0), x.getDimSize(1)})))
    return failure();
  if (init && failed(unify(evaluator, op, extent, {init->getDimSize(0), -1})))
    return failure();
  bool isDense = evaluator.options.apply == InterpreterOptions::Apply::Dense;
  if (isDense && (init || op.getFinal()))
    return evaluator.fail(op, "has states, which a dense evaluation cannot "
                              "give");
  if (!isDense && matrix.getMatrixType().getSupport() == Support::Full)
    return evaluator.fail(op, "applies a full matrix, which has no token "
                              "recurrence; make it causal or anti-causal");
  return success();
}

/// S ← a S, each term with its own decay.
void ApplyEvaluation::decayState(int64_t batch, int64_t head,
                                 ArrayRef<ReferenceTerm> terms) {
  for (int64_t p = 0; p < channels; ++p) {
    double *row = stateRow(batch, head, p);
    for (const ReferenceTerm &term : terms)
      for (size_t n = 0; n < term.write.size(); ++n)
        *row++ *= term.decay;
  }
}

/// y_t += Cᵀ S of the terms that are, or are not, strict.
void ApplyEvaluation::readState(int64_t batch, int64_t head, int64_t token,
                                ArrayRef<ReferenceTerm> terms, bool strict) {
  for (int64_t p = 0; p < channels; ++p) {
    const double *row = stateRow(batch, head, p);
    double sum = 0;
    for (const ReferenceTerm &term : terms)
      for (double read : term.read) {
        double value = *row++;
        if (term.strict == strict)
          sum += read * value;
      }
    y.at({batch, token, head, p}) += sum;
  }
}

/// S ← S + B xᵀ.
void ApplyEvaluation::writeState(int64_t batch, int64_t head, int64_t token,
                                 ArrayRef<ReferenceTerm> terms) {
  for (int64_t p = 0; p < channels; ++p) {
    double *row = stateRow(batch, head, p);
    double value = input(batch, token, head, p);
    for (const ReferenceTerm &term : terms)
      for (double write : term.write)
        *row++ += write * value;
  }
}

/// Causal: S_t = a_t S_{t-1} + B_t x_tᵀ, y_t = C_tᵀ S_t. Anti-causal: the
/// adjoint, from the last token to the first, where a state is decayed when
/// it leaves a token. A strict term is read before its own write.
void ApplyEvaluation::runRecurrence(int64_t batch, int64_t head) {
  FrameContext context(frame);
  bool isCausal = matrix.getMatrixType().getSupport() == Support::Causal;
  for (int64_t step = 0; step < extent.length; ++step) {
    int64_t token = isCausal ? step : extent.length - 1 - step;
    SmallVector<ReferenceTerm> terms =
        matrix.referenceStep(context, batch, matrixHead(head), token);
    if (isCausal)
      decayState(batch, head, terms);
    readState(batch, head, token, terms, /*strict=*/true);
    writeState(batch, head, token, terms);
    readState(batch, head, token, terms, /*strict=*/false);
    if (!isCausal)
      decayState(batch, head, terms);
  }
}

/// y_i = Σ_j M_ij x_j.
void ApplyEvaluation::runDense(int64_t batch, int64_t head) {
  FrameContext context(frame);
  for (int64_t row = 0; row < extent.length; ++row)
    for (int64_t column = 0; column < extent.length; ++column) {
      double value =
          matrix.referenceValue(context, batch, matrixHead(head), row, column);
      for (int64_t p = 0; p < channels; ++p)
        y.at({batch, row, head, p}) += value * input(batch, column, head, p);
    }
}

LogicalResult ApplyEvaluation::run() {
  if (failed(checkSizes()))
    return failure();
  y = ReferenceTensor({extent.batch, extent.length, heads, channels});
  state = init ? *init
               : ReferenceTensor({extent.batch, heads, channels, stateSize});
  bool isDense = evaluator.options.apply == InterpreterOptions::Apply::Dense;
  parallelFor(op.getContext(), 0, extent.batch * heads, [&](size_t item) {
    if (isDense)
      runDense(item / heads, item % heads);
    else
      runRecurrence(item / heads, item % heads);
  });
  frame.values[op.getY()] = std::move(y);
  if (op.getFinal())
    frame.values[op.getFinal()] = std::move(state);
  return success();
}

LogicalResult evaluateApply(Evaluator &evaluator, Operation *op, Frame &frame) {
  return ApplyEvaluation(evaluator, cast<ApplyOp>(op), frame).run();
}

} // namespace

/// A matrix has no value of its own; its operands are checked where it is
/// built.
LogicalResult evaluateMatrix(Evaluator &evaluator, Operation *op,
                             Frame &frame) {
  MatrixExtent extent =
      getExtent(cast<StructuredMatrixOpInterface>(op).getMatrixType());
  for (Value operand : op->getOperands()) {
    MatrixExtent other;
    if (isa<MatrixType>(operand.getType()))
      other = frame.extents.lookup(operand);
    else if (const ReferenceTensor &tensor = frame.get(operand);
             tensor.getRank() >= 3)
      other = {tensor.getDimSize(0), tensor.getDimSize(1)};
    if (failed(unify(evaluator, op, extent, other)))
      return failure();
  }
  frame.extents[op->getResult(0)] = extent;
  if (Value logDecay = getLogDecay(op))
    return evaluator.checkLogDecay(op, logDecay, frame.get(logDecay));
  return success();
}

void addMatrixHandlers(Evaluator &evaluator) {
  evaluator.add<ApplyOp>(evaluateApply);
}

} // namespace mamba::ssd
