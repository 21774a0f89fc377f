// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Analysis/CostModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Analysis/TileAxes.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {
namespace {

int64_t countElements(Value tile) {
  return cast<RankedTensorType>(tile.getType()).getNumElements();
}

int64_t countBytes(RankedTensorType type) {
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

/// Counts one instance of a chunk body.
class BodyCounter {
public:
  BodyCounter(ChunkScanOp scan, const Target &target, ScanWork &work)
      : target(target), work(work), axes(scan) {}

  void count(Operation &op) {
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](DotOp dot) { countDot(dot); })
        .Case([&](SegmentDecayOp mask) { countMask(mask); })
        .Case<CumsumOp, ReduceSumOp, RangeScaleOp>(
            [&](auto sum) { work.simpleOps += countElements(sum.getInput()); })
        .Case<BroadcastOp, YieldOp, arith::ConstantOp>([](auto) {})
        .Default([&](Operation *other) { countElementwise(other); });
  }

private:
  void countDot(DotOp dot);
  void countMask(SegmentDecayOp mask);
  void countElementwise(Operation *op);
  double getTriangleShare(DotOp dot);

  const Target &target;
  ScanWork &work;
  TileAxes axes;
  /// Tiles that are zero on one side of the diagonal, with their sub-block.
  DenseMap<Value, int64_t> triangles;
};

} // namespace

/// Share of the products of `dot` that a triangular operand or consumer
/// leaves: (1 + q/Q) / 2 for sub-blocks of side q.
double BodyCounter::getTriangleShare(DotOp dot) {
  int64_t subBlock = 0;
  for (Value operand : {dot.getLhs(), dot.getRhs()})
    subBlock = std::max(subBlock, triangles.lookup(operand));
  for (Operation *user : dot->getUsers())
    if (isa<arith::MulFOp>(user))
      for (Value operand : user->getOperands())
        subBlock = std::max(subBlock, triangles.lookup(operand));
  if (subBlock == 0)
    return 1;
  int64_t chunk = dot->getParentOfType<ChunkScanOp>().getChunk();
  return (1 + double(subBlock) / double(chunk)) / 2;
}

void BodyCounter::countDot(DotOp dot) {
  auto lhs = cast<RankedTensorType>(dot.getLhs().getType());
  auto result = cast<RankedTensorType>(dot.getResult().getType());
  int64_t depth = lhs.getDimSize(dot.getContract()[0]);
  int64_t rows = result.getDimSize(0), columns = result.getDimSize(1);
  double flops =
      2.0 * double(rows * columns) * double(depth) * getTriangleShare(dot);
  double smallest = double(std::min({rows, columns, depth}));
  work.flops += flops;
  if (axes.getRole(dot.getResult(), 0) == DimRole::Time &&
      axes.getRole(dot.getResult(), 1) == DimRole::Time)
    work.scoreFlops += flops;
  work.weightedFlops += flops * (smallest + target.halfRows) / smallest;
  work.scratchBytes += countBytes(result);
}

void BodyCounter::countMask(SegmentDecayOp mask) {
  auto type = cast<RankedTensorType>(mask.getResult().getType());
  triangles[mask.getResult()] = mask.getSubBlock();
  work.scratchBytes += countBytes(type);
  if (!mask.getLogDecay())
    return;
  double chunk = double(type.getDimSize(0));
  double side = double(mask.getSubBlock());
  double blocks = chunk / side;
  // Diagonal sub-blocks element by element, the others by one factor a row
  // and, for every row block, one a column before it.
  work.exps += chunk * side / 2 + chunk + chunk * (blocks - 1) / 2;
  work.simpleOps += chunk * chunk / 2;
}

void BodyCounter::countElementwise(Operation *op) {
  double elements = 0;
  for (Value result : op->getResults())
    if (isa<RankedTensorType>(result.getType()))
      elements += double(countElements(result));
  if (isa_and_nonnull<math::MathDialect>(op->getDialect()))
    work.exps += elements;
  else
    work.simpleOps += elements;
  // What is multiplied with a triangle, or converted, stays one.
  if (isa<arith::MulFOp, arith::TruncFOp, arith::ExtFOp>(op)) {
    int64_t subBlock = 0;
    for (Value operand : op->getOperands())
      subBlock = std::max(subBlock, triangles.lookup(operand));
    if (subBlock)
      triangles[op->getResult(0)] = subBlock;
  }
}

