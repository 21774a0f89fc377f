// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Level L1: ssd.chunk_scan and the operations of its body.

#include "dialect/Reference/Evaluator.h"
#include "mlir/IR/Threading.h"

#include <cmath>

using namespace mlir;

namespace mamba::ssd {
namespace {

//===----------------------------------------------------------------------===//
// Tile operations
//===----------------------------------------------------------------------===//

LogicalResult evaluateDot(Evaluator &, Operation *op, Frame &frame) {
  auto dot = cast<DotOp>(op);
  const ReferenceTensor &lhs = frame.get(dot.getLhs());
  const ReferenceTensor &rhs = frame.get(dot.getRhs());
  int64_t lhsDim = dot.getContract()[0], rhsDim = dot.getContract()[1];
  int64_t rows = lhs.getDimSize(1 - lhsDim), depth = lhs.getDimSize(lhsDim);
  int64_t columns = rhs.getDimSize(1 - rhsDim);
  ReferenceTensor result = dot.getInit() ? frame.get(dot.getInit())
                                         : ReferenceTensor({rows, columns});
  auto element = [](const ReferenceTensor &tensor, int64_t contracted,
                    int64_t k, int64_t i) {
    int64_t row = contracted == 0 ? k : i, column = contracted == 0 ? i : k;
    return tensor.getValues()[row * tensor.getDimSize(1) + column];
  };
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < depth; ++k)
        sum += element(lhs, lhsDim, k, i) * element(rhs, rhsDim, k, j);
      result.getValues()[i * columns + j] += sum;
    }
  frame.values[dot.getResult()] = std::move(result);
  return success();
}

LogicalResult evaluateBroadcast(Evaluator &, Operation *op, Frame &frame) {
  auto broadcast = cast<BroadcastOp>(op);
  const ReferenceTensor &input = frame.get(broadcast.getInput());
  ReferenceTensor result(
      cast<RankedTensorType>(broadcast.getType()).getShape());
  forEachIndex(result.getShape(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t, 4> from;
    for (size_t dim = 0; dim < index.size(); ++dim)
      if (!llvm::is_contained(broadcast.getDims(), int64_t(dim)))
        from.push_back(index[dim]);
    result.at(index) = input.at(from);
  });
  frame.values[broadcast.getResult()] = std::move(result);
  return success();
}

LogicalResult evaluateCumsum(Evaluator &, Operation *op, Frame &frame) {
  auto cumsum = cast<CumsumOp>(op);
  const ReferenceTensor &input = frame.get(cumsum.getInput());
  ReferenceTensor result(input.getShape());
  int64_t size = input.getNumElements();
  double sum = 0;
  for (int64_t step = 0; step < size; ++step) {
    int64_t i = cumsum.getReverse() ? size - 1 - step : step;
    double next = sum + input.getValues()[i];
    result.getValues()[i] = cumsum.getExclusive() ? sum : next;
    sum = next;
  }
  frame.values[cumsum.getResult()] = std::move(result);
  return success();
}

LogicalResult evaluateRangeScale(Evaluator &, Operation *op, Frame &frame) {
  double largest = 0;
  for (double value : frame.get(op->getOperand(0)).getValues())
    largest = std::max(largest, std::abs(value));
  double scale = 1;
  while (largest * scale >= 32768 && std::isfinite(largest))
    scale /= 2;
  frame.values[op->getResult(0)] = ReferenceTensor::scalar(scale);
  return success();
}

LogicalResult evaluateReduceSum(Evaluator &, Operation *op, Frame &frame) {
  double sum = 0;
  for (double value : frame.get(op->getOperand(0)).getValues())
    sum += value;
  frame.values[op->getResult(0)] = ReferenceTensor::scalar(sum);
  return success();
}

/// L_ij by summing α_{j+1} … α_i: `sub_block` does not change the value.
LogicalResult evaluateSegmentDecay(Evaluator &evaluator, Operation *op,
                                   Frame &frame) {
  auto decay = cast<SegmentDecayOp>(op);
  auto type = cast<RankedTensorType>(decay.getType());
  ReferenceTensor result(type.getShape());
  if (decay.getLogDecay() &&
      failed(evaluator.checkLogDecay(op, decay.getLogDecay(),
                                     frame.get(decay.getLogDecay()))))
    return failure();
  for (int64_t j = 0; j < type.getDimSize(0); ++j) {
    double sum = 0;
    for (int64_t i = j; i < type.getDimSize(0); ++i) {
      if (i > j && decay.getLogDecay())
        sum += frame.get(decay.getLogDecay()).at({i});
      if (i == j && decay.getStrict())
        continue;
      SmallVector<int64_t, 2> index = {i, j};
      if (decay.getTransposed())
        index = {j, i};
      result.at(index) = std::exp(sum);
    }
  }
  frame.values[decay.getResult()] = std::move(result);
  return success();
}

