// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// linalg operations on tensors: the region at every point of the iteration
// space, with the operands' elements that the indexing maps name.

#include "dialect/Reference/Evaluator.h"
#include "dialect/Reference/ScalarFunctions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace mamba::ssd {
namespace {

/// A block of scalar operations, compiled to steps over numbered slots.
class ScalarProgram {
public:
  /// Slots 0 … n−1 are the block's arguments. Values from outside the block
  /// are read from `frame` once.
  LogicalResult compile(Evaluator &evaluator, Block &block, const Frame &frame);

  /// Runs the steps at one point; `point` serves linalg.index.
  void run(ArrayRef<int64_t> point);

  SmallVector<double> slots;
  /// Slots of the yielded values.
  SmallVector<unsigned> results;

private:
  struct Step {
    ScalarFunction function;
    SmallVector<unsigned, 3> operands;
    unsigned result;
  };
  unsigned getSlot(Value value, const Frame &frame);

  llvm::DenseMap<Value, unsigned> slotOf;
  SmallVector<Step> steps;
  SmallVector<std::pair<unsigned, int64_t>> indices;
};

unsigned ScalarProgram::getSlot(Value value, const Frame &frame) {
  auto [found, isNew] = slotOf.try_emplace(value, slots.size());
  if (isNew) {
    auto outside = frame.values.find(value);
    slots.push_back(
        outside == frame.values.end() ? 0.0 : outside->second.getScalar());
  }
  return found->second;
}

LogicalResult ScalarProgram::compile(Evaluator &evaluator, Block &block,
                                     const Frame &frame) {
  for (BlockArgument argument : block.getArguments())
    getSlot(argument, frame);
  for (Operation &op : block.without_terminator()) {
    if (isa<arith::ConstantOp>(op)) {
      Frame local;
      if (failed(evaluateConstant(evaluator, &op, local)))
        return failure();
      unsigned slot = getSlot(op.getResult(0), frame);
      slots[slot] = local.get(op.getResult(0)).getScalar();
      continue;
    }
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      indices.emplace_back(getSlot(index.getResult(), frame), index.getDim());
      continue;
    }
    Step step;
    step.function = lookupScalarFunction(&op);
    if (!step.function)
      return evaluator.fail(&op, "is not known to the reference interpreter");
    for (Value operand : op.getOperands())
      step.operands.push_back(getSlot(operand, frame));
    step.result = getSlot(op.getResult(0), frame);
    steps.push_back(std::move(step));
  }
  for (Value value : block.getTerminator()->getOperands())
    results.push_back(getSlot(value, frame));
  return success();
}

void ScalarProgram::run(ArrayRef<int64_t> point) {
  for (auto [slot, dim] : indices)
    slots[slot] = point[dim];
  SmallVector<double, 3> operands;
  for (const Step &step : steps) {
    operands.clear();
    for (unsigned slot : step.operands)
      operands.push_back(slots[slot]);
    slots[step.result] = step.function(operands);
  }
}

/// Position of an operand's element as a linear function of the point.
struct Access {
  int64_t base = 0;
  SmallVector<int64_t, 4> coefficients;

  int64_t operator()(ArrayRef<int64_t> point) const {
    int64_t result = base;
    for (auto [coefficient, position] : llvm::zip_equal(coefficients, point))
      result += coefficient * position;
    return result;
  }

  /// Adds `scale` times an affine expression; fails if it is not linear.
  LogicalResult add(AffineExpr expression, int64_t scale);
};

LogicalResult Access::add(AffineExpr expression, int64_t scale) {
  if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
    coefficients[dim.getPosition()] += scale;
    return success();
  }
  if (auto constant = dyn_cast<AffineConstantExpr>(expression)) {
    base += scale * constant.getValue();
    return success();
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return failure();
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (binary.getKind() == AffineExprKind::Mul && factor)
    return add(binary.getLHS(), scale * factor.getValue());
  if (binary.getKind() != AffineExprKind::Add)
    return failure();
  return success(succeeded(add(binary.getLHS(), scale)) &&
                 succeeded(add(binary.getRHS(), scale)));
}

