// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Plan/KernelLaunch.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "passes/KernelAttr.h"

using namespace mlir;

namespace mamba::codegen {

/// Largest size of a box in each dimension.
constexpr int64_t kMaxBox = 256;

/// The list `name` of `kernel`, empty if it is absent.
static FailureOr<ArrayRef<Attribute>> getList(Operation *kernel,
                                              StringRef name) {
  Attribute attribute = kernel->getAttr(name);
  if (!attribute)
    return ArrayRef<Attribute>();
  if (auto list = dyn_cast<ArrayAttr>(attribute))
    return list.getValue();
  return kernel->emitError("'") << name << "' is not a list";
}

/// The number `name` of `kernel`, which is at least `minimum`.
static FailureOr<int32_t> getNumber(Operation *kernel, StringRef name,
                                    int64_t minimum) {
  auto attribute = kernel->getAttrOfType<IntegerAttr>(name);
  if (!attribute)
    return kernel->emitError("a persistent kernel needs '") << name << "'";
  int64_t number = attribute.getInt();
  if (number < minimum || number > INT32_MAX)
    return kernel->emitError("'") << name << "' is " << number << ", expected "
                                  << minimum << " to " << INT32_MAX;
  return int32_t(number);
}

static LogicalResult readTensorMaps(Operation *kernel, KernelLaunch &launch) {
  auto list = getList(kernel, kTensorMapsAttr);
  if (failed(list))
    return failure();
  if (list->size() > MAMBA_MAX_TENSOR_MAPS)
    return kernel->emitError("'") << kTensorMapsAttr << "' has " << list->size()
                                  << " tensor maps, at most "
                                  << MAMBA_MAX_TENSOR_MAPS << " are possible";
  for (Attribute attribute : *list) {
    auto numbers = dyn_cast<DenseI64ArrayAttr>(attribute);
    if (!numbers || numbers.size() < 2 ||
        numbers.size() > 1 + MAMBA_MAX_TENSOR_MAP_RANK)
      return kernel->emitError("'")
             << kTensorMapsAttr << "' has " << attribute
             << ", expected array<i64> of a parameter and 1 to "
             << MAMBA_MAX_TENSOR_MAP_RANK << " box sizes";
    ArrayRef<int64_t> box = numbers.asArrayRef().drop_front();
    for (int64_t size : box)
      if (size < 1 || size > kMaxBox)
        return kernel->emitError("'") << kTensorMapsAttr << "' has box size "
                                      << size << ", expected 1 to " << kMaxBox;
    launch.tensorMaps.push_back({numbers[0], {box.begin(), box.end()}});
  }
  return success();
}

static LogicalResult readWorkspaces(Operation *kernel, KernelLaunch &launch) {
  auto list = getList(kernel, kWorkspacesAttr);
  if (failed(list))
    return failure();
  for (Attribute attribute : *list) {
    auto type = dyn_cast<TypeAttr>(attribute);
    auto tensor =
        type ? dyn_cast<RankedTensorType>(type.getValue()) : RankedTensorType();
    if (!tensor)
      return kernel->emitError("'") << kWorkspacesAttr << "' has " << attribute
                                    << ", expected types of ranked tensors";
    launch.workspaces.push_back(tensor);
  }
  return success();
}

static LogicalResult readPersistence(Operation *kernel, KernelLaunch &launch) {
  if (!kernel->hasAttr(kGangAttr))
    return success();
  auto gang = getNumber(kernel, kGangAttr, /*minimum=*/1);
  auto sets = getNumber(kernel, kSetsAttr, /*minimum=*/1);
  auto chunk = getNumber(kernel, kChunkAttr, /*minimum=*/1);
  if (failed(gang) || failed(sets) || failed(chunk))
    return failure();
  launch.gang = *gang;
  launch.blocksPerBatch = *sets;
  launch.chunk = *chunk;
  if (!kernel->hasAttr(kSegmentChunksAttr))
    return success();
  auto segmentChunks = getNumber(kernel, kSegmentChunksAttr, /*minimum=*/0);
  if (failed(segmentChunks))
    return failure();
  launch.segmentChunks = *segmentChunks;
  return success();
}

static LogicalResult readCost(Operation *kernel, KernelLaunch &launch) {
  Attribute attribute = kernel->getAttr(kCostAttr);
  if (!attribute)
    return success();
  auto numbers = dyn_cast<DenseI64ArrayAttr>(attribute);
  if (!numbers || numbers.size() != 5 ||
      llvm::any_of(numbers.asArrayRef(), [](int64_t n) { return n < 0; }))
    return kernel->emitError("'") << kCostAttr << "' is " << attribute
                                  << ", expected array<i64> of five numbers "
                                     "that are not negative";
  launch.cost = {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
  return success();
}

LogicalResult readLaunchAttributes(Operation *kernel, KernelLaunch &launch) {
  if (failed(readTensorMaps(kernel, launch)) ||
      failed(readWorkspaces(kernel, launch)) ||
      failed(readCost(kernel, launch)))
    return failure();
  return readPersistence(kernel, launch);
}

} // namespace mamba::codegen
