// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RoleKernel: the function, its buffers and pipelines, and the roles.

#include "passes/Transforms/RoleKernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "passes/KernelAttr.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

static constexpr int64_t kWarpsOfGroup = 4;

//===----------------------------------------------------------------------===//
// Function
//===----------------------------------------------------------------------===//

/// Operands by the way they come to shared memory.
static bool isTokenTile(ChunkScanOp scan, unsigned i) {
  bool time = llvm::is_contained(scan.getInRole(i).getRoles(), DimRole::Time);
  auto type = cast<RankedTensorType>(scan.getBody().getArgument(i).getType());
  return time && type.getRank() == 2;
}

static bool isTokenVector(ChunkScanOp scan, unsigned i) {
  bool time = llvm::is_contained(scan.getInRole(i).getRoles(), DimRole::Time);
  auto type = cast<RankedTensorType>(scan.getBody().getArgument(i).getType());
  return time && type.getRank() == 1;
}

/// The box of a tensor map: 64 columns of Q tokens, innermost first.
static SmallVector<int64_t> getBox(ArrayRef<DimRole> roles, int64_t chunk) {
  SmallVector<int64_t> box;
  for (DimRole role : llvm::reverse(roles))
    box.push_back(role == DimRole::Time ? chunk
                  : role == DimRole::Channel || role == DimRole::State
                      ? kRoleChannels
                      : 1);
  return box;
}

/// Tensor maps, with the numbers of the parameters they describe.
SmallVector<Attribute> RoleKernel::describeMaps(ArrayRef<Value> tensors) {
  SmallVector<Attribute> maps;
  auto add = [&](Value tensor, ArrayRef<DimRole> roles) {
    SmallVector<int64_t> map = {llvm::find(tensors, tensor) - tensors.begin()};
    map.append(getBox(roles, scan.getChunk()));
    maps.push_back(b.getDenseI64ArrayAttr(map));
  };
  for (auto [i, operand] : llvm::enumerate(scan.getIns()))
    if (isTokenTile(scan, i))
      add(operand, scan.getInRole(i).getRoles());
  for (auto [i, out] : llvm::enumerate(scan.getOuts()))
    add(out, scan.getOutRole(i).getRoles());
  return maps;
}

/// States and decays that thread blocks hand over, and flags.
SmallVector<Attribute> RoleKernel::describeWorkspaces() {
  int64_t units = ShapedType::kDynamic;
  auto describe = [&](ArrayRef<int64_t> sizes, Type element) -> Attribute {
    return TypeAttr::get(RankedTensorType::get(sizes, element));
  };
  int64_t states = stateType().getDimSize(1);
  return {
      describe({units, shape.consumers, kRoleChannels, states}, b.getF32Type()),
      describe({units, shape.consumers}, b.getF32Type()),
      describeFlags(shape.consumers)};
}

void RoleKernel::setAttributes(ArrayRef<Attribute> maps,
                               ArrayRef<Attribute> workspaces) {
  int64_t threads = tile::kLanes * shape.getWarps();
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({int32_t(threads), 1, 1}));
  function->setAttr("nvvm.minctasm", b.getI32IntegerAttr(1));
  function->setAttr(kTensorMapsAttr, b.getArrayAttr(maps));
  function->setAttr(kWorkspacesAttr, b.getArrayAttr(workspaces));
  function->setAttr(kGangAttr, b.getI64IntegerAttr(shape.gang));
  function->setAttr(kSetsAttr, b.getI64IntegerAttr(shape.sets));
  function->setAttr(kSegmentChunksAttr,
                    b.getI64IntegerAttr(shape.segmentChunks));
  function->setAttr(kChunkAttr, b.getI64IntegerAttr(scan.getChunk()));
  auto image = LLVM::LLVMArrayType::get(b.getI8Type(), 128);
  unsigned arguments = function.getNumArguments();
  for (unsigned i = arguments - maps.size(); i < arguments; ++i) {
    function.setArgAttr(i, "llvm.byval", TypeAttr::get(image));
    function.setArgAttr(i, "llvm.align", b.getI64IntegerAttr(64));
  }
}

void RoleKernel::createFunction() {
  MLIRContext *context = b.getContext();
  SmallVector<Value> tensors = listTensors();
  SmallVector<Attribute> maps = describeMaps(tensors);
  SmallVector<Attribute> workspaces = describeWorkspaces();
  SmallVector<Type> types(tensors.size() + workspaces.size(),
                          LLVM::LLVMPointerType::get(context, 1));
  types.append(2, b.getI64Type());
  types.append(maps.size(), LLVM::LLVMPointerType::get(context));
  b.setInsertionPointToEnd(module.getBody());
  function = gpu::GPUFuncOp::create(b, name, b.getFunctionType(types, {}));
  setAttributes(maps, workspaces);
  bindPointers(tensors);
  b.setInsertionPointToStart(&function.getBody().front());
  bindParameters(tensors.size(), workspaces.size());
  entry.setInsertionPointToEnd(&function.getBody().front());
}

