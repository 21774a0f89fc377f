// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// KernelBuilder: checks, the pipeline of copies and the loop over chunks.

#include "passes/Transforms/TileKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "passes/Transforms/KernelBuilder.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

//===----------------------------------------------------------------------===//
// Checks and shape
//===----------------------------------------------------------------------===//

LogicalResult KernelBuilder::checkProgram() {
  if (failed(checkStates()))
    return failure();
  for (DotOp dot : scan.getBody().front().getOps<DotOp>()) {
    Type element =
        cast<RankedTensorType>(dot.getLhs().getType()).getElementType();
    if (!element.isBF16() && !element.isF16())
      return scan.emitOpError("multiplies ")
             << element
             << " operands, but tensor cores are used with bf16 and f16 only";
  }
  return success();
}

LogicalResult KernelBuilder::chooseShape() {
  shape.chunk = scan.getChunk();
  shape.warps = schedule.getWarps();
  if (!llvm::isPowerOf2_64(shape.warps) || shape.warps > 8)
    return scan.emitOpError("needs a schedule with 1, 2, 4 or 8 warps on the "
                            "GPU, but has ")
           << shape.warps;
  if (shape.chunk % (16 * shape.warps) != 0)
    return scan.emitOpError("chunk is ")
           << shape.chunk << ", but " << shape.warps
           << " warps need a multiple of " << 16 * shape.warps << " tokens";
  if (schedule.getStages() < 1)
    return scan.emitOpError("needs a schedule with at least one stage on the "
                            "GPU, but has ")
           << schedule.getStages();
  auto state = cast<RankedTensorType>(scan.getStateArgument(0).getType());
  channels = state.getDimSize(0);
  shape.channels = schedule.getChannels() ? schedule.getChannels() : channels;
  shape.channels = std::min(shape.channels, channels);
  if (shape.channels % 8 != 0)
    return scan.emitOpError("headdim slices must be multiples of 8, but have ")
           << shape.channels << " channels";
  int64_t largest = 0;
  for (unsigned i = 0; i < scan.getNumStates(); ++i)
    largest = std::max(
        largest, cast<RankedTensorType>(scan.getStateArgument(i).getType())
                     .getDimSize(1));
  shape.state = chooseStateGrid(shape.channels, largest, shape.warps);
  return success();
}

//===----------------------------------------------------------------------===//
// Pipeline
//===----------------------------------------------------------------------===//

/// Starts the copies of the chunk of `step` into `stage`; past the last step
/// nothing is read and the buffers are filled with zeros.
void KernelBuilder::startCopies(Value step, Value stage) {
  Value chunk = toChunk(step);
  Value inside =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, step, numChunks);
  Value rows = arith::SelectOp::create(b, inside, getRows(chunk), index(0));
  Value firstToken = mul(chunk, shape.chunk);
  for (auto [access, buffer] : llvm::zip_equal(inputs, pipelined)) {
    if (!buffer)
      continue;
    Value target = buffer;
    if (schedule.getStages() > 1)
      target = tile::StageOp::create(b, buffer, stage);
    tile::CopyAsyncOp::create(b, access.pointer,
                              tokenOffset(access, firstToken),
                              index(access.getStride(DimRole::Time)), rows,
                              columnBound(access), target, /*team=*/nullptr);
  }
  tile::CommitCopiesOp::create(b);
}

/// The vectors of tokens of the chunk of `step`, zeros past the last step.
SmallVector<Value> KernelBuilder::loadVectors(Value step) {
  SmallVector<Value> values;
  Value chunk = toChunk(step);
  Value inside =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, step, numChunks);
  Value rows = arith::SelectOp::create(b, inside, getRows(chunk), index(0));
  for (unsigned i : vectors) {
    const Access &access = inputs[i];
    auto type =
        RankedTensorType::get({shape.chunk}, access.type.getElementType(),
                              tile::LaneAttr::get(b.getContext()));
    values.push_back(tile::LoadGlobalOp::create(
        b, type, access.pointer, tokenOffset(access, mul(chunk, shape.chunk)),
        ValueRange{index(access.getStride(DimRole::Time))}, ValueRange{rows}));
  }
  return values;
}

/// The stage of `step` is filled and visible; the stage that the next copies
/// overwrite, and every other buffer, is no longer read.
void KernelBuilder::openChunk(Value step) {
  int64_t stages = schedule.getStages();
  if (stages == 1) {
    tile::BarrierOp::create(b);
    startCopies(step, Value());
    tile::WaitCopiesOp::create(b, 0);
    tile::BarrierOp::create(b);
    return;
  }
  tile::WaitCopiesOp::create(b, stages - 2);
  tile::BarrierOp::create(b);
  Value ahead = arith::AddIOp::create(b, step, index(stages - 1));
  startCopies(ahead, arith::RemUIOp::create(b, ahead, index(stages)));
}

//===----------------------------------------------------------------------===//
// Chunk loop
//===----------------------------------------------------------------------===//

