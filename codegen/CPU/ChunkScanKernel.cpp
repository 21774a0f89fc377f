// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/ChunkScanKernel.h"

#include "codegen/CPU/KernelFunction.h"
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

/// Where the tile of a chunk lies in a compact tensor.
struct TileAccess {
  TileAccess(RankedTensorType type, ssd::RolesAttr roles) {
    for (auto [size, role] : llvm::zip_equal(type.getShape(), roles.getRoles()))
      switch (role) {
      case ssd::DimRole::Batch:
        hasBatch = true;
        break;
      case ssd::DimRole::Time:
        hasTime = true;
        break;
      case ssd::DimRole::Head:
        heads = size;
        break;
      default:
        inner.push_back(size);
      }
  }

  int64_t getHeadStride() const { return llvm::product_of(inner); }
  int64_t getTokenStride() const { return heads * getHeadStride(); }

  bool hasBatch = false, hasTime = false;
  int64_t heads = 1;
  SmallVector<int64_t> inner; // sizes behind the batch, time and head
};

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

  Type getLoadType(unsigned operand);
  bool isCarriedTransposed(BlockArgument state);
  void loadTile(unsigned operand, Value token, Value valid);
  void storeTile(unsigned output, Value tile, Value token, Value valid);
  SmallVector<Value> initialStates();
  void emitChunk(Value token, MutableArrayRef<Value> states);
  void cloneBody(Value valid);
  Value emitPad(ssd::PadOp pad, Value valid);
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
    Value state = loop.getResult(i);
    if (isCarriedTransposed(scan.getStateArgument(i)))
      state = transpose(state);
    auto type = cast<RankedTensorType>(state.getType());
    Value buffer = bufferization::ToBufferOp::create(
        b, MemRefType::get(type.getShape(), type.getElementType()), state,
        /*read_only=*/true);
    emitCopy(
        b, buffer,
        sliceState(scan->getNumOperands() + scan.getOuts().size() + i, type));
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

/// Whether products read the state along its second dimension more often than
/// along its first: a product wants its second operand contracted along rows.
bool ChunkScanKernel::isCarriedTransposed(BlockArgument state) {
  if (cast<RankedTensorType>(state.getType()).getRank() != 2)
    return false;
  int64_t votes = 0;
  SmallVector<Value> worklist{state};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    for (Operation *user : value.getUsers()) {
      if (isa<arith::TruncFOp, arith::ExtFOp>(user))
        worklist.push_back(user->getResult(0));
      if (auto dot = dyn_cast<ssd::DotOp>(user); dot && dot.getRhs() == value)
        votes += dot.getContract()[1] == 1 ? 1 : -1;
    }
  }
  return votes > 0;
}

/// Brings the tile of an operand into a local buffer and maps the body's
/// argument to it. Without a time dimension `valid` is not needed.
void ChunkScanKernel::loadTile(unsigned operand, Value token, Value valid) {
  auto type = cast<RankedTensorType>(scan.getIns()[operand].getType());
  TileAccess access(type, scan.getInRole(operand));
  BlockArgument argument = scan.getBody().getArgument(operand);
  auto tileType = cast<RankedTensorType>(argument.getType());
  SmallVector<int64_t> strides = getCompactStrides(access.inner);
  if (access.hasTime)
    strides.insert(strides.begin(), access.getTokenStride());
  Value source = kernel.slice(operand, getOffset(access, token),
                              tileType.getShape(), strides);
  Type loadType = getLoadType(operand);
  Value buffer = allocate(tileType.getShape(), loadType);
  if (!access.hasTime) {
    emitCopy(b, source, buffer);
  } else {
    Value one = kernel.constant(1);
    scf::ForOp::create(
        b, kernel.constant(0), valid, one, {},
        [&](OpBuilder &nested, Location loc, Value row, ValueRange) {
          ImplicitLocOpBuilder inLoop(loc, nested);
          emitCopy(inLoop, getRow(inLoop, source, row),
                   getRow(inLoop, buffer, row));
          scf::YieldOp::create(inLoop);
        });
    scf::ForOp::create(
        b, valid, kernel.constant(scan.getChunk()), one, {},
        [&](OpBuilder &nested, Location loc, Value row, ValueRange) {
          ImplicitLocOpBuilder inLoop(loc, nested);
          Value zero = arith::ConstantOp::create(
              inLoop, inLoop.getFloatAttr(loadType, 0.0));
          linalg::FillOp::create(inLoop, zero, getRow(inLoop, buffer, row));
          scf::YieldOp::create(inLoop);
        });
  }
  Value tile = asTensor(buffer, /*writable=*/access.hasTime);
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
  SmallVector<int64_t> strides = getCompactStrides(access.inner);
  if (access.hasTime)
    strides.insert(strides.begin(), access.getTokenStride());
  Value target =
      kernel.slice(scan->getNumOperands() + output, getOffset(access, token),
                   tileType.getShape(), strides);
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
    Value state;
    if (scan.getInits().empty()) {
      Value zero = arith::ConstantOp::create(
          b, b.getFloatAttr(type.getElementType(), 0.0));
      Value empty =
          tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
      state = linalg::FillOp::create(b, zero, empty).getResult(0);
    } else {
      Value buffer = allocate(type.getShape(), type.getElementType());
      emitCopy(b, sliceState(scan.getIns().size() + i, type), buffer);
      state = asTensor(buffer, /*writable=*/true);
    }
    states.push_back(isCarriedTransposed(argument) ? transpose(state) : state);
  }
  return states;
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
    states[i - outputs] = transposed ? transpose(next) : next;
  }
}

void ChunkScanKernel::cloneBody(Value valid) {
  for (Operation &op : scan.getBody().front().without_terminator()) {
    if (op.getNumResults() == 1 && mapping.contains(op.getResult(0)))
      continue; // extended when it was loaded
    if (auto pad = dyn_cast<ssd::PadOp>(op))
      mapping.map(pad.getResult(), emitPad(pad, valid));
    else
      b.clone(op, mapping);
  }
}

Value ChunkScanKernel::emitPad(ssd::PadOp pad, Value valid) {
  auto type = cast<RankedTensorType>(pad.getType());
  Value input = mapping.lookup(pad.getInput());
  AffineMap map = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  Value empty =
      tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  auto generic = linalg::GenericOp::create(
      b, type, input, empty, {map, map}, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Value row = linalg::IndexOp::create(nested, loc, 0);
        Value inside = arith::CmpIOp::create(
            nested, loc, arith::CmpIPredicate::ult, row, valid);
        Value constant = arith::ConstantOp::create(
            nested, loc,
            nested.getFloatAttr(type.getElementType(),
                                pad.getValue().convertToDouble()));
        Value value =
            arith::SelectOp::create(nested, loc, inside, args[0], constant);
        linalg::YieldOp::create(nested, loc, value);
      });
  return generic.getResult(0);
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
