// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Analysis/BlockResources.h"

#include "dialect/Tile/SharedLayout.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

constexpr int64_t kThreadsPerWarp = 32;
constexpr int64_t kWorkingRegisters = 64;
constexpr int64_t kSharedOperandBytes = 2;
constexpr int64_t kReservedSharedBytes = 1024;
constexpr int64_t kWantedBlocks = 2;

/// Headdim P and total state size N of the carried states.
static std::pair<int64_t, int64_t> getStateShape(ChunkScanOp scan) {
  int64_t channels = 0, states = 0;
  for (unsigned i = 0; i < scan.getNumStates(); ++i) {
    auto type = cast<RankedTensorType>(scan.getStateArgument(i).getType());
    channels = type.getDimSize(0);
    states += type.getDimSize(1);
  }
  return {channels, states};
}

/// Bytes of a tile in shared memory, padded as buffers are.
static int64_t countTileBytes(int64_t rows, int64_t columns,
                              int64_t elementBytes) {
  constexpr int64_t fragment = 16;
  return tile::SharedLayout{int64_t(llvm::alignTo(rows, fragment)),
                            int64_t(llvm::alignTo(columns, fragment)),
                            elementBytes}
      .bytes();
}

/// Bytes of one chunk of the operands, channels cut to the block's slice.
static int64_t countStageBytes(ChunkScanOp scan, int64_t channels) {
  int64_t bytes = 0;
  for (auto [index, operand] : llvm::enumerate(scan.getIns())) {
    auto type = cast<RankedTensorType>(operand.getType());
    ArrayRef<DimRole> roles = scan.getInRole(index).getRoles();
    if (!llvm::is_contained(roles, DimRole::Time))
      continue;
    int64_t elements = scan.getChunk();
    for (auto [size, role] : llvm::zip_equal(type.getShape(), roles)) {
      if (role == DimRole::Channel)
        elements *= std::min(size, channels);
      if (role == DimRole::State)
        elements *= size;
    }
    int64_t elementBytes = type.getElementTypeBitWidth() / 8;
    int64_t columns = elements / scan.getChunk();
    bytes += columns == 1
                 ? elements * elementBytes
                 : countTileBytes(scan.getChunk(), columns, elementBytes);
  }
  return bytes;
}

BlockResources predictBlockResources(ChunkScanOp scan, int64_t channels,
                                     int64_t warps, int64_t stages) {
  auto [headdim, states] = getStateShape(scan);
  int64_t chunk = scan.getChunk();
  int64_t rows = llvm::divideCeil(chunk, warps);
  int64_t threads = kThreadsPerWarp * warps;
  BlockResources resources;
  resources.registersPerThread =
      llvm::divideCeil(channels * states, threads) +
      llvm::divideCeil(rows * channels, kThreadsPerWarp) +
      llvm::divideCeil(rows * chunk, kThreadsPerWarp) + kWorkingRegisters;
  resources.sharedBytes =
      stages * countStageBytes(scan, channels) +
      countTileBytes(channels, states, kSharedOperandBytes) +
      countTileBytes(chunk, channels, kSharedOperandBytes);
  return resources;
}

namespace {
/// One trial of chooseBlockShape.
struct Trial {
  ChunkScanOp scan;
  const Target &target;
  const KernelLimits &limits;
  std::string &rejection;

  /// Whether `blocks` blocks fit a unit.
  bool fits(BlockShape shape, int64_t blocks) {
    int64_t states = getStateShape(scan).second;
    if (shape.channels > limits.channelLimit) {
      rejection = llvm::formatv("a slice of {0} channels exceeds {1}",
                                shape.channels, limits.channelLimit);
      return false;
    }
    if (shape.channels * states > limits.stateValues) {
      rejection = llvm::formatv("{0} channels × {1} state values exceed the "
                                "{2} that a thread block keeps in registers",
                                shape.channels, states, limits.stateValues);
      return false;
    }
    BlockResources resources =
        predictBlockResources(scan, shape.channels, limits.warps, shape.stages);
    if (resources.registersPerThread > target.registersPerThread) {
      rejection = llvm::formatv("{0} registers a thread exceed {1}",
                                resources.registersPerThread,
                                target.registersPerThread);
      return false;
    }
    int64_t shared = resources.sharedBytes + kReservedSharedBytes;
    if (blocks > 1 && shared * blocks > target.sharedBytesPerUnit)
      return false;
    if (resources.sharedBytes > target.sharedBytesPerBlock) {
      rejection =
          llvm::formatv("{0} B of shared memory exceed {1} B",
                        resources.sharedBytes, target.sharedBytesPerBlock);
      return false;
    }
    return true;
  }
};
} // namespace

std::optional<BlockShape> chooseBlockShape(ChunkScanOp scan,
                                           const Target &target,
                                           const KernelLimits &limits,
                                           BlockShape forced,
                                           std::string &rejection) {
  Trial trial{scan, target, limits, rejection};
  int64_t headdim = getStateShape(scan).first;
  auto search = [&](int64_t least) -> std::optional<BlockShape> {
    int64_t most = forced.stages ? forced.stages : limits.maxStages;
    least = forced.stages ? forced.stages : least;
    int64_t previous = 0;
    for (int64_t slices = 1; slices <= headdim; ++slices) {
      int64_t channels = forced.channels
                             ? forced.channels
                             : llvm::alignTo(llvm::divideCeil(headdim, slices),
                                             limits.dimMultiple);
      if (channels == previous)
        continue;
      previous = channels;
      for (int64_t blocks : {kWantedBlocks, int64_t(1)})
        for (int64_t stages = most; stages >= least; --stages)
          if (trial.fits({channels, stages}, blocks))
            return BlockShape{channels, stages};
    }
    return std::nullopt;
  };
  if (std::optional<BlockShape> shape = search(/*least=*/2))
    return shape;
  return search(/*least=*/1);
}

} // namespace mamba
