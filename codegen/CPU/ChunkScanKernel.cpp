// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/ChunkScanKernel.h"

#include "codegen/CPU/ChunkTiles.h"
#include "codegen/CPU/KernelFunction.h"
#include "codegen/CPU/StaticTiles.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

class ChunkScanKernel {
public:
  ChunkScanKernel(ssd::ChunkScanOp scan, StringRef name, ModuleOp module)
      : scan(scan),
        kernel(module, name, scan.getLoc(),
               llvm::to_vector(llvm::concat<Value>(
                   llvm::to_vector(scan->getOperands()),
                   llvm::to_vector(ValueRange(scan->getResults()))))),
        b(kernel.builder()) {}

  void emit();

private:
  Value getOffset(const TileAccess &access, Value token);
  Value sliceState(unsigned tensor, RankedTensorType type);
  Value allocate(ArrayRef<int64_t> shape, Type elementType);
  Value asTensor(Value buffer, bool writable = false);

  Value sliceTile(unsigned tensor, RankedTensorType tileType,
                  const TileAccess &access, Value token);
  Type getLoadType(unsigned operand);
  void loadTile(unsigned operand, Value token, Value valid);
  Value loadPartialRows(Value source, Value valid);
  void storeTile(unsigned output, Value tile, Value token, Value valid);
  SmallVector<Value> initialStates();
  Value getFinalInPlace(unsigned state);
  Value initializeInPlace(unsigned state, Value final);
  Value zeroOf(ShapedType type);
  void emitChunk(Value token, MutableArrayRef<Value> states);
  void cloneBody(Value valid);
  Value transpose(Value tile);

  ssd::ChunkScanOp scan;
  KernelFunction kernel;
  ImplicitLocOpBuilder &b;
  IRMapping mapping;
  Value batchIndex, head;
};

} // namespace

void ChunkScanKernel::emit() {
  Value heads = kernel.constant(scan.getHeads());
  batchIndex = arith::DivUIOp::create(b, kernel.getItem(), heads);
  head = arith::RemUIOp::create(b, kernel.getItem(), heads);
  for (unsigned i = 0; i < scan.getIns().size(); ++i)
    if (!TileAccess(cast<RankedTensorType>(scan.getIns()[i].getType()),
                    scan.getInRole(i))
             .hasTime)
      loadTile(i, kernel.constant(0), {});

  Value chunk = kernel.constant(scan.getChunk());
  Value last =
      kernel.add(kernel.getLength(), kernel.constant(scan.getChunk() - 1));
  Value count = arith::DivUIOp::create(b, last, chunk);
  auto loop = scf::ForOp::create(b, kernel.constant(0), count,
                                 kernel.constant(1), initialStates());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value number = loop.getInductionVar();
    if (scan.getReverse())
      number = arith::SubIOp::create(
          b, arith::SubIOp::create(b, count, kernel.constant(1)), number);
    SmallVector<Value> states(loop.getRegionIterArgs());
    emitChunk(kernel.mul(number, chunk), states);
    if (!states.empty()) // without loop values there is one already
      scf::YieldOp::create(b, states);
  }
  for (auto [i, final] : llvm::enumerate(scan.getFinals())) {
    BlockArgument argument = scan.getStateArgument(i);
    if (!isCarriedTransposed(argument))
      continue; // it was carried there
    auto carried = cast<RankedTensorType>(loop.getResult(i).getType());
    Value buffer = bufferization::ToBufferOp::create(
        b, MemRefType::get(carried.getShape(), carried.getElementType()),
        loop.getResult(i), /*read_only=*/true);
    emitCopy(b, buffer,
             sliceState(scan->getNumOperands() + scan.getOuts().size() + i,
                        cast<RankedTensorType>(argument.getType())),
             /*transposed=*/true);
  }
}

/// Offset of the current batch and head at `token`.
Value ChunkScanKernel::getOffset(const TileAccess &access, Value token) {
  int64_t tokenStride = access.getTokenStride();
  Value offset;
  if (access.hasBatch) {
    Value stride = kernel.constant(tokenStride);
    if (access.hasTime)
      stride = kernel.mul(kernel.getLength(), tokenStride);
    offset = kernel.mul(batchIndex, stride);
  }
  if (access.hasTime)
    offset = kernel.add(offset, kernel.mul(token, tokenStride));
  if (access.heads > 1) {
    int64_t sharing = scan.getHeads() / access.heads;
    Value own = head;
    if (sharing > 1)
      own = arith::DivUIOp::create(b, head, kernel.constant(sharing));
    offset = kernel.add(offset, kernel.mul(own, access.getHeadStride()));
  }
  return offset ? offset : kernel.constant(0);
}

/// The current item's state in an initial or final B×H×P×N tensor.
Value ChunkScanKernel::sliceState(unsigned tensor, RankedTensorType type) {
  int64_t size = llvm::product_of(type.getShape());
  return kernel.slice(tensor, kernel.mul(kernel.getItem(), size),
                      type.getShape(), getCompactStrides(type.getShape()));
}

