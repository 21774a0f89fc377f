// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Analysis/TileAxes.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

WarpGridChoice chooseStateGrid(int64_t channels, int64_t stateSize,
                               int64_t warps) {
  WarpGridChoice best;
  for (int64_t rows = 1; rows <= warps; rows *= 2) {
    if (warps % rows != 0)
      continue;
    int64_t columns = warps / rows;
    // A state is the right operand (K = N) of the read, hence columns in 16s.
    int64_t columnUnit = std::max<int64_t>(16, 8 * columns);
    WarpGridChoice grid{rows, columns,
                        int64_t(llvm::alignTo(channels, 16 * rows)),
                        int64_t(llvm::alignTo(stateSize, columnUnit))};
    if (best.paddedRows == 0 || grid.paddedRows * grid.paddedColumns <
                                    best.paddedRows * best.paddedColumns)
      best = grid;
  }
  return best;
}

static int64_t getRank(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

unsigned TileAxes::getNode(Value value, unsigned axis) {
  return nodes.try_emplace({value, axis}, nodes.size()).first->second;
}

void TileAxes::join(Value a, unsigned aAxis, Value b, unsigned bAxis) {
  edges.push_back({getNode(a, aAxis), getNode(b, bAxis)});
}

void TileAxes::joinAll(Value a, Value b) {
  for (unsigned axis = 0; axis < getRank(a); ++axis)
    join(a, axis, b, axis);
}

void TileAxes::assign(Value value, unsigned axis, DimRole role) {
  seeds.push_back({getNode(value, axis), role});
}

void TileAxes::assignTile(Value value, RolesAttr tensorRoles) {
  unsigned axis = 0;
  for (DimRole role : tensorRoles.getRoles())
    if (role != DimRole::Batch && role != DimRole::Head)
      assign(value, axis++, role);
}

void TileAxes::joinOperation(Operation &op) {
  if (auto dot = dyn_cast<DotOp>(op)) {
    ArrayRef<int64_t> contract = dot.getContract();
    join(dot.getLhs(), contract[0], dot.getRhs(), contract[1]);
    join(dot.getResult(), 0, dot.getLhs(), 1 - contract[0]);
    join(dot.getResult(), 1, dot.getRhs(), 1 - contract[1]);
    if (dot.getInit())
      joinAll(dot.getInit(), dot.getResult());
    return;
  }
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    unsigned inputAxis = 0;
    for (unsigned axis = 0; axis < getRank(broadcast.getResult()); ++axis)
      if (!llvm::is_contained(broadcast.getDims(), axis))
        join(broadcast.getInput(), inputAxis++, broadcast.getResult(), axis);
    return;
  }
  if (auto decay = dyn_cast<SegmentDecayOp>(op)) {
    assign(decay.getResult(), 0, DimRole::Time);
    assign(decay.getResult(), 1, DimRole::Time);
    if (decay.getLogDecay())
      assign(decay.getLogDecay(), 0, DimRole::Time);
    return;
  }
  if (auto pad = dyn_cast<PadOp>(op))
    assign(pad.getResult(), 0, DimRole::Time);
  if (isa<ReduceSumOp>(op))
    assign(op.getOperand(0), 0, DimRole::Time);
  // Everything else is point-wise: operands and result have one shape.
  for (Value result : op.getResults())
    for (Value operand : op.getOperands())
      if (getRank(operand) == getRank(result))
        joinAll(operand, result);
}

TileAxes::TileAxes(ChunkScanOp scan) {
  unsigned numIns = scan.getIns().size();
  for (unsigned i = 0; i < numIns; ++i)
    assignTile(scan.getBody().getArgument(i), scan.getInRole(i));
  for (unsigned i = 0; i < scan.getNumStates(); ++i) {
    assign(scan.getStateArgument(i), 0, DimRole::Channel);
    assign(scan.getStateArgument(i), 1, DimRole::State);
  }
  for (Operation &op : scan.getBody().front().without_terminator())
    joinOperation(op);
  for (unsigned i = 0; i < scan.getOuts().size(); ++i)
    assignTile(scan.getYield().getTiles()[i], scan.getOutRole(i));

  llvm::IntEqClasses classes(nodes.size());
  for (auto [a, b] : edges)
    classes.join(a, b);
  classes.compress();
  llvm::SmallVector<std::optional<DimRole>> byClass(classes.getNumClasses());
  for (auto [node, role] : seeds)
    byClass[classes[node]] = role;
  roles.resize(nodes.size());
  for (unsigned node = 0; node < nodes.size(); ++node)
    roles[node] = byClass[classes[node]];
}

std::optional<DimRole> TileAxes::getRole(Value value, unsigned axis) const {
  auto it = nodes.find({value, axis});
  return it == nodes.end() ? std::nullopt : roles[it->second];
}

} // namespace mamba