/// One linalg operation under evaluation.
struct LinalgEvaluation {
  Evaluator &evaluator;
  linalg::LinalgOp op;
  Frame &frame;
  SmallVector<int64_t> bounds;
  SmallVector<Access> accesses;

  LogicalResult findBounds();
  LogicalResult findAccesses();
  LogicalResult run();
};

/// Every loop runs over the dimension that some operand indexes with it alone;
/// all such dimensions must agree.
LogicalResult LinalgEvaluation::findBounds() {
  bounds.assign(op.getNumLoops(), -1);
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    ArrayRef<int64_t> shape = frame.get(operand.get()).getShape();
    for (auto [expression, size] : llvm::zip_equal(map.getResults(), shape)) {
      auto dim = dyn_cast<AffineDimExpr>(expression);
      if (!dim)
        continue;
      int64_t &bound = bounds[dim.getPosition()];
      if (bound >= 0 && bound != size)
        return evaluator.fail(op, "has operands that disagree about loop " +
                                      Twine(dim.getPosition()) + ": " +
                                      Twine(bound) + " and " + Twine(size));
      bound = size;
    }
  }
  if (llvm::is_contained(bounds, -1))
    return evaluator.fail(op, "has a loop that no operand gives a size");
  return success();
}

LogicalResult LinalgEvaluation::findAccesses() {
  for (OpOperand &operand : op->getOpOperands()) {
    ArrayRef<int64_t> shape = frame.get(operand.get()).getShape();
    Access &whole = accesses.emplace_back();
    whole.coefficients.assign(bounds.size(), 0);
    int64_t stride = 1;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (int64_t dim = int64_t(shape.size()) - 1; dim >= 0; --dim) {
      Access one;
      one.coefficients.assign(bounds.size(), 0);
      if (failed(one.add(map.getResult(dim), 1)) ||
          failed(whole.add(map.getResult(dim), stride)))
        return evaluator.fail(op, "has an indexing map that is not linear");
      int64_t low = one.base, high = one.base;
      for (auto [coefficient, bound] :
           llvm::zip_equal(one.coefficients, bounds))
        (coefficient < 0 ? low : high) += coefficient * (bound - 1);
      if (low < 0 || high >= shape[dim])
        return evaluator.fail(op, "reads index " + Twine(low < 0 ? low : high) +
                                      " of a dimension of size " +
                                      Twine(shape[dim]));
      stride *= shape[dim];
    }
  }
  return success();
}

LogicalResult LinalgEvaluation::run() {
  ScalarProgram program;
  if (failed(findBounds()))
    return failure();
  bool isEmpty = llvm::is_contained(bounds, 0);
  if (!isEmpty && failed(findAccesses()))
    return failure();
  if (failed(program.compile(evaluator, *op.getBlock(), frame)))
    return failure();
  unsigned numInputs = op.getNumDpsInputs();
  SmallVector<ReferenceTensor> outputs;
  for (Value init : op.getDpsInits())
    outputs.push_back(frame.get(init));
  SmallVector<const ReferenceTensor *> operands;
  for (Value input : op.getDpsInputs())
    operands.push_back(&frame.get(input));
  for (const ReferenceTensor &output : outputs)
    operands.push_back(&output);
  if (!isEmpty)
    forEachIndex(bounds, [&](ArrayRef<int64_t> point) {
      for (unsigned i = 0; i < operands.size(); ++i)
        program.slots[i] = operands[i]->getValues()[accesses[i](point)];
      program.run(point);
      for (unsigned i = 0; i < outputs.size(); ++i)
        outputs[i].getValues()[accesses[numInputs + i](point)] =
            program.slots[program.results[i]];
    });
  for (auto [result, output] : llvm::zip_equal(op->getResults(), outputs))
    frame.values[result] = std::move(output);
  return success();
}

} // namespace

LogicalResult evaluateLinalg(Evaluator &evaluator, Operation *op,
                             Frame &frame) {
  auto linalgOp = cast<linalg::LinalgOp>(op);
  if (!linalgOp.hasPureTensorSemantics())
    return evaluator.fail(op, "must work on tensors");
  return LinalgEvaluation{evaluator, linalgOp, frame, {}, {}}.run();
}

} // namespace mamba::ssd
