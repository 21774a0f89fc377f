// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// TeamKernel: the function, its buffers, and what a chunk computes.

#include "passes/Transforms/TeamKernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/KernelAttr.h"
#include "passes/Transforms/RoleShape.h"
#include "passes/Transforms/TileKernel.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

//===----------------------------------------------------------------------===//
// Function
//===----------------------------------------------------------------------===//

/// States and decays that thread blocks hand over, and flags.
SmallVector<Attribute> TeamKernel::describeWorkspaces() {
  auto describe = [&](ArrayRef<int64_t> sizes, Type element) -> Attribute {
    return TypeAttr::get(RankedTensorType::get(sizes, element));
  };
  int64_t units = ShapedType::kDynamic;
  ArrayRef<int64_t> state = stateType().getShape();
  return {describe({units, shape.teams, state[0], state[1]}, b.getF32Type()),
          describe({units, shape.teams}, b.getF32Type()),
          describeFlags(/*flags=*/1)};
}

void TeamKernel::createFunction() {
  SmallVector<Value> tensors = listTensors();
  SmallVector<Attribute> workspaces = describeWorkspaces();
  SmallVector<Type> types(tensors.size() + workspaces.size(),
                          LLVM::LLVMPointerType::get(b.getContext(), 1));
  types.append(2, b.getI64Type());
  b.setInsertionPointToEnd(module.getBody());
  function = gpu::GPUFuncOp::create(b, name, b.getFunctionType(types, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({int32_t(tile::kLanes * shape.getWarps()), 1, 1}));
  function->setAttr("nvvm.minctasm", b.getI32IntegerAttr(1));
  auto set = [&](StringRef attribute, int64_t value) {
    function->setAttr(attribute, b.getI64IntegerAttr(value));
  };
  function->setAttr(kWorkspacesAttr, b.getArrayAttr(workspaces));
  set(kGangAttr, shape.gang);
  set(kSetsAttr, shape.sets);
  set(kSegmentChunksAttr, shape.segmentChunks);
  set(kChunkAttr, shape.chunk);
  bindPointers(tensors);
  b.setInsertionPointToStart(&function.getBody().front());
  unsigned next = tensors.size();
  handoverStates = function.getArgument(next++);
  handoverDecays = function.getArgument(next++);
  flagArea = function.getArgument(next++);
  batchSize = widen(function.getArgument(next++));
  length = widen(function.getArgument(next++));
  entry.setInsertionPoint(length.getDefiningOp());
  openFlags();
  Value warp = gpu::SubgroupIdOp::create(b, /*upper_bound=*/IntegerAttr());
  team = number(0);
  if (shape.teams > 1)
    team = arith::DivUIOp::create(b, narrow(warp), number(shape.warps));
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

Value TeamKernel::allocate(ArrayRef<int64_t> extents, Type element,
                           int64_t stages) {
  auto type = tile::BufferType::get(b.getContext(), extents, element, stages);
  return tile::AllocOp::create(entry, b.getLoc(), type);
}

Value TeamKernel::stageOf(Value buffer, Value index) {
  if (cast<tile::BufferType>(buffer.getType()).getStages() == 1)
    return buffer;
  return tile::StageOp::create(b, buffer, widen(index));
}

void TeamKernel::createBuffers() {
  for (auto [i, operand] : llvm::enumerate(scan.getIns())) {
    Access access = makeAccess(operand, scan.getInRole(i).getRoles());
    if (!isTokenTile(scan, i)) {
      if (access.has(DimRole::Time))
        vectors[i] = allocate({shape.chunk}, access.type.getElementType(),
                              2 * shape.teams);
      continue;
    }
    Tile &tile = tiles[i];
    tile.access = access;
    tile.shared = isSharedOperand(scan, i, shape.teams, shape.slices);
    int64_t stages = countTileStages(scan, shape, i);
    tile.early = shape.stages > 1 && stages == 1;
    int64_t columns = access.has(DimRole::Channel) ? shape.paddedChannels
                                                   : stateType().getDimSize(1);
    tile.buffer = allocate({shape.chunk, columns}, access.type.getElementType(),
                           tile.shared ? stages : stages * shape.teams);
  }
  for (Value value : getMasks(scan))
    masks[value] = allocate(
        {shape.chunk, shape.chunk},
        cast<RankedTensorType>(value.getType()).getElementType(), shape.teams);
}

bool TeamSlots::holdsTile(Value tile) {
  auto argument = dyn_cast<BlockArgument>(tile);
  if (argument)
    return kernel.tiles.count(argument.getArgNumber()) != 0;
  return readsMasks && kernel.masks.count(tile) != 0;
}

Value TeamSlots::getTile(Value tile) {
  if (auto it = kernel.masks.find(tile); it != kernel.masks.end())
    return kernel.stageOf(it->second, team);
  const TeamKernel::Tile &held =
      kernel.tiles[cast<BlockArgument>(tile).getArgNumber()];
  bool alternates = kernel.shape.stages > 1 && !held.early;
  Value stage = alternates ? parity : kernel.number(0);
  if (!held.shared)
    stage = kernel.add(kernel.mul(stage, kernel.shape.teams), team);
  return kernel.stageOf(held.buffer, stage);
}

Value TeamSlots::getVector(Value value, Form form) {
  Value &buffer = kernel.exports[{value, int(form)}];
  auto type = cast<RankedTensorType>(value.getType());
  // A scalar takes the least that a buffer may have.
  int64_t elements = type.getRank() == 1 ? type.getDimSize(0) : 4;
  bool isHalf = form == Form::High || form == Form::Low;
  Type element = isHalf ? Type(kernel.b.getBF16Type()) : kernel.b.getF32Type();
  if (!buffer)
    buffer = kernel.allocate({elements}, element, 2 * kernel.shape.teams);
  return kernel.stageOf(
      buffer, kernel.add(kernel.mul(parity, kernel.shape.teams), team));
}

//===----------------------------------------------------------------------===//
// A chunk
//===----------------------------------------------------------------------===//

/// The masks of one chunk, of all teams: the scores that they share once, then
/// the mask of each. All warps take part.
LogicalResult TeamKernel::emitMasks(const Piece &piece, Value parity,
                                    Operation *before) {
  auto isShared = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && tiles.count(argument.getArgNumber()) &&
           tiles[argument.getArgNumber()].shared;
  };
  TeamSlots common(*this, number(0), parity, /*readsMasks=*/false);
  TeamEmitter shared(b, entry, scan, axes, common, shape);
  SmallVector<std::pair<Value, Value>> scores;
  for (DotOp dot : scan.getBody().front().getOps<DotOp>()) {
    Value result = dot.getResult();
    if (axes.getRole(result, 0) != DimRole::Time ||
        axes.getRole(result, 1) != DimRole::Time || !isShared(dot.getLhs()) ||
        !isShared(dot.getRhs()))
      continue;
    FailureOr<Value> registers = shared.emit(result);
    if (failed(registers))
      return failure();
    scores.push_back({result, *registers});
  }
  for (int64_t i = 0; i < shape.teams; ++i) {
    TeamSlots slots(*this, number(i), parity, /*readsMasks=*/false);
    TeamEmitter emitter(b, entry, scan, axes, slots, shape);
    bindPartOperands(emitter, piece, piece.members[i], before);
    for (auto [score, registers] : scores)
      emitter.bindRegisters(score, registers);
    for (auto [value, buffer] : masks) {
      FailureOr<Value> registers = emitter.emit(value);
      if (failed(registers))
        return failure();
      tile::StoreSharedOp::create(b, *registers, stageOf(buffer, number(i)),
                                  /*transposed=*/false);
    }
  }
  return success();
}

/// What products with masks add to, while other warps still make masks.
LogicalResult TeamKernel::emitUnmasked(TeamEmitter &emitter) {
  std::function<bool(Value)> needsMask = [&](Value value) {
    Operation *op = value.getDefiningOp();
    return masks.count(value) ||
           (op && llvm::any_of(op->getOperands(), needsMask));
  };
  for (DotOp dot : scan.getBody().front().getOps<DotOp>()) {
    Value init = dot.getInit();
    if (init && !needsMask(init) && needsMask(dot.getResult()) &&
        failed(emitter.emit(init)))
      return failure();
  }
  return success();
}

/// Outputs go to memory from registers: through shared memory they would wait
/// for it twice, and in front of the next state they leave it their registers.
LogicalResult TeamKernel::emitOutputs(TeamEmitter &emitter, const Piece &piece,
                                      Value token) {
  for (unsigned i = 0; i < scan.getOuts().size(); ++i) {
    FailureOr<Value> result = emitter.emit(scan.getYield().getTiles()[i]);
    if (failed(result))
      return failure();
    Access access =
        makeAccess(scan.getOuts()[i], scan.getOutRole(i).getRoles());
    int64_t stride = access.getStride(DimRole::Time);
    Value offset = tokenOffset(access, piece, piece.own, token);
    tile::StoreGlobalOp::create(
        b, *result, access.pointer, offset, ValueRange{index(stride), index(1)},
        ValueRange{widen(countRows(token)), sliceWidth(piece.own)});
  }
  return success();
}

LogicalResult TeamKernel::walkPiece(const Piece &piece) {
  scf::IfOp summary;
  if (shape.segmentChunks > 0) {
    summary = scf::IfOp::create(b, emitIsContinued(),
                                /*withElseRegion=*/false);
  }
  Value initial = emitInitialState(piece);
  auto walk = [&](Value step, Value parity, ValueRange carried,
                  SmallVectorImpl<Value> &next) -> LogicalResult {
    Operation *before = b.getInsertionBlock()->getParentOp();
    if (failed(emitMasks(piece, parity, before)))
      return failure();
    Value token = emitToken(step);
    TeamSlots slots(*this, team, parity, /*readsMasks=*/true);
    TeamEmitter emitter(b, entry, scan, axes, slots, shape);
    bindPartOperands(emitter, piece, piece.own, before);
    emitter.bindValidRows(
        arith::MinSIOp::create(b, countRows(token), number(shape.chunk)));
    emitter.bindState(scan.getStateArgument(0), carried[0]);
    if (failed(emitUnmasked(emitter)))
      return failure();
    tile::BarrierOp::create(b);
    if (shape.stages == 2) {
      startCopies(piece, add(step, number(1)), parity, /*early=*/true,
                  /*late=*/false);
      tile::CommitCopiesOp::create(b);
    }
    if (failed(emitOutputs(emitter, piece, token)))
      return failure();
    FailureOr<Value> state = emitter.emit(scan.getYield().getTiles().back());
    if (failed(state))
      return failure();
    next.push_back(*state);
    return success();
  };
  SmallVector<Value> results;
  if (failed(emitChunks(piece, /*summary=*/false, initial, walk, results)))
    return failure();
  emitFinalState(piece, results[0]);
  if (!summary)
    return success();
  // It asks for no more vectors than the chunks did.
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(summary.thenYield());
  return emitSummary(piece);
}

LogicalResult TeamKernel::emitPieces() {
  auto loop = scf::ForOp::create(b, work.begin, work.stop, work.stride);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Part part = emitPart(loop.getInductionVar());
  Piece piece = {part, emitMember(part, team), /*members=*/{}};
  for (int64_t i = 0; i < shape.teams; ++i)
    piece.members.push_back(emitMember(piece, number(i)));
  return walkPiece(piece);
}

LogicalResult TeamKernel::build() {
  createFunction();
  createBuffers();
  divideWork();
  if (failed(emitPieces()))
    return failure();
  gpu::ReturnOp::create(b);
  for (const VectorSite &site : sites)
    if (failed(emitVectors(site)))
      return failure();
  return success();
}
