// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/PointwiseKernel.h"

#include "codegen/CPU/KernelFunction.h"
#include "codegen/CPU/StaticTiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

/// The loops of a point-wise operation that range over batch and time.
struct DynamicLoops {
  std::optional<unsigned> batch, length;
};

FailureOr<DynamicLoops> findDynamicLoops(linalg::GenericOp op) {
  DynamicLoops loops;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    if (!type)
      continue; // a scalar
    for (unsigned d = 0; d < type.getRank(); ++d) {
      if (!type.isDynamicDim(d))
        continue;
      if (d > 1)
        return op.emitError("dimension ")
               << d << " of " << type
               << " is dynamic, but only the batch (0) and the length (1) may "
                  "be";
      std::optional<unsigned> &loop = d == 0 ? loops.batch : loops.length;
      unsigned position = map.getDimPosition(d);
      if (loop && *loop != position)
        return op.emitError("dimension ")
               << d << " of its operands is dynamic in two loops";
      loop = position;
    }
  }
  return loops;
}

/// Values that are no tensors but come from outside: scalar operands and what
/// the body uses.
llvm::SetVector<Value> getOutsideValues(linalg::GenericOp op) {
  llvm::SetVector<Value> values;
  getUsedValuesDefinedAbove(op.getRegion(), values);
  for (Value input : op.getInputs())
    if (!isa<TensorType>(input.getType()))
      values.insert(input);
  return values;
}

/// Emits the loops over batch and time around a point-wise operation on the
/// slices of static size behind them.
class PointwiseKernel {
public:
  PointwiseKernel(linalg::GenericOp op, DynamicLoops loops, StringRef name,
                  ModuleOp module)
      : op(op), loops(loops), ranges(op.getStaticLoopRanges()),
        kernel(module, name, op.getLoc(), getTensors(op)), b(kernel.builder()),
        outer(ranges.size()) {}

  void emit();

private:
  static SmallVector<Value> getTensors(linalg::GenericOp op) {
    SmallVector<Value> tensors;
    for (Value input : op.getInputs())
      if (isa<TensorType>(input.getType()))
        tensors.push_back(input);
    tensors.append(op->result_begin(), op->result_end());
    return tensors;
  }

  void chooseOuterLoops();
  void emitOuter(unsigned loop);
  void emitInner();
  std::pair<Value, AffineMap> sliceTensor(unsigned index, AffineMap map);
  Value getSize(unsigned loop);
  bool isDynamic(unsigned loop) const {
    return loops.batch == loop || loops.length == loop;
  }

  linalg::GenericOp op;
  DynamicLoops loops;
  SmallVector<int64_t> ranges;
  KernelFunction kernel;
  ImplicitLocOpBuilder &b;
  // The index of a loop that is outside of the vectorised slices, else null.
  SmallVector<Value> outer;
  SmallVector<unsigned> inner;
  Value first, last; // the item's part of the length
};

} // namespace

void PointwiseKernel::emit() {
  chooseOuterLoops();
  int64_t items = getPointwiseItemsPerBatch(op);
  Value batch =
      arith::DivUIOp::create(b, kernel.getItem(), kernel.constant(items));
  Value slice =
      arith::RemUIOp::create(b, kernel.getItem(), kernel.constant(items));
  if (loops.batch)
    outer[*loops.batch] = batch;
  // Tokens slice·T/items … (slice+1)·T/items.
  Value length = kernel.getLength();
  Value count = kernel.constant(items);
  first = arith::DivUIOp::create(b, kernel.mul(slice, length), count);
  Value next = kernel.add(slice, kernel.constant(1));
  last = arith::DivUIOp::create(b, kernel.mul(next, length), count);
  if (loops.batch)
    return emitOuter(0);
  // What does not depend on the batch is computed once, with the first one.
  forRange(b, batch, kernel.constant(1), 1, [&](Value) { emitOuter(0); });
}

/// Dynamic loops are outside. A static loop stays inside the slices only if
/// every tensor has its dynamic dimensions before it, so that strides are
/// static.
void PointwiseKernel::chooseOuterLoops() {
  for (unsigned loop = 0; loop < ranges.size(); ++loop) {
    bool isInner = !isDynamic(loop);
    for (AffineMap map : op.getIndexingMapsArray()) {
      bool behind = false;
      for (AffineExpr expr : map.getResults()) {
        unsigned position = cast<AffineDimExpr>(expr).getPosition();
        behind |= position == loop;
        if (behind && isDynamic(position))
          isInner = false;
      }
    }
    if (isInner)
      inner.push_back(loop);
  }
}

