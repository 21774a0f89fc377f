// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who holds which element of a register tile, as data.
//
// Every layout in use is *separable*: the coordinate of the element in register
// r of lane l of warp w is
//
//     registers[r] + Σ laneBits[b] over the set bits b of l
//                  + warpRow · (w / copies / grid[1])
//                  + warpColumn · (w / copies % grid[1])
//
// so a layout is a short table of small vectors, and every lowering (loads,
// stores, masks, iota, broadcasts, slices) is one loop over that table instead
// of index arithmetic of its own. The tables of the tensor-core fragments are
// the ones in the PTX ISA ("Matrix Fragments for mma.m16n8k16 with floating
// point type"). This file knows neither IR nor GPU and is tested exhaustively.

#ifndef DIALECT_TILE_REGISTERLAYOUT_H
#define DIALECT_TILE_REGISTERLAYOUT_H

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace mamba::tile {

inline constexpr int64_t kLanes = 32;

/// A coordinate in a tile; the second component of a vector's is 0.
using Coordinate = std::array<int64_t, 2>;

/// How a tile is cut over the warps of a CTA: grid[0] × grid[1] parts, each
/// held by `copies` neighbouring warps.
struct WarpGrid {
  std::array<int64_t, 2> grid{1, 1};
  int64_t copies = 1;

  int64_t size() const { return grid[0] * grid[1] * copies; }
};

struct RegisterLayout {
  int rank = 2;
  /// Extents of the tile; the second is 1 for a vector.
  std::array<int64_t, 2> shape{1, 1};
  std::vector<Coordinate> registers;
  std::array<Coordinate, 5> laneBits{};
  WarpGrid warps;
  Coordinate warpRow{};
  Coordinate warpColumn{};

  int64_t numRegisters() const {
    return static_cast<int64_t>(registers.size());
  }
  Coordinate laneOffset(int64_t lane) const;
  Coordinate warpOffset(int64_t warp) const;
  Coordinate coordinate(int64_t reg, int64_t lane, int64_t warp) const;
  /// True where the coordinate is inside the tile (a vector of the lane layout
  /// may end inside a register).
  bool contains(Coordinate coordinate) const;

  /// True where this thread is the one that stores its elements, when several
  /// threads hold the same.
  bool isPrimary(int64_t lane, int64_t warp) const;

  /// The vector along `axis` as this tile's threads see it.
  RegisterLayout slice(int axis) const;

  /// The same registers for the transposed tile.
  RegisterLayout transposed() const;

  /// For each register of `to`, the register of this layout that holds the same
  /// element in the same thread; empty if some thread lacks one.
  std::vector<int64_t> renaming(const RegisterLayout &to) const;

  /// The largest of 8, 4, 2 and 1 such that registers in groups of as many hold
  /// neighbours along the last axis, the first of them at a multiple of it.
  int64_t columnRun() const;

  /// True if some part of the tile along `axis` is in other warps than the
  /// rest.
  bool isCutOverWarps(int axis) const;
};

/// A step that doubles the runs of a layout (`columnRun`). Lanes in pairs,
/// whose numbers differ in one bit, hold neighbouring runs; for each pair (a,
/// b) of runs the lane without the bit gives its run b for run a of the other
/// one.
struct LaneSwap {
  int laneBit;
  /// Numbers of runs before the step. The next run of `result` is what has
  /// arrived in a, and then in b.
  std::vector<std::array<int64_t, 2>> runs;
  RegisterLayout result;
};

/// None if no lanes hold neighbouring runs, or runs do not come in pairs.
std::optional<LaneSwap> lengthenRuns(const RegisterLayout &layout);

RegisterLayout accumulatorLayout(int64_t m, int64_t n, WarpGrid warps);
RegisterLayout operandALayout(int64_t m, int64_t k, WarpGrid warps);
RegisterLayout operandBLayout(int64_t k, int64_t n, WarpGrid warps);
RegisterLayout coalescedLayout(int64_t m, int64_t n, WarpGrid warps);
RegisterLayout laneLayout(int64_t elements);

} // namespace mamba::tile

#endif // DIALECT_TILE_REGISTERLAYOUT_H