LogicalResult KernelBuilder::bindArguments(TileEmitter &emitter, Value step,
                                           ValueRange carried) {
  Value stage = arith::RemUIOp::create(b, step, index(schedule.getStages()));
  unsigned numStates = scan.getNumStates();
  unsigned nextVector = 0;
  for (auto [i, access] : llvm::enumerate(inputs)) {
    Value tile = scan.getBody().getArgument(i);
    int64_t rank = cast<RankedTensorType>(tile.getType()).getRank();
    if (pipelined[i]) {
      Value buffer = pipelined[i];
      if (schedule.getStages() > 1)
        buffer = tile::StageOp::create(b, buffer, stage);
      emitter.bindBuffer(tile, buffer);
      continue;
    }
    if (access.has(DimRole::Time) && rank == 1) {
      emitter.bindVector(tile, carried[numStates + nextVector++]);
      continue;
    }
    if (access.has(DimRole::Time) || rank > 1)
      return scan.emitOpError("operand ")
             << i << " has a tile of rank " << rank
             << ", which the GPU back end cannot place";
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop);
    if (rank == 0) {
      emitter.bindScalar(tile, loadScalar(access, baseOffset(access)));
      continue;
    }
    emitter.bindChannels(tile, [this, access = access](RankedTensorType type) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(loop);
      return tile::LoadGlobalOp::create(
                 b, type, access.pointer, baseOffset(access),
                 ValueRange{index(1)}, ValueRange{columnBound(access)})
          .getResult();
    });
  }
  for (unsigned i = 0; i < numStates; ++i)
    emitter.bindState(scan.getStateArgument(i), carried[i]);
  return success();
}

LogicalResult KernelBuilder::storeOutput(TileEmitter &emitter, unsigned i,
                                         Value chunk) {
  FailureOr<Value> tile = emitter.emit(scan.getYield().getTiles()[i]);
  if (failed(tile))
    return failure();
  Access access = makeAccess(scan.getOuts()[i], scan.getOutRole(i).getRoles());
  Value offset = tokenOffset(access, mul(chunk, shape.chunk));
  Value stride = index(access.getStride(DimRole::Time));
  Value rows = getRows(chunk);
  auto type = cast<RankedTensorType>(tile->getType());
  if (type.getRank() == 1) {
    tile::StoreGlobalOp::create(b, *tile, access.pointer, offset,
                                ValueRange{stride}, ValueRange{rows});
    return success();
  }
  if (type.getElementTypeBitWidth() == 32) {
    tile::StoreGlobalOp::create(b, *tile, access.pointer, offset,
                                ValueRange{stride, index(1)},
                                ValueRange{rows, columnBound(access)});
    return success();
  }
  // A warp stores the rows that it copies out: its own barrier is enough.
  tile::WarpBarrierOp::create(b);
  tile::StoreSharedOp::create(b, *tile, outBuffers[i]);
  tile::WarpBarrierOp::create(b);
  tile::CopyOutOp::create(b, outBuffers[i], access.pointer, offset, stride,
                          rows, columnBound(access));
  return success();
}

LogicalResult KernelBuilder::emitChunk(Value step, ValueRange carried,
                                       SmallVectorImpl<Value> &next) {
  Value chunk = toChunk(step);
  openChunk(step);
  Value following = arith::AddIOp::create(b, step, index(1));
  SmallVector<Value> nextVectors = loadVectors(following);
  TileEmitter emitter(b, entry, scan, axes, shape);
  if (failed(bindArguments(emitter, step, carried)))
    return failure();
  Value rows = arith::MinSIOp::create(b, getRows(chunk), index(shape.chunk));
  emitter.bindValidRows(arith::IndexCastOp::create(b, b.getI32Type(), rows));
  emitter.stageStates();
  unsigned numOuts = scan.getOuts().size();
  for (unsigned i = 0; i < numOuts; ++i)
    if (failed(storeOutput(emitter, i, chunk)))
      return failure();
  for (unsigned i = 0; i < scan.getNumStates(); ++i) {
    FailureOr<Value> state =
        emitter.emit(scan.getYield().getTiles()[numOuts + i]);
    if (failed(state))
      return failure();
    next.push_back(*state);
  }
  next.append(nextVectors);
  return success();
}

LogicalResult KernelBuilder::createLoop() {
  for (unsigned i = 0; i < scan.getOuts().size(); ++i) {
    Value tile = scan.getYield().getTiles()[i];
    auto tileType = cast<RankedTensorType>(tile.getType());
    outBuffers.push_back(Value());
    if (tileType.getRank() != 2 || tileType.getElementTypeBitWidth() != 16)
      continue;
    TileEmitter emitter(b, entry, scan, axes, shape);
    auto type = tile::BufferType::get(
        b.getContext(),
        {emitter.getExtent(tile, 0), emitter.getExtent(tile, 1)},
        tileType.getElementType(), /*stages=*/1);
    outBuffers.back() = tile::AllocOp::create(entry, b.getLoc(), type);
  }
  for (int64_t step = 0; step + 1 < schedule.getStages(); ++step)
    startCopies(index(step), index(step));
  SmallVector<Value> initial;
  for (unsigned i = 0; i < scan.getNumStates(); ++i)
    initial.push_back(loadState(i));
  initial.append(loadVectors(index(0)));
  loop = scf::ForOp::create(b, index(0), numChunks, index(1), initial);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next;
  if (failed(emitChunk(loop.getInductionVar(), loop.getRegionIterArgs(), next)))
    return failure();
  scf::YieldOp::create(b, next);
  b.setInsertionPointAfter(loop);
  storeFinals(loop.getResults());
  gpu::ReturnOp::create(b);
  return success();
}

LogicalResult KernelBuilder::build() {
  if (failed(checkProgram()) || failed(chooseShape()))
    return failure();
  createFunction(shape.warps, llvm::divideCeil(channels, shape.channels));
  // Left alone, ptxas gives up registers for a third block and spills.
  function->setAttr("nvvm.minctasm", b.getI32IntegerAttr(1));
  createSetup();
  return createLoop();
}

namespace mamba {

LogicalResult buildTileKernel(ChunkScanOp scan, gpu::GPUModuleOp module,
                              StringRef name) {
  return KernelBuilder(scan, module, name).build();
}

} // namespace mamba