Value ChunkScanKernel::allocate(ArrayRef<int64_t> shape, Type elementType) {
  return memref::AllocOp::create(b, MemRefType::get(shape, elementType));
}

Value ChunkScanKernel::asTensor(Value buffer, bool writable) {
  auto type = cast<MemRefType>(buffer.getType());
  return bufferization::ToTensorOp::create(
      b, RankedTensorType::get(type.getShape(), type.getElementType()), buffer,
      /*restrict=*/true, writable);
}

/// The tile of a tensor at `token`, which may reach behind the tensor's end.
Value ChunkScanKernel::sliceTile(unsigned tensor, RankedTensorType tileType,
                                 const TileAccess &access, Value token) {
  return kernel.slice(tensor, getOffset(access, token), tileType.getShape(),
                      access.getTileStrides());
}

/// Element type of an operand's local tile: where the body only extends it,
/// it is extended on the way in.
Type ChunkScanKernel::getLoadType(unsigned operand) {
  BlockArgument argument = scan.getBody().getArgument(operand);
  Type type = getElementTypeOrSelf(argument.getType());
  Type wide;
  for (Operation *user : argument.getUsers()) {
    auto extend = dyn_cast<arith::ExtFOp>(user);
    Type to = extend ? getElementTypeOrSelf(extend.getType()) : Type();
    if (!extend || (wide && wide != to))
      return type;
    wide = to;
  }
  return wide ? wide : type;
}

/// The rows of a source that is compact: themselves, a copy only where some
/// are behind the end.
Value ChunkScanKernel::loadPartialRows(Value source, Value valid) {
  auto type = cast<MemRefType>(source.getType());
  Value copy = allocate(type.getShape(), type.getElementType());
  Value full = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, valid,
                                     kernel.constant(scan.getChunk()));
  auto choice = scf::IfOp::create(
      b, full,
      [&](OpBuilder &nested, Location loc) {
        scf::YieldOp::create(nested, loc, source);
      },
      [&](OpBuilder &nested, Location loc) {
        ImplicitLocOpBuilder inside(loc, nested);
        loadRows(inside, source, copy, valid);
        Value cast = memref::CastOp::create(inside, type, copy);
        scf::YieldOp::create(inside, cast);
      });
  return choice.getResult(0);
}

/// Brings the tile of an operand into a local buffer and maps the body's
/// argument to it. Without a time dimension `valid` is not needed.
void ChunkScanKernel::loadTile(unsigned operand, Value token, Value valid) {
  auto type = cast<RankedTensorType>(scan.getIns()[operand].getType());
  TileAccess access(type, scan.getInRole(operand));
  BlockArgument argument = scan.getBody().getArgument(operand);
  auto tileType = cast<RankedTensorType>(argument.getType());
  Value source = sliceTile(operand, tileType, access, token);
  Type loadType = getLoadType(operand);
  bool compact = access.heads == 1 && loadType == type.getElementType();
  Value buffer;
  if (!access.hasTime) {
    buffer = allocate(tileType.getShape(), loadType);
    emitCopy(b, source, buffer);
  } else if (compact) {
    buffer = loadPartialRows(source, valid);
  } else {
    buffer = allocate(tileType.getShape(), loadType);
    loadRows(b, source, buffer, valid);
  }
  Value tile = asTensor(buffer, /*writable=*/access.hasTime && !compact);
  mapping.map(argument, tile);
  if (loadType != type.getElementType())
    for (Operation *user : argument.getUsers())
      mapping.map(user->getResult(0), tile);
}

/// Stores the valid rows of an output tile.
void ChunkScanKernel::storeTile(unsigned output, Value tile, Value token,
                                Value valid) {
  auto type = cast<RankedTensorType>(scan.getOuts()[output].getType());
  auto tileType = cast<RankedTensorType>(tile.getType());
  TileAccess access(type, scan.getOutRole(output));
  Value target =
      sliceTile(scan->getNumOperands() + output, tileType, access, token);
  Value buffer = bufferization::ToBufferOp::create(
      b, MemRefType::get(tileType.getShape(), tileType.getElementType()), tile,
      /*read_only=*/true);
  scf::ForOp::create(
      b, kernel.constant(0), valid, kernel.constant(1), {},
      [&](OpBuilder &nested, Location loc, Value row, ValueRange) {
        ImplicitLocOpBuilder inLoop(loc, nested);
        emitCopy(inLoop, getRow(inLoop, buffer, row),
                 getRow(inLoop, target, row));
        scf::YieldOp::create(inLoop);
      });
}