Value PointwiseKernel::getSize(unsigned loop) {
  if (loops.batch == loop)
    return kernel.getBatch();
  if (loops.length == loop)
    return kernel.getLength();
  return kernel.constant(ranges[loop]);
}

/// Opens the loops from `loop` on that are outside of the slices.
void PointwiseKernel::emitOuter(unsigned loop) {
  while (loop < ranges.size() &&
         (outer[loop] || llvm::is_contained(inner, loop)))
    ++loop;
  if (loop == ranges.size())
    return emitInner();
  bool isLength = loops.length == loop;
  forRange(b, isLength ? first : kernel.constant(0),
           isLength ? last : getSize(loop), 1, [&](Value index) {
             outer[loop] = index;
             emitOuter(loop + 1);
           });
}

/// The part of a tensor at the current outer indices, and its map on the inner
/// loops.
std::pair<Value, AffineMap> PointwiseKernel::sliceTensor(unsigned index,
                                                         AffineMap map) {
  Value offset, dynamicStride = kernel.constant(1);
  int64_t stride = 1; // static as long as no dynamic dimension was passed
  SmallVector<int64_t> sizes, strides;
  SmallVector<AffineExpr> exprs;
  for (AffineExpr expr : llvm::reverse(map.getResults())) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    if (outer[loop]) {
      offset = kernel.add(offset, kernel.mul(outer[loop], dynamicStride));
    } else {
      const auto *position = llvm::find(inner, loop);
      sizes.insert(sizes.begin(), ranges[loop]);
      strides.insert(strides.begin(), stride);
      exprs.insert(exprs.begin(), b.getAffineDimExpr(position - inner.begin()));
    }
    if (!isDynamic(loop))
      stride *= ranges[loop];
    dynamicStride = kernel.mul(dynamicStride, getSize(loop));
  }
  Value slice =
      kernel.slice(index, offset ? offset : kernel.constant(0), sizes, strides);
  return {slice, AffineMap::get(inner.size(), 0, exprs, b.getContext())};
}

void PointwiseKernel::emitInner() {
  SmallVector<Value> inputs, outputs, tensorArguments;
  SmallVector<AffineMap> maps;
  IRMapping mapping;
  for (Value value : getOutsideValues(op))
    b.clone(*value.getDefiningOp(), mapping);
  unsigned tensor = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (!isa<TensorType>(operand.get().getType())) {
      mapping.map(argument, mapping.lookup(operand.get()));
      continue;
    }
    auto [slice, map] =
        sliceTensor(tensor++, op.getMatchingIndexingMap(&operand));
    (op.isDpsInput(&operand) ? inputs : outputs).push_back(slice);
    maps.push_back(map);
    tensorArguments.push_back(argument);
  }
  SmallVector<utils::IteratorType> iterators(inner.size(),
                                             utils::IteratorType::parallel);
  linalg::GenericOp::create(
      b, inputs, outputs, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        mapping.map(tensorArguments, args);
        for (Operation &inside : op.getBody()->getOperations()) {
          auto index = dyn_cast<linalg::IndexOp>(inside);
          if (!index) {
            nested.clone(inside, mapping);
            continue;
          }
          Value at = outer[index.getDim()];
          const auto *position = llvm::find(inner, unsigned(index.getDim()));
          if (!at)
            at = linalg::IndexOp::create(nested, loc, position - inner.begin());
          mapping.map(index.getResult(), at);
        }
      });
}

int64_t getPointwiseItemsPerBatch(linalg::GenericOp op) {
  FailureOr<DynamicLoops> loops = findDynamicLoops(op);
  return succeeded(loops) && loops->length ? kLengthSlices : 1;
}

LogicalResult emitPointwiseKernel(linalg::GenericOp op, StringRef name,
                                  ModuleOp module) {
  if (op.getNumParallelLoops() != op.getNumLoops())
    return op.emitError("reduces; a CPU kernel outside of a chunk program is "
                        "point-wise");
  for (AffineMap map : op.getIndexingMapsArray())
    if (!map.isProjectedPermutation())
      return op.emitError("has the indexing map ")
             << AffineMapAttr::get(map)
             << ", but point-wise kernels take projected permutations";
  for (OpOperand &init : op.getDpsInitsMutable())
    if (op.payloadUsesValueFromOperand(&init))
      return op.emitError("reads its output operand");
  FailureOr<DynamicLoops> loops = findDynamicLoops(op);
  if (failed(loops))
    return failure();
  for (Value value : getOutsideValues(op))
    if (!matchPattern(value, m_Constant()))
      return op.emitError("uses ")
             << value << " from outside, which is not a constant";
  PointwiseKernel(op, *loops, name, module).emit();
  return success();
}

} // namespace mamba::codegen
