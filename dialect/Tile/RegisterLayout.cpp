// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialect/Tile/RegisterLayout.h"

#include <algorithm>
#include <cassert>

namespace mamba::tile {
namespace {

/// The fragment of one tensor-core operand: what a lane holds of one
/// instruction's worth.
struct Fragment {
  std::array<int64_t, 2> shape;
  std::vector<Coordinate> registers;
  std::array<Coordinate, 5> laneBits;
};

/// Lane bits 0 and 1 choose a pair of columns, bits 2 to 4 a row.
constexpr std::array<Coordinate, 5> kRowMajorLanes = {
    Coordinate{0, 2}, {0, 4}, {1, 0}, {2, 0}, {4, 0}};
/// The same for the right operand, whose pairs run along K, its rows.
constexpr std::array<Coordinate, 5> kColumnMajorLanes = {
    Coordinate{2, 0}, {4, 0}, {0, 1}, {0, 2}, {0, 4}};

const Fragment &accumulatorFragment() {
  static const Fragment fragment{
      {16, 8}, {{0, 0}, {0, 1}, {8, 0}, {8, 1}}, kRowMajorLanes};
  return fragment;
}

const Fragment &operandAFragment() {
  static const Fragment fragment{
      {16, 16},
      {{0, 0}, {0, 1}, {8, 0}, {8, 1}, {0, 8}, {0, 9}, {8, 8}, {8, 9}},
      kRowMajorLanes};
  return fragment;
}

const Fragment &operandBFragment() {
  static const Fragment fragment{
      {16, 8}, {{0, 0}, {1, 0}, {8, 0}, {9, 0}}, kColumnMajorLanes};
  return fragment;
}

/// Lane bits 0 to 2 choose four columns, bits 3 and 4 a row.
const Fragment &coalescedFragment() {
  static const Fragment fragment{
      {4, 32},
      {{0, 0}, {0, 1}, {0, 2}, {0, 3}},
      {Coordinate{0, 4}, {0, 8}, {0, 16}, {1, 0}, {2, 0}}};
  return fragment;
}

/// Repeats a fragment over a warp's part of the tile, columns fastest, and the
/// parts over the warps. A grid factor is ignored where `split` is false: those
/// warps hold the same part.
RegisterLayout distribute(const Fragment &fragment,
                          std::array<int64_t, 2> shape, WarpGrid warps,
                          std::array<bool, 2> split) {
  RegisterLayout layout;
  layout.shape = shape;
  layout.laneBits = fragment.laneBits;
  layout.warps = warps;
  std::array<int64_t, 2> part = shape;
  for (int axis : {0, 1})
    if (split[axis]) {
      assert(shape[axis] % warps.grid[axis] == 0);
      part[axis] = shape[axis] / warps.grid[axis];
    }
  if (split[0])
    layout.warpRow = {part[0], 0};
  if (split[1])
    layout.warpColumn = {0, part[1]};
  assert(part[0] % fragment.shape[0] == 0 && part[1] % fragment.shape[1] == 0);
  for (int64_t row = 0; row < part[0]; row += fragment.shape[0])
    for (int64_t column = 0; column < part[1]; column += fragment.shape[1])
      for (Coordinate reg : fragment.registers)
        layout.registers.push_back({row + reg[0], column + reg[1]});
  return layout;
}

} // namespace

Coordinate RegisterLayout::laneOffset(int64_t lane) const {
  Coordinate sum{};
  for (int bit = 0; bit < 5; ++bit)
    if (lane >> bit & 1)
      for (int axis : {0, 1})
        sum[axis] += laneBits[bit][axis];
  return sum;
}

Coordinate RegisterLayout::warpOffset(int64_t warp) const {
  int64_t part = warp / warps.copies % (warps.grid[0] * warps.grid[1]);
  int64_t row = part / warps.grid[1], column = part % warps.grid[1];
  return {warpRow[0] * row + warpColumn[0] * column,
          warpRow[1] * row + warpColumn[1] * column};
}

Coordinate RegisterLayout::coordinate(int64_t reg, int64_t lane,
                                      int64_t warp) const {
  Coordinate result = registers[reg], byLane = laneOffset(lane),
             byWarp = warpOffset(warp);
  for (int axis : {0, 1})
    result[axis] += byLane[axis] + byWarp[axis];
  return result;
}

bool RegisterLayout::contains(Coordinate coordinate) const {
  return coordinate[0] < shape[0] && coordinate[1] < shape[1];
}

bool RegisterLayout::isPrimary(int64_t lane, int64_t warp) const {
  for (int bit = 0; bit < 5; ++bit)
    if ((lane >> bit & 1) && laneBits[bit] == Coordinate{})
      return false;
  if (warp >= warps.size() || warp % warps.copies != 0)
    return false;
  int64_t part = warp / warps.copies;
  if (warpRow == Coordinate{} && part / warps.grid[1] != 0)
    return false;
  return !(warpColumn == Coordinate{} && part % warps.grid[1] != 0);
}

RegisterLayout RegisterLayout::slice(int axis) const {
  assert(rank == 2);
  RegisterLayout result;
  result.rank = 1;
  result.shape = {shape[axis], 1};
  result.warps = warps;
  result.warpRow = {warpRow[axis], 0};
  result.warpColumn = {warpColumn[axis], 0};
  for (int bit = 0; bit < 5; ++bit)
    result.laneBits[bit] = {laneBits[bit][axis], 0};
  for (const Coordinate &reg : registers) {
    bool seen = false;
    for (const Coordinate &other : result.registers)
      seen |= other[0] == reg[axis];
    if (!seen)
      result.registers.push_back({reg[axis], 0});
  }
  return result;
}

RegisterLayout RegisterLayout::transposed() const {
  assert(rank == 2);
  RegisterLayout result = *this;
  auto swap = [](Coordinate &coordinate) {
    std::swap(coordinate[0], coordinate[1]);
  };
  swap(result.shape);
  for (Coordinate &reg : result.registers)
    swap(reg);
  for (Coordinate &bit : result.laneBits)
    swap(bit);
  swap(result.warpRow);
  swap(result.warpColumn);
  return result;
}

std::vector<int64_t> RegisterLayout::renaming(const RegisterLayout &to) const {
  if (rank != to.rank || shape != to.shape || laneBits != to.laneBits)
    return {};
  int64_t numWarps = std::max(warps.size(), to.warps.size());
  std::vector<int64_t> result;
  for (int64_t reg = 0; reg < to.numRegisters(); ++reg) {
    int64_t source = 0;
    for (; source < numRegisters(); ++source)
      if (registers[source] == to.registers[reg])
        break;
    if (source == numRegisters())
      return {};
    for (int64_t warp = 0; warp < numWarps; ++warp)
      if (warpOffset(warp) != to.warpOffset(warp))
        return {};
    result.push_back(source);
  }
  return result;
}

/// True if registers in groups of `count` are neighbours along the last axis.
static bool hasRuns(const RegisterLayout &layout, int64_t count) {
  int last = layout.rank - 1;
  if (layout.numRegisters() % count != 0)
    return false;
  for (const Coordinate &bit : layout.laneBits)
    if (bit[last] % count != 0)
      return false;
  for (int64_t reg = 0; reg < layout.numRegisters(); ++reg) {
    Coordinate expected = layout.registers[reg / count * count];
    if (expected[last] % count != 0)
      return false;
    expected[last] += reg % count;
    if (layout.registers[reg] != expected)
      return false;
  }
  return layout.warpRow[last] % count == 0 &&
         layout.warpColumn[last] % count == 0;
}

int64_t RegisterLayout::columnRun() const {
  for (int64_t count : {8, 4, 2})
    if (hasRuns(*this, count))
      return count;
  return 1;
}

bool RegisterLayout::isCutOverWarps(int axis) const {
  return (warps.grid[0] > 1 && warpRow[axis] != 0) ||
         (warps.grid[1] > 1 && warpColumn[axis] != 0);
}

/// The runs in pairs whose coordinates differ by `distance`; empty if some run
/// has no partner.
static std::vector<std::array<int64_t, 2>>
pairRuns(const RegisterLayout &layout, int64_t length, Coordinate distance) {
  int64_t count = layout.numRegisters() / length;
  std::vector<bool> taken(count);
  std::vector<std::array<int64_t, 2>> pairs;
  for (int64_t first = 0; first < count; ++first) {
    if (taken[first])
      continue;
    Coordinate wanted = layout.registers[first * length];
    for (int axis : {0, 1})
      wanted[axis] += distance[axis];
    int64_t second = first + 1;
    while (second < count && layout.registers[second * length] != wanted)
      ++second;
    if (second == count || taken[second])
      return {};
    taken[second] = true;
    pairs.push_back({first, second});
  }
  return pairs;
}

std::optional<LaneSwap> lengthenRuns(const RegisterLayout &layout) {
  int last = layout.rank - 1;
  int64_t length = layout.columnRun();
  Coordinate neighbour{};
  neighbour[last] = length;
  LaneSwap swap{0, {}, layout};
  auto bit =
      std::find(layout.laneBits.begin(), layout.laneBits.end(), neighbour);
  if (bit == layout.laneBits.end())
    return std::nullopt;
  swap.laneBit = static_cast<int>(bit - layout.laneBits.begin());
  // Partners in the same row, if there are any: then a warp's store is of fewer
  // and longer pieces of rows.
  Coordinate distance{};
  for (int axis : {last, 0})
    for (int64_t reg = 0; reg < layout.numRegisters() && swap.runs.empty();
         reg += length) {
      distance = {};
      distance[axis] = layout.registers[reg][axis] - layout.registers[0][axis];
      if (distance[axis] > 0)
        swap.runs = pairRuns(layout, length, distance);
    }
  if (swap.runs.empty())
    return std::nullopt;
  swap.result.laneBits[swap.laneBit] = distance;
  swap.result.registers.clear();
  for (auto [first, second] : swap.runs)
    for (int64_t column = 0; column < 2 * length; ++column) {
      Coordinate at = layout.registers[first * length];
      at[last] += column;
      swap.result.registers.push_back(at);
    }
  return swap;
}

RegisterLayout accumulatorLayout(int64_t m, int64_t n, WarpGrid warps) {
  return distribute(accumulatorFragment(), {m, n}, warps, {true, true});
}

RegisterLayout operandALayout(int64_t m, int64_t k, WarpGrid warps) {
  return distribute(operandAFragment(), {m, k}, warps, {true, false});
}

RegisterLayout operandBLayout(int64_t k, int64_t n, WarpGrid warps) {
  return distribute(operandBFragment(), {k, n}, warps, {false, true});
}

RegisterLayout coalescedLayout(int64_t m, int64_t n, WarpGrid warps) {
  return distribute(coalescedFragment(), {m, n}, warps, {true, true});
}

RegisterLayout laneLayout(int64_t elements) {
  RegisterLayout layout;
  layout.rank = 1;
  layout.shape = {elements, 1};
  for (int bit = 0; bit < 5; ++bit)
    layout.laneBits[bit] = {int64_t{1} << bit, 0};
  for (int64_t first = 0; first < elements; first += kLanes)
    layout.registers.push_back({first, 0});
  return layout;
}

} // namespace mamba::tile