LogicalResult evaluatePad(Evaluator &, Operation *op, Frame &frame) {
  auto pad = cast<PadOp>(op);
  ReferenceTensor result = frame.get(pad.getInput());
  forEachIndex(result.getShape(), [&](ArrayRef<int64_t> index) {
    if (index[0] >= frame.validRows)
      result.at(index) = pad.getValue().convertToDouble();
  });
  frame.values[pad.getResult()] = std::move(result);
  return success();
}

//===----------------------------------------------------------------------===//
// chunk_scan
//===----------------------------------------------------------------------===//

/// One ssd.chunk_scan under evaluation.
struct ScanEvaluation {
  Evaluator &evaluator;
  ChunkScanOp op;
  Frame &frame;
  int64_t batch = -1, length = -1;
  SmallVector<ReferenceTensor> outs, finals;

  ScanEvaluation(Evaluator &evaluator, ChunkScanOp op, Frame &frame)
      : evaluator(evaluator), op(op), frame(frame) {}

  LogicalResult run();
  LogicalResult findSizes();
  LogicalResult runItem(int64_t b, int64_t head);
  /// Runs the body on one chunk and replaces `states` by the next ones.
  LogicalResult runChunk(int64_t b, int64_t head, int64_t chunk,
                         SmallVectorImpl<ReferenceTensor> &states);

  /// Calls visit(position in the tile, position in `tensor`) for every
  /// element of a tile at (b, head, chunk) that exists.
  void forEachElement(const ReferenceTensor &tensor, RolesAttr roles,
                      const ReferenceTensor &tile, int64_t b, int64_t head,
                      int64_t chunk,
                      llvm::function_ref<void(int64_t, int64_t)> visit);
};

LogicalResult ScanEvaluation::findSizes() {
  for (auto [index, operand] : llvm::enumerate(op.getIns())) {
    ArrayRef<int64_t> shape = frame.get(operand).getShape();
    for (auto [role, size] :
         llvm::zip_equal(op.getInRole(index).getRoles(), shape)) {
      if (role != DimRole::Batch && role != DimRole::Time)
        continue;
      int64_t &known = role == DimRole::Batch ? batch : length;
      if (known >= 0 && known != size)
        return evaluator.fail(op, "has operands of " + stringifyDimRole(role) +
                                      " size " + Twine(known) + " and " +
                                      Twine(size));
      known = size;
    }
  }
  for (Value init : op.getInits())
    if (frame.get(init).getDimSize(0) != batch)
      return evaluator.fail(op, "has an initial state of batch size " +
                                    Twine(frame.get(init).getDimSize(0)) +
                                    ", but operands of " + Twine(batch));
  return success();
}

void ScanEvaluation::forEachElement(
    const ReferenceTensor &tensor, RolesAttr roles, const ReferenceTensor &tile,
    int64_t b, int64_t head, int64_t chunk,
    llvm::function_ref<void(int64_t, int64_t)> visit) {
  SmallVector<int64_t, 4> position(tensor.getRank());
  forEachIndex(tile.getShape(), [&](ArrayRef<int64_t> index) {
    const int64_t *next = index.begin();
    for (auto [dim, role] : llvm::enumerate(roles.getRoles())) {
      int64_t size = tensor.getDimSize(dim);
      if (role == DimRole::Batch)
        position[dim] = b;
      else if (role == DimRole::Head)
        position[dim] = head * size / int64_t(op.getHeads());
      else if (role == DimRole::Time)
        position[dim] = chunk * int64_t(op.getChunk()) + *next++;
      else
        position[dim] = *next++;
      if (position[dim] >= size)
        return;
    }
    visit(tile.offset(index), tensor.offset(position));
  });
}