void RoleKernel::bindParameters(unsigned tensors, unsigned workspaces) {
  unsigned next = tensors;
  handoverStates = function.getArgument(next++);
  handoverDecays = function.getArgument(next++);
  flagArea = function.getArgument(next++);
  assert(next == tensors + workspaces && "every workspace is bound");
  batchSize = widen(function.getArgument(next++));
  length = widen(function.getArgument(next++));
  for (auto [i, operand] : llvm::enumerate(scan.getIns()))
    if (isTokenTile(scan, i))
      tiles[i] = {makeAccess(operand, scan.getInRole(i).getRoles()),
                  function.getArgument(next++), Value()};
  for (auto [i, out] : llvm::enumerate(scan.getOuts()))
    outs.push_back({makeAccess(out, scan.getOutRole(i).getRoles()),
                    function.getArgument(next++), Value()});
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

Value RoleKernel::allocate(ArrayRef<int64_t> extents, Type element,
                           int64_t stages, bool panels) {
  auto type =
      tile::BufferType::get(b.getContext(), extents, element, stages, panels);
  return tile::AllocOp::create(entry, b.getLoc(), type);
}

void RoleKernel::createBuffers() {
  int64_t chunk = scan.getChunk();
  for (unsigned i = 0; i < scan.getIns().size(); ++i) {
    if (isTokenVector(scan, i)) {
      vectorRings[i] = allocate({chunk}, b.getF32Type(),
                                kRingStages * shape.consumers, false);
      continue;
    }
    if (!isTokenTile(scan, i))
      continue;
    BulkTile &tile = tiles[i];
    bool isShared = isSharedOperand(scan, i, shape.consumers, shape.slices);
    (isShared ? sharedTiles : ownTiles).push_back(i);
    int64_t columns = kRoleChannels;
    if (!tile.access.has(DimRole::Channel))
      columns =
          llvm::alignTo(tile.access.getSize(DimRole::State), kRoleChannels);
    int64_t stages = isShared ? shared.stages : own.stages * shape.consumers;
    tile.buffer = allocate({chunk, columns}, tile.access.type.getElementType(),
                           stages, /*panels=*/true);
  }
  for (Value value : getMasks(scan)) {
    auto type = cast<RankedTensorType>(value.getType());
    masks[value] = allocate({chunk, chunk}, type.getElementType(),
                            mask.stages * shape.consumers, /*panels=*/true);
  }
  for (BulkTile &out : outs)
    out.buffer =
        allocate({chunk, kRoleChannels}, out.access.type.getElementType(),
                 kOutStages * shape.consumers, /*panels=*/true);
}

void RoleKernel::createPipelines() {
  auto create = [&](Pipeline &pipeline, int64_t groups, int64_t full,
                    int64_t empty) {
    auto type =
        tile::PipelineType::get(b.getContext(), pipeline.stages, groups);
    pipeline.value =
        tile::PipelineOp::create(entry, b.getLoc(), type, full, empty);
  };
  // Readers: the mask maker and every consumer; one of them; one of them.
  create(shared, 1, 1, kWarpsOfGroup * (1 + shape.consumers));
  create(own, shape.consumers, 2, 2 * kWarpsOfGroup);
  create(mask, shape.consumers, kWarpsOfGroup, kWarpsOfGroup);
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

LogicalResult RoleKernel::createRoles() {
  auto roles = tile::RolesOp::create(b);
  roles.getBody().emplaceBlock();
  entry.setInsertionPoint(roles);
  b.setInsertionPointToEnd(&roles.getBody().front());
  auto create = [&](StringRef roleName, int64_t warps, int64_t instances,
                    int64_t registers) {
    auto role = tile::RoleOp::create(b, roleName, warps, instances, registers);
    role.getBody().emplaceBlock().addArgument(b.getIndexType(), b.getLoc());
    return role;
  };
  auto load = create("load", 1, 1, shape.loadRegisters);
  auto vectors = create("vectors", 1, shape.consumers, shape.loadRegisters);
  int64_t idle = kWarpsOfGroup - 1 - shape.consumers;
  if (idle > 0)
    create("idle", 1, idle, shape.loadRegisters);
  auto maskMaker = create("mask", kWarpsOfGroup, 1, shape.maskRegisters);
  auto consume =
      create("consume", kWarpsOfGroup, shape.consumers, shape.consumeRegisters);

  // Readers first: they say which vectors are wanted.
  auto fill = [&](tile::RoleOp role) {
    b.setInsertionPointToStart(&role.getBody().front());
    return role.getInstance();
  };
  Value instance = fill(consume);
  if (failed(emitConsumeRole(instance)))
    return failure();
  fill(maskMaker);
  if (failed(emitMaskRole()))
    return failure();
  instance = fill(vectors);
  if (failed(emitVectorRole(instance)))
    return failure();
  fill(load);
  if (failed(emitLoadRole()))
    return failure();
  b.setInsertionPointAfter(roles);
  return success();
}

LogicalResult RoleKernel::build() {
  shared.stages = shape.sharedStages;
  own.stages = shape.ownStages;
  mask.stages = shape.maskStages;
  createFunction();
  createBuffers();
  createPipelines();
  b.setInsertionPointToEnd(&function.getBody().front());
  divideWork();
  if (failed(prepareSummaries()) || failed(createRoles()))
    return failure();
  gpu::ReturnOp::create(b);
  return success();
}