/// Elements of `type`, its dynamic batch and time sizes as in `size`.
static double countElements(RankedTensorType type, RolesAttr roles,
                            ProblemSize size) {
  double elements = 1;
  for (auto [extent, role] :
       llvm::zip_equal(type.getShape(), roles.getRoles())) {
    if (!ShapedType::isDynamic(extent))
      elements *= double(extent);
    else
      elements *= double(role == DimRole::Batch ? size.batch : size.length);
  }
  return elements;
}

/// Static batch and time sizes where an operand has them.
static ProblemSize refine(ChunkScanOp scan, ProblemSize size) {
  for (auto [operand, roles] :
       llvm::zip_equal(scan.getIns(), scan.getInRoles()))
    for (auto [extent, role] :
         llvm::zip_equal(cast<RankedTensorType>(operand.getType()).getShape(),
                         cast<RolesAttr>(roles).getRoles())) {
      if (ShapedType::isDynamic(extent))
        continue;
      if (role == DimRole::Batch)
        size.batch = extent;
      if (role == DimRole::Time)
        size.length = extent;
    }
  return size;
}

static void countTraffic(ChunkScanOp scan, ProblemSize size, ScanWork &work) {
  auto countBytes = [&](Value tensor, RolesAttr roles) {
    auto type = cast<RankedTensorType>(tensor.getType());
    return countElements(type, roles, size) *
           double(type.getElementTypeBitWidth()) / 8;
  };
  for (auto [index, operand] : llvm::enumerate(scan.getIns()))
    work.bytes += countBytes(operand, scan.getInRole(index));
  for (auto [index, result] : llvm::enumerate(scan.getOuts()))
    work.bytes += countBytes(result, scan.getOutRole(index));
  DimRole stateRoles[] = {DimRole::Batch, DimRole::Head, DimRole::Channel,
                          DimRole::State};
  auto roles = RolesAttr::get(scan.getContext(), stateRoles);
  for (Value state : scan.getInits())
    work.stateBytes += countBytes(state, roles);
  for (Value state : scan.getFinals())
    work.stateBytes += countBytes(state, roles);
  work.bytes += work.stateBytes;
}

ScanWork countWork(ChunkScanOp scan, const Target &target, ProblemSize size) {
  size = refine(scan, size);
  ScanWork work;
  for (Value argument : scan.getBody().getArguments())
    work.scratchBytes += countBytes(cast<RankedTensorType>(argument.getType()));
  BodyCounter counter(scan, target, work);
  for (Operation &op : scan.getBody().front())
    counter.count(op);
  work.items = double(size.batch) * double(scan.getHeads());
  work.chunks = double(llvm::divideCeil(size.length, int64_t(scan.getChunk())));
  double instances = work.items * work.chunks;
  work.flops *= instances;
  work.scoreFlops *= instances;
  work.weightedFlops *= instances;
  work.simpleOps *= instances;
  work.exps *= instances;
  countTraffic(scan, size, work);
  return work;
}

double predictSeconds(const ScanWork &work, const Target &target) {
  double memory = work.bytes / target.bytesPerSecond;
  double products = work.weightedFlops / target.flopsPerSecond;
  double simple = work.simpleOps / target.simpleOpsPerSecond;
  double exps = work.exps / target.expsPerSecond;
  double waves = std::ceil(work.items / double(target.units));
  double chunks = waves * work.chunks * target.chunkSeconds;
  double busy = target.overlaps
                    ? std::max({memory, products, simple, exps, chunks})
                    : std::max(memory, products + simple + exps + chunks);
  // Blocks read states before and write them behind everything else, which
  // other blocks of a multiprocessor hide in part.
  constexpr double kExposed = 0.4;
  if (target.isGpu())
    busy += kExposed * work.stateBytes / target.bytesPerSecond;
  return target.launchSeconds + busy;
}

} // namespace mamba