/// The states before the first chunk, as they are carried.
SmallVector<Value> ChunkScanKernel::initialStates() {
  SmallVector<Value> states;
  for (unsigned i = 0; i < scan.getNumStates(); ++i) {
    BlockArgument argument = scan.getStateArgument(i);
    auto type = cast<RankedTensorType>(argument.getType());
    if (Value final = getFinalInPlace(i)) {
      states.push_back(initializeInPlace(i, final));
      continue;
    }
    Value state;
    if (scan.getInits().empty()) {
      Value empty =
          tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
      state = linalg::FillOp::create(b, zeroOf(type), empty).getResult(0);
    } else {
      state = asTensor(sliceState(scan.getIns().size() + i, type));
    }
    states.push_back(isCarriedTransposed(argument) ? transpose(state) : state);
  }
  return states;
}

/// The current item's final state where the state can be carried in it: it is
/// wanted and lies the same way round. Null elsewhere.
Value ChunkScanKernel::getFinalInPlace(unsigned state) {
  BlockArgument argument = scan.getStateArgument(state);
  if (scan.getFinals().empty() || isCarriedTransposed(argument))
    return {};
  return sliceState(scan->getNumOperands() + scan.getOuts().size() + state,
                    cast<RankedTensorType>(argument.getType()));
}

/// Writes the initial state to `final` and carries it there.
Value ChunkScanKernel::initializeInPlace(unsigned state, Value final) {
  auto type = cast<RankedTensorType>(scan.getStateArgument(state).getType());
  if (scan.getInits().empty())
    linalg::FillOp::create(b, zeroOf(type), final);
  else
    emitCopy(b, sliceState(scan.getIns().size() + state, type), final);
  return asTensor(final, /*writable=*/true);
}

Value ChunkScanKernel::zeroOf(ShapedType type) {
  return arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
}

/// One chunk at `token`; replaces `states` by the next ones.
void ChunkScanKernel::emitChunk(Value token, MutableArrayRef<Value> states) {
  Value rest = arith::SubIOp::create(b, kernel.getLength(), token);
  Value valid =
      arith::MinUIOp::create(b, rest, kernel.constant(scan.getChunk()));
  for (unsigned i = 0; i < scan.getIns().size(); ++i)
    if (TileAccess(cast<RankedTensorType>(scan.getIns()[i].getType()),
                   scan.getInRole(i))
            .hasTime)
      loadTile(i, token, valid);
  for (auto [i, state] : llvm::enumerate(states)) {
    BlockArgument argument = scan.getStateArgument(i);
    bool transposed = isCarriedTransposed(argument);
    mapping.map(argument, transposed ? transpose(state) : state);
  }
  cloneBody(valid);
  ssd::YieldOp yield = scan.getYield();
  unsigned outputs = scan.getOuts().size();
  for (auto [i, tile] : llvm::enumerate(yield.getTiles())) {
    if (i < outputs) {
      Operation *truncation = tile.getDefiningOp<arith::TruncFOp>();
      bool onStore = truncation && tile.hasOneUse();
      Value stored = onStore ? truncation->getOperand(0) : tile;
      storeTile(i, mapping.lookup(stored), token, valid);
      continue;
    }
    Value next = mapping.lookup(tile);
    bool transposed = isCarriedTransposed(scan.getStateArgument(i - outputs));
    // The next state ends where the last one was; nothing is copied where it
    // was computed in place.
    Value &state = states[i - outputs];
    state = bufferization::MaterializeInDestinationOp::create(
                b, transposed ? transpose(next) : next, state)
                .getResult();
  }
}

/// Clones what the outputs need first: the next states can then be computed
/// where the last ones are, because nobody reads those any more.
void ChunkScanKernel::cloneBody(Value valid) {
  llvm::SetVector<Operation *> order;
  BackwardSliceOptions options;
  options.inclusive = true;
  ssd::YieldOp yield = scan.getYield();
  for (Value tile : yield.getTiles().take_front(scan.getOuts().size()))
    if (Operation *op = tile.getDefiningOp())
      (void)getBackwardSlice(op, &order, options);
  for (Operation &op : scan.getBody().front().without_terminator())
    order.insert(&op);
  for (Operation *op : order) {
    if (op->getNumResults() == 1 && mapping.contains(op->getResult(0)))
      continue; // extended when it was loaded
    if (auto pad = dyn_cast<ssd::PadOp>(op))
      mapping.map(pad.getResult(),
                  emitPad(b, pad, mapping.lookup(pad.getInput()), valid));
    else
      b.clone(*op, mapping);
  }
}

Value ChunkScanKernel::transpose(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  Value empty = tensor::EmptyOp::create(
      b, {type.getDimSize(1), type.getDimSize(0)}, type.getElementType());
  return linalg::TransposeOp::create(b, tile, empty, ArrayRef<int64_t>{1, 0})
      ->getResult(0);
}

void emitChunkScanKernel(ssd::ChunkScanOp scan, StringRef name,
                         ModuleOp module) {
  ChunkScanKernel(scan, name, module).emit();
}

} // namespace mamba::codegen