LogicalResult
ScanEvaluation::runChunk(int64_t b, int64_t head, int64_t chunk,
                         SmallVectorImpl<ReferenceTensor> &states) {
  Frame body;
  body.validRows = length - chunk * int64_t(op.getChunk());
  for (auto [index, operand] : llvm::enumerate(op.getIns())) {
    const ReferenceTensor &tensor = frame.get(operand);
    BlockArgument argument = op.getBody().getArgument(index);
    ReferenceTensor tile(cast<RankedTensorType>(argument.getType()).getShape());
    forEachElement(tensor, op.getInRole(index), tile, b, head, chunk,
                   [&](int64_t to, int64_t from) {
                     tile.getValues()[to] = tensor.getValues()[from];
                   });
    body.values[argument] = std::move(tile);
  }
  for (auto [index, state] : llvm::enumerate(states))
    body.values[op.getStateArgument(index)] = std::move(state);
  auto yielded = evaluator.evaluateBlock(op.getBody().front(), body);
  if (failed(yielded))
    return failure();
  for (auto [index, out] : llvm::enumerate(outs)) {
    const ReferenceTensor &tile = (*yielded)[index];
    forEachElement(out, op.getOutRole(index), tile, b, head, chunk,
                   [&, &out = out](int64_t from, int64_t to) {
                     out.getValues()[to] = tile.getValues()[from];
                   });
  }
  for (auto [index, state] : llvm::enumerate(states))
    state = std::move((*yielded)[outs.size() + index]);
  return success();
}

LogicalResult ScanEvaluation::runItem(int64_t b, int64_t head) {
  int64_t numStates = op.getNumStates(), heads = op.getHeads();
  SmallVector<ReferenceTensor> states;
  for (int64_t i = 0; i < numStates; ++i) {
    auto type = cast<RankedTensorType>(op.getStateArgument(i).getType());
    ReferenceTensor &state = states.emplace_back(type.getShape());
    int64_t size = state.getNumElements();
    if (!op.getInits().empty())
      llvm::copy(frame.get(op.getInits()[i])
                     .getValues()
                     .slice((b * heads + head) * size, size),
                 state.getValues().begin());
  }
  int64_t chunks = llvm::divideCeil(length, int64_t(op.getChunk()));
  for (int64_t step = 0; step < chunks; ++step)
    if (failed(runChunk(b, head, op.getReverse() ? chunks - 1 - step : step,
                        states)))
      return failure();
  for (auto [final, state] : llvm::zip(finals, states))
    llvm::copy(state.getValues(),
               final.getValues()
                   .slice((b * heads + head) * state.getNumElements())
                   .begin());
  return success();
}

LogicalResult ScanEvaluation::run() {
  if (failed(findSizes()))
    return failure();
  for (auto [index, value] : llvm::enumerate(op.getOuts())) {
    SmallVector<int64_t> shape(
        cast<RankedTensorType>(value.getType()).getShape());
    for (auto [size, role] :
         llvm::zip_equal(shape, op.getOutRole(index).getRoles()))
      if (role == DimRole::Batch)
        size = batch;
      else if (role == DimRole::Time)
        size = length;
    outs.emplace_back(shape);
  }
  for (Value value : op.getFinals()) {
    SmallVector<int64_t> shape(
        cast<RankedTensorType>(value.getType()).getShape());
    shape[0] = batch;
    finals.emplace_back(shape);
  }
  int64_t heads = op.getHeads();
  if (failed(failableParallelForEachN(
          op.getContext(), 0, batch * heads,
          [&](size_t item) { return runItem(item / heads, item % heads); })))
    return failure();
  for (auto [value, tensor] : llvm::zip_equal(op.getOuts(), outs))
    frame.values[value] = std::move(tensor);
  for (auto [value, tensor] : llvm::zip_equal(op.getFinals(), finals))
    frame.values[value] = std::move(tensor);
  return success();
}

LogicalResult evaluateChunkScan(Evaluator &evaluator, Operation *op,
                                Frame &frame) {
  return ScanEvaluation(evaluator, cast<ChunkScanOp>(op), frame).run();
}

} // namespace

void addTileHandlers(Evaluator &evaluator) {
  evaluator.add<BroadcastOp>(evaluateBroadcast);
  evaluator.add<ChunkScanOp>(evaluateChunkScan);
  evaluator.add<CumsumOp>(evaluateCumsum);
  evaluator.add<DotOp>(evaluateDot);
  evaluator.add<PadOp>(evaluatePad);
  evaluator.add<RangeScaleOp>(evaluateRangeScale);
  evaluator.add<ReduceSumOp>(evaluateReduceSum);
  evaluator.add<SegmentDecayOp>(evaluateSegmentDecay);
}

} // namespace mamba::ssd
