// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/TileKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"
#include "passes/Transforms/TileEmitter.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

namespace {

/// A kernel operand and where its elements stand in memory. Every dimension
/// but the batch has a static stride, because only time, the second dimension,
/// has a dynamic size.
struct Access {
  Value pointer;
  RankedTensorType type;
  SmallVector<DimRole> roles;

  bool has(DimRole role) const { return llvm::is_contained(roles, role); }
  int64_t getSize(DimRole role) const {
    return type.getDimSize(llvm::find(roles, role) - roles.begin());
  }
  /// Elements from one index of `role` to the next (for the batch: of one
  /// token, when there is a time dimension).
  int64_t getStride(DimRole role) const {
    int64_t stride = 1;
    for (size_t i = roles.size(); i-- > 0 && roles[i] != role;)
      if (roles[i] != DimRole::Time)
        stride *= type.getDimSize(i);
    return stride;
  }
};

class KernelBuilder {
public:
  KernelBuilder(ChunkScanOp scan, gpu::GPUModuleOp module, StringRef name)
      : scan(scan), module(module), name(name), axes(scan),
        b(scan.getLoc(), scan.getContext()), entry(scan.getContext()),
        schedule(*scan.getSchedule()) {}

  LogicalResult build();

private:
  LogicalResult checkProgram();
  LogicalResult chooseShape();
  void createFunction();
  void createSetup();
  Access makeAccess(Value tensor, ArrayRef<DimRole> roles);
  Value getPointer(Value tensor);
  Value embedConstant(DenseElementsAttr elements);
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value mul(Value value, int64_t factor);
  Value baseOffset(const Access &access);
  Value tokenOffset(const Access &access, Value firstToken);
  Value columnBound(const Access &access);
  Value getRows(Value chunkIndex);
  Value toChunk(Value step);
  void startCopies(Value step, Value stage);
  SmallVector<Value> loadVectors(Value step);
  void openChunk(Value step);
  LogicalResult emitChunk(Value step, ValueRange carried,
                          SmallVectorImpl<Value> &next);
  LogicalResult bindArguments(TileEmitter &emitter, Value step,
                              ValueRange carried);
  LogicalResult storeOutput(TileEmitter &emitter, unsigned i, Value chunk);
  LogicalResult createLoop();
  Value loadScalar(const Access &access);
  Value loadState(unsigned i);
  void storeFinals(ValueRange states);
  Access stateAccess(Value tensor, unsigned i);

