// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/TeamEmitter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

int64_t TeamEmitter::getExtent(Value value, unsigned axis) {
  int64_t size = cast<RankedTensorType>(value.getType()).getDimSize(axis);
  std::optional<DimRole> role = axes.getRole(value, axis);
  if (role == DimRole::Channel)
    return team.paddedChannels;
  if (role == DimRole::State)
    return llvm::alignTo(size, 16);
  return size;
}

Attribute TeamEmitter::getNaturalLayout(Value value) {
  MLIRContext *context = builder.getContext();
  if (cast<RankedTensorType>(value.getType()).getRank() == 1)
    return tile::LaneAttr::get(context);
  int64_t grid[] = {1, 1};
  if (axes.getRole(value, 0) == DimRole::Channel)
    grid[0] = team.warps;
  else if (axes.getRole(value, 1) == DimRole::Channel)
    grid[1] = team.warps;
  else
    std::tie(grid[0], grid[1]) = chooseScoreGrid(team.chunk, team.getWarps());
  return tile::AccumulatorAttr::get(context, grid, /*copies=*/1);
}

} // namespace mamba
