// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/RecurrentShape.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

constexpr int64_t kLanes = 32;
constexpr int64_t kDefaultWarps = 4;
/// Rows and columns of a warp's fragment.
constexpr int64_t kRows = 4, kColumns = 32;
/// Values of the state a thread is given: few for one token, so that many small
/// blocks read at the same time; more for several, because every thread of a
/// slice computes a token's steps and decays again.
constexpr int64_t kOneTokenValues = 16, kWantedValues = 64;
/// The limit, beyond which registers do not suffice for a token's vectors.
constexpr int64_t kValueLimit = 128;
// Measured on an H100: from the operands of a token to those of the next, and
// the time of a token over that of its counted operations.
constexpr double kTokenSeconds = 0.47e-6;
constexpr double kOperationFactor = 2.45;
/// The part of the shorter of memory and arithmetic that the other does not
/// hide.
constexpr double kExposed = 0.4;

/// Values of all states that a thread holds of `channels` channels.
static int64_t countValues(ChunkScanOp scan, RecurrentShape shape) {
  int64_t columns = 0;
  for (unsigned i = 0; i < scan.getNumStates(); ++i) {
    auto type = cast<RankedTensorType>(scan.getStateArgument(i).getType());
    columns += llvm::alignTo(type.getDimSize(1), kColumns);
  }
  int64_t rows = llvm::alignTo(shape.channels, kRows * shape.warps);
  return rows * columns / (kLanes * shape.warps);
}

static int64_t getHeaddim(ChunkScanOp scan) {
  auto type = cast<RankedTensorType>(scan.getStateArgument(0).getType());
  return type.getDimSize(0);
}

std::optional<int64_t> getStaticLength(ChunkScanOp scan) {
  for (auto [operand, roles] :
       llvm::zip_equal(scan.getIns(), scan.getInRoles())) {
    ArrayRef<DimRole> list = cast<RolesAttr>(roles).getRoles();
    auto time = llvm::find(list, DimRole::Time);
    if (time == list.end())
      continue;
    int64_t size = cast<RankedTensorType>(operand.getType())
                       .getDimSize(time - list.begin());
    if (!ShapedType::isDynamic(size))
      return size;
  }
  return std::nullopt;
}

RecurrentShape chooseRecurrentShape(ChunkScanOp scan, RecurrentShape forced) {
  RecurrentShape shape = forced;
  if (!shape.warps)
    shape.warps = kDefaultWarps;
  if (shape.channels)
    return shape;
  int64_t wanted = getStaticLength(scan) == 1 ? kOneTokenValues : kWantedValues;
  int64_t step = kRows * shape.warps;
  int64_t headdim = llvm::alignTo(getHeaddim(scan), step);
  for (shape.channels = headdim; shape.channels > step; shape.channels -= step)
    if (headdim % shape.channels == 0 && countValues(scan, shape) <= wanted)
      break;
  shape.channels = std::min(shape.channels, getHeaddim(scan));
  return shape;
}

std::string rejectRecurrentShape(ChunkScanOp scan, RecurrentShape shape) {
  if (!llvm::isPowerOf2_64(shape.warps) || shape.warps > 8)
    return llvm::formatv("{0} warps are not 1, 2, 4 or 8", shape.warps);
  int64_t headdim = getHeaddim(scan);
  if (shape.channels < 1 || shape.channels % 8 != 0 || shape.channels > headdim)
    return llvm::formatv("{0} channels are not a multiple of 8 up to the "
                         "headdim {1}",
                         shape.channels, headdim);
  int64_t values = countValues(scan, shape);
  if (values > kValueLimit)
    return llvm::formatv("{0} values of the state a thread exceed {1}", values,
                         kValueLimit);
  return "";
}

double predictRecurrentSeconds(const ScanWork &work, const Target &target) {
  double memory = work.bytes / target.bytesPerSecond;
  double simple = (work.simpleOps + work.flops / 2) / target.simpleOpsPerSecond;
  double tokens =
      std::max(simple * kOperationFactor, work.chunks * kTokenSeconds);
  return target.launchSeconds + std::max(memory, tokens) +
         kExposed * std::min(memory, tokens);
}

} // namespace mamba