  ChunkScanOp scan;
  gpu::GPUModuleOp module;
  StringRef name;
  TileAxes axes;
  ImplicitLocOpBuilder b;
  OpBuilder entry;
  ScheduleAttr schedule;
  TileShape shape;
  gpu::GPUFuncOp function;
  scf::ForOp loop;
  /// Kernel parameters, by the tensor they point to.
  llvm::DenseMap<Value, Value> pointers;
  SmallVector<Access> inputs;
  /// Buffers of the pipelined operands (null for others), by operand.
  SmallVector<Value> pipelined;
  SmallVector<Value> outBuffers;
  /// Operands that are vectors of tokens.
  SmallVector<unsigned> vectors;
  Value batch, head, slice, length, numChunks, sliceWidth;
  int64_t slices = 1;
  int64_t channels = 0;
  unsigned numConstants = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Checks and shape
//===----------------------------------------------------------------------===//

LogicalResult KernelBuilder::checkProgram() {
  if (scan.getNumStates() == 0)
    return scan.emitOpError("without a state has no GPU kernel");
  for (unsigned i = 0; i < scan.getNumStates(); ++i) {
    auto type = cast<RankedTensorType>(scan.getStateArgument(i).getType());
    for (auto [what, size] : {std::pair("headdim P", type.getDimSize(0)),
                              std::pair("state size N", type.getDimSize(1))})
      if (size % 8 != 0 || size > 256)
        return scan.emitOpError(what)
               << " is " << size
               << ", but on the GPU it must be a multiple of 8 and at most "
                  "256";
    if (type.getDimSize(0) !=
        cast<RankedTensorType>(scan.getStateArgument(0).getType())
            .getDimSize(0))
      return scan.emitOpError("states must have one headdim P on the GPU");
  }
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
  slices = llvm::divideCeil(channels, shape.channels);
  int64_t largest = 0;
  for (unsigned i = 0; i < scan.getNumStates(); ++i)
    largest = std::max(
        largest, cast<RankedTensorType>(scan.getStateArgument(i).getType())
                     .getDimSize(1));
  shape.state = chooseStateGrid(shape.channels, largest, shape.warps);
  return success();
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

/// A constant tensor is part of the kernel: a global of its module.
Value KernelBuilder::embedConstant(DenseElementsAttr elements) {
  OpBuilder::InsertionGuard guard(b);
  Type element = elements.getElementType();
  auto type = LLVM::LLVMArrayType::get(element, elements.getNumElements());
  auto flat = DenseElementsAttr::getFromRawBuffer(
      RankedTensorType::get(elements.getNumElements(), element),
      elements.getRawData());
  if (elements.isSplat())
    flat = DenseElementsAttr::get(flat.getType(),
                                  elements.getSplatValue<Attribute>());
  std::string symbol =
      (name + "_constant" + Twine(numConstants++)).str();
  b.setInsertionPointToStart(module.getBody());
  auto global = LLVM::GlobalOp::create(
      b, type, /*isConstant=*/true, LLVM::Linkage::Internal, symbol, flat,
      /*alignment=*/16, /*addrSpace=*/1);
  b.setInsertionPoint(length.getDefiningOp());
  return LLVM::AddressOfOp::create(b, global);
}

/// The kernel parameter that points to `tensor`.
Value KernelBuilder::getPointer(Value tensor) {
  DenseElementsAttr constant;
  if (matchPattern(tensor, m_Constant(&constant)))
    return embedConstant(constant);
  return pointers.lookup(tensor);
}

Access KernelBuilder::makeAccess(Value tensor, ArrayRef<DimRole> roles) {
  return {getPointer(tensor), cast<RankedTensorType>(tensor.getType()),
          SmallVector<DimRole>(roles)};
}

Value KernelBuilder::mul(Value value, int64_t factor) {
  if (factor == 1)
    return value;
  return arith::MulIOp::create(b, value, index(factor));
}

/// Offset of the thread block's batch, head and headdim slice.
Value KernelBuilder::baseOffset(const Access &access) {
  Value offset = index(0);
  auto add = [&](Value term) {
    offset = arith::AddIOp::create(b, offset, term);
  };
  if (access.has(DimRole::Batch)) {
    Value row = mul(batch, access.getStride(DimRole::Batch));
    add(access.has(DimRole::Time) ? arith::MulIOp::create(b, row, length)
                                  : row);
  }
  if (access.has(DimRole::Head)) {
    int64_t sharing = scan.getHeads() / access.getSize(DimRole::Head);
    Value operandHead = head;
    if (sharing > 1)
      operandHead = arith::DivUIOp::create(b, head, index(sharing));
    add(mul(operandHead, access.getStride(DimRole::Head)));
  }
  if (access.has(DimRole::Channel) && slices > 1)
    add(mul(slice, shape.channels * access.getStride(DimRole::Channel)));
  return offset;
}

Value KernelBuilder::tokenOffset(const Access &access, Value firstToken) {
  return arith::AddIOp::create(
      b, baseOffset(access), mul(firstToken, access.getStride(DimRole::Time)));
}

/// Columns of a [time, channel] or [time, state] operand.
Value KernelBuilder::columnBound(const Access &access) {
  if (access.has(DimRole::Channel))
    return sliceWidth;
  return index(access.getSize(DimRole::State));
}

/// Valid tokens from the first token of a chunk on (more than a chunk holds,
/// except in the last one).
Value KernelBuilder::getRows(Value chunkIndex) {
  return arith::SubIOp::create(b, length, mul(chunkIndex, shape.chunk));
}

/// The chunk that step `step` of the loop works on.
Value KernelBuilder::toChunk(Value step) {
  if (!scan.getReverse())
    return step;
  Value last = arith::SubIOp::create(b, numChunks, index(1));
  return arith::SubIOp::create(b, last, step);
}

//===----------------------------------------------------------------------===//
// Function
//===----------------------------------------------------------------------===//

void KernelBuilder::createFunction() {
  SmallVector<Value> tensors;
  for (Value operand : scan.getOperands())
    if (!matchPattern(operand, m_Constant()))
      tensors.push_back(operand);
  tensors.append(scan->result_begin(), scan->result_end());
  SmallVector<Type> types(
      tensors.size(), LLVM::LLVMPointerType::get(b.getContext(), /*space=*/1));
  types.append(2, b.getI64Type());
  b.setInsertionPointToEnd(module.getBody());
  function = gpu::GPUFuncOp::create(b, name, b.getFunctionType(types, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({int32_t(32 * shape.warps), 1, 1}));
  // Left alone, ptxas gives up registers for a third block and spills.
  function->setAttr("nvvm.minctasm",
                    b.getI32IntegerAttr(1));
  function->setAttr(kSlicesAttr, b.getI64IntegerAttr(slices));
  // A tensor that is two operands has two parameters, which agree.
  for (auto [tensor, parameter] :
       llvm::zip(tensors, function.getArguments()))
    pointers[tensor] = parameter;
  b.setInsertionPointToStart(&function.getBody().front());
}

/// Which batch, head and slice this thread block works on, and its operands.
void KernelBuilder::createSetup() {
  unsigned numArguments = function.getNumArguments();
  Value lengthArgument = function.getArgument(numArguments - 1);
  length = arith::IndexCastOp::create(b, b.getIndexType(), lengthArgument);
  entry.setInsertionPoint(length.getDefiningOp());
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  slice = index(0);
  if (slices > 1) {
    slice = arith::RemUIOp::create(b, block, index(slices));
    block = arith::DivUIOp::create(b, block, index(slices));
  }
  head = arith::RemUIOp::create(b, block, index(scan.getHeads()));
  batch = arith::DivUIOp::create(b, block, index(scan.getHeads()));
  Value left = arith::SubIOp::create(b, index(channels),
                                     mul(slice, shape.channels));
  sliceWidth = arith::MinSIOp::create(b, left, index(shape.channels));
  numChunks = arith::CeilDivUIOp::create(b, length, index(shape.chunk));

  for (auto [i, operand] : llvm::enumerate(scan.getIns())) {
    inputs.push_back(makeAccess(operand, scan.getInRole(i).getRoles()));
    const Access &access = inputs.back();
    Value tile = scan.getBody().getArgument(i);
    int64_t rank = cast<RankedTensorType>(tile.getType()).getRank();
    pipelined.push_back(Value());
    if (access.has(DimRole::Time) && rank == 1)
      vectors.push_back(i);
    if (!access.has(DimRole::Time) || rank != 2)
      continue;
    TileEmitter emitter(b, entry, scan, axes, shape);
    auto type = tile::BufferType::get(
        b.getContext(),
        {emitter.getExtent(tile, 0), emitter.getExtent(tile, 1)},
        access.type.getElementType(), schedule.getStages());
    pipelined.back() = tile::AllocOp::create(entry, b.getLoc(), type);
  }
}

//===----------------------------------------------------------------------===//
// Pipeline
//===----------------------------------------------------------------------===//

/// Starts the copies of the chunk of `step` into `stage`; past the last step
/// nothing is read and the buffers are filled with zeros.
void KernelBuilder::startCopies(Value step, Value stage) {
  Value chunk = toChunk(step);
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, step,
                                       numChunks);
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
                              columnBound(access), target);
  }
  tile::CommitCopiesOp::create(b);
}

/// The vectors of tokens of the chunk of `step`, zeros past the last step.
SmallVector<Value> KernelBuilder::loadVectors(Value step) {
  SmallVector<Value> values;
  Value chunk = toChunk(step);
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, step,
                                       numChunks);
  Value rows = arith::SelectOp::create(b, inside, getRows(chunk), index(0));
  for (unsigned i : vectors) {
    const Access &access = inputs[i];
    auto type = RankedTensorType::get({shape.chunk},
                                      access.type.getElementType(),
                                      tile::LaneAttr::get(b.getContext()));
    values.push_back(tile::LoadGlobalOp::create(
        b, type, access.pointer,
        tokenOffset(access, mul(chunk, shape.chunk)),
        ValueRange{index(access.getStride(DimRole::Time))},
        ValueRange{rows}));
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
// States and scalars
//===----------------------------------------------------------------------===//

Access KernelBuilder::stateAccess(Value tensor, unsigned i) {
  auto tile = cast<RankedTensorType>(scan.getStateArgument(i).getType());
  auto type = RankedTensorType::get({ShapedType::kDynamic,
                                     int64_t(scan.getHeads()), channels,
                                     tile.getDimSize(1)},
                                    tile.getElementType());
  return {getPointer(tensor),
          type,
          {DimRole::Batch, DimRole::Head, DimRole::Channel, DimRole::State}};
}

Value KernelBuilder::loadState(unsigned i) {
  TileEmitter emitter(b, entry, scan, axes, shape);
  Value tile = scan.getStateArgument(i);
  RankedTensorType type =
      emitter.getType(tile, emitter.getNaturalLayout(tile));
  if (scan.getInits().empty()) {
    Value zero =
        arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
    return tile::SplatOp::create(b, type, zero);
  }
  Access access = stateAccess(scan.getInits()[i], i);
  int64_t stateSize = access.getSize(DimRole::State);
  return tile::LoadGlobalOp::create(
      b, type, access.pointer, baseOffset(access),
      ValueRange{index(stateSize), index(1)},
      ValueRange{sliceWidth, index(stateSize)});
}

void KernelBuilder::storeFinals(ValueRange states) {
  for (unsigned i = 0; i < scan.getFinals().size(); ++i) {
    Access access = stateAccess(scan.getFinals()[i], i);
    int64_t stateSize = access.getSize(DimRole::State);
    tile::StoreGlobalOp::create(b, states[i], access.pointer,
                                baseOffset(access),
                                ValueRange{index(stateSize), index(1)},
                                ValueRange{sliceWidth, index(stateSize)});
  }
}

/// A per-head scalar.
Value KernelBuilder::loadScalar(const Access &access) {
  Value offset = arith::IndexCastOp::create(b, b.getI64Type(),
                                            baseOffset(access));
  Type element = access.type.getElementType();
  Value address = LLVM::GEPOp::create(b, access.pointer.getType(), element,
                                      access.pointer, offset);
  return LLVM::LoadOp::create(b, element, address);
}

//===----------------------------------------------------------------------===//
// Chunk loop
//===----------------------------------------------------------------------===//

LogicalResult KernelBuilder::bindArguments(TileEmitter &emitter, Value step,
                                           ValueRange carried) {
  Value stage =
      arith::RemUIOp::create(b, step, index(schedule.getStages()));
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
      emitter.bindScalar(tile, loadScalar(access));
      continue;
    }
    emitter.bindChannels(tile, [this, access = access](RankedTensorType type) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(loop);
      return tile::LoadGlobalOp::create(b, type, access.pointer,
                                        baseOffset(access),
                                        ValueRange{index(1)},
                                        ValueRange{columnBound(access)})
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
  Access access =
      makeAccess(scan.getOuts()[i], scan.getOutRole(i).getRoles());
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
  emitter.bindValidRows(
      arith::IndexCastOp::create(b, b.getI32Type(), rows));
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
  if (failed(emitChunk(loop.getInductionVar(), loop.getRegionIterArgs(),
                       next)))
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
  createFunction();
  createSetup();
  return createLoop();
}

namespace mamba {

LogicalResult buildTileKernel(ChunkScanOp scan, gpu::GPUModuleOp module,
                              StringRef name) {
  return KernelBuilder(scan, module, name).build();
}

} // namespace mamba
