// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

TileEmitter::TileEmitter(OpBuilder &builder, OpBuilder &entry, ChunkScanOp scan,
                         const TileAxes &axes, TileShape shape)
    : builder(builder), entry(entry), scan(scan), axes(axes), shape(shape) {}

void TileEmitter::bindBuffer(Value tile, Value buffer) {
  buffers[tile] = buffer;
}

void TileEmitter::bindScalar(Value tile, Value scalar) {
  scalars[tile] = scalar;
}

void TileEmitter::bindVector(Value tile, Value lanes) {
  emitted[{{tile, getNaturalLayout(tile)}, false}] = lanes;
}

void TileEmitter::bindState(Value tile, Value registers) {
  emitted[{{tile, getNaturalLayout(tile)}, isNaturallyTransposed(tile)}] =
      registers;
}

void TileEmitter::bindChannels(Value tile,
                               std::function<Value(RankedTensorType)> load) {
  channelLoads[tile] = std::move(load);
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

int64_t TileEmitter::getExtent(Value value, unsigned axis) {
  int64_t size = tensorType(value).getDimSize(axis);
  std::optional<DimRole> role = axes.getRole(value, axis);
  if (!role || *role == DimRole::Time)
    return size;
  if (*role == DimRole::Channel)
    return shape.state.paddedRows;
  return llvm::alignTo(size, std::max<int64_t>(16, 8 * shape.state.columns));
}

Attribute TileEmitter::getNaturalLayout(Value value) {
  MLIRContext *context = builder.getContext();
  if (tensorType(value).getRank() == 1)
    return tile::LaneAttr::get(context);
  int64_t grid[] = {shape.warps, 1};
  if (axes.getRole(value, 0) == DimRole::Channel) {
    grid[0] = shape.state.rows;
    grid[1] = shape.state.columns;
  }
  return tile::AccumulatorAttr::get(context, grid, /*copies=*/1);
}

RankedTensorType TileEmitter::getType(Value value, Attribute layout,
                                      bool transposed) {
  SmallVector<int64_t> extents;
  for (unsigned axis = 0; axis < tensorType(value).getRank(); ++axis)
    extents.push_back(getExtent(value, axis));
  if (transposed)
    std::reverse(extents.begin(), extents.end());
  return RankedTensorType::get(extents, tensorType(value).getElementType(),
                               layout);
}

//===----------------------------------------------------------------------===//
// Classification
//===----------------------------------------------------------------------===//

/// Whether every thread can compute the value in any layout from buffers,
/// vectors and constants.
bool TileEmitter::isPointwiseOfBuffers(Value value) {
  if (isa<BlockArgument>(value))
    return !llvm::is_contained(
        scan.getBody().getArguments().drop_front(scan.getIns().size()), value);
  Operation *op = value.getDefiningOp();
  if (isa<DotOp, SegmentDecayOp>(op))
    return false;
  if (isa<BroadcastOp, CumsumOp, RangeScaleOp, ReduceSumOp>(op))
    return true;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return isPointwiseOfBuffers(operand);
  });
}

bool TileEmitter::dependsOnlyOnStates(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getArgNumber() >= scan.getIns().size();
  Operation *op = value.getDefiningOp();
  bool local = op->hasTrait<OpTrait::Elementwise>() ||
               isa<BroadcastOp, RangeScaleOp>(op);
  return local && op->getNumOperands() > 0 &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return dependsOnlyOnStates(operand);
         });
}

/// Which triangle of a Q×Q tile can be non-zero.
tile::Support TileEmitter::getSupport(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return tile::Support::Full;
  if (auto decay = dyn_cast<SegmentDecayOp>(op))
    return decay.getTransposed() ? tile::Support::Upper : tile::Support::Lower;
  if (isa<arith::MulFOp>(op)) {
    tile::Support lhs = getSupport(op->getOperand(0));
    return lhs == tile::Support::Full ? getSupport(op->getOperand(1)) : lhs;
  }
  if (isa<arith::TruncFOp, arith::ExtFOp>(op))
    return getSupport(op->getOperand(0));
  if (isa<arith::AddFOp>(op)) {
    tile::Support lhs = getSupport(op->getOperand(0));
    return lhs == getSupport(op->getOperand(1)) ? lhs : tile::Support::Full;
  }
  return tile::Support::Full;
}

/// Whether every use multiplies the value by a mask of this support.
bool TileEmitter::isOnlyReadBelowDiagonal(Value value, tile::Support support) {
  return llvm::all_of(value.getUses(), [&](OpOperand &use) {
    return isa<arith::MulFOp>(use.getOwner()) &&
           getSupport(use.getOwner()->getOperand(1 - use.getOperandNumber())) ==
               support;
  });
}

//===----------------------------------------------------------------------===//
// Staging through shared memory
//===----------------------------------------------------------------------===//

Value TileEmitter::storeStaged(Value value, Value registers) {
  auto type = cast<RankedTensorType>(registers.getType());
  auto bufferType = tile::BufferType::get(builder.getContext(), type.getShape(),
                                          type.getElementType(), /*stages=*/1);
  Location loc = value.getLoc();
  Value buffer = tile::AllocOp::create(entry, loc, bufferType);
  tile::StoreSharedOp::create(builder, loc, registers, buffer);
  staged[value] = buffer;
  barrierPending = true;
  return buffer;
}

/// The buffer a value is staged in. Its last readers are behind the barrier
/// that opens the chunk, its writers in front of the barrier placed here.
FailureOr<Value> TileEmitter::getStaged(Value value) {
  Value buffer = staged.lookup(value);
  if (!buffer) {
    FailureOr<Value> registers = emit(value);
    if (failed(registers))
      return failure();
    buffer = storeStaged(value, *registers);
  }
  if (barrierPending)
    tile::BarrierOp::create(builder, value.getLoc());
  barrierPending = false;
  return buffer;
}

void TileEmitter::stageStates() {
  for (DotOp dot : scan.getBody().front().getOps<DotOp>())
    for (Value operand : {dot.getLhs(), dot.getRhs()})
      if (dependsOnlyOnStates(operand) && !staged.count(operand)) {
        FailureOr<Value> registers = emit(operand);
        assert(succeeded(registers) && "conversions of a state are point-wise");
        storeStaged(operand, *registers);
      }
}

//===----------------------------------------------------------------------===//
// Two-dimensional tiles
//===----------------------------------------------------------------------===//

FailureOr<Value> TileEmitter::emit(Value value) {
  if (tensorType(value).getRank() == 0)
    return emitScalar(value);
  return emitTile(value, getNaturalLayout(value), isNaturallyTransposed(value));
}

FailureOr<Value> TileEmitter::emitTile(Value value, Attribute layout,
                                       bool transposed) {
  Key key{{value, layout}, transposed};
  if (Value known = emitted.lookup(key))
    return known;
  FailureOr<Value> result = emitUncached(value, layout, transposed);
  if (succeeded(result))
    emitted[key] = *result;
  return result;
}

FailureOr<Value> TileEmitter::emitUncached(Value value, Attribute layout,
                                           bool transposed) {
  if (tensorType(value).getRank() == 1)
    return emitVector(value, layout);
  if (tensorType(value).getRank() != 2)
    return emitError(value.getLoc())
           << "tiles of rank " << tensorType(value).getRank()
           << " have no GPU layout; the limit is 2";
  bool natural = layout == getNaturalLayout(value) &&
                 transposed == isNaturallyTransposed(value);
  if (!natural && !isPointwiseOfBuffers(value))
    return emitConverted(value, layout, transposed);
  if (Value buffer = getBuffer(value))
    return tile::LoadSharedOp::create(builder, value.getLoc(),
                                      getType(value, layout, transposed),
                                      buffer, transposed)
        .getResult();
  Operation *op = value.getDefiningOp();
  assert(op && "states and buffers are bound");
  if (auto dot = dyn_cast<DotOp>(op))
    return emitDot(dot);
  if (auto decay = dyn_cast<SegmentDecayOp>(op))
    return emitSegmentDecay(decay);
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return emitBroadcast(broadcast, layout, transposed);
  if (auto pad = dyn_cast<PadOp>(op))
    return emitPad(pad, layout, transposed);
  return emitPointwise(*op, layout, transposed);
}

/// Whether every thread holds of the value's natural form what it wants of an
/// operand: rows of an accumulator as a left operand, or transposed as a right
/// one.
bool TileEmitter::isRenamed(Value value, Attribute layout, bool transposed) {
  auto natural = dyn_cast<tile::AccumulatorAttr>(getNaturalLayout(value));
  if (!natural || natural.getWarps()[1] != 1)
    return false;
  bool flips = transposed != isNaturallyTransposed(value);
  if (auto left = dyn_cast<tile::OperandAAttr>(layout))
    return !flips && left.getWarps() == natural.getWarps();
  auto right = dyn_cast<tile::OperandBAttr>(layout);
  return right && flips && right.getWarps()[0] == 1 &&
         right.getWarps()[1] == natural.getWarps()[0];
}

/// A value that lives in its natural layout, in another one.
FailureOr<Value> TileEmitter::emitConverted(Value value, Attribute layout,
                                            bool transposed) {
  Location loc = value.getLoc();
  if (isRenamed(value, layout, transposed)) {
    FailureOr<Value> registers = emit(value);
    if (failed(registers))
      return failure();
    return tile::ConvertLayoutOp::create(
               builder, loc, getType(value, layout, transposed), *registers,
               transposed != isNaturallyTransposed(value))
        .getResult();
  }
  FailureOr<Value> buffer = getStaged(value);
  if (failed(buffer))
    return failure();
  return tile::LoadSharedOp::create(builder, loc,
                                    getType(value, layout, transposed), *buffer,
                                    transposed)
      .getResult();
}

FailureOr<Value> TileEmitter::emitBroadcast(BroadcastOp op, Attribute layout,
                                            bool transposed) {
  RankedTensorType type = getType(op.getResult(), layout, transposed);
  Value input = op.getInput();
  if (tensorType(input).getRank() == 0) {
    FailureOr<Value> scalar = emitScalar(input);
    if (failed(scalar))
      return failure();
    return splat(*scalar, type);
  }
  int64_t axis = 1 - op.getDims().front();
  if (transposed)
    axis = 1 - axis;
  auto slice = tile::SliceAttr::get(builder.getContext(), axis, layout);
  FailureOr<Value> vector = emitTile(input, slice, /*transposed=*/false);
  if (failed(vector))
    return failure();
  return tile::BroadcastOp::create(builder, op.getLoc(), type, *vector)
      .getResult();
}

Value TileEmitter::splat(Value scalar, RankedTensorType type) {
  return tile::SplatOp::create(builder, scalar.getLoc(), type, scalar);
}

FailureOr<Value> TileEmitter::emitPad(PadOp op, Attribute layout,
                                      bool transposed) {
  Location loc = op.getLoc();
  FailureOr<Value> input = emitTile(op.getInput(), layout, transposed);
  if (failed(input))
    return failure();
  auto type = cast<RankedTensorType>(input->getType());
  RankedTensorType indexType = type.clone(builder.getI32Type());
  Value row = tile::IotaOp::create(builder, loc, indexType,
                                   /*axis=*/transposed ? 1 : 0);
  Value limit = splat(validRows, indexType);
  Value valid = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                      row, limit);
  Value constant = arith::ConstantOp::create(
      builder, loc,
      builder.getFloatAttr(type.getElementType(),
                           op.getValue().convertToDouble()));
  return arith::SelectOp::create(builder, loc, valid, *input,
                                 splat(constant, type))
      .getResult();
}

FailureOr<Value> TileEmitter::emitPointwise(Operation &op, Attribute layout,
                                            bool transposed) {
  Value value = op.getResult(0);
  RankedTensorType type = getType(value, layout, transposed);
  DenseElementsAttr constant;
  if (matchPattern(value, m_Constant(&constant))) {
    if (!constant.isSplat())
      return op.emitError("constant tiles on the GPU must be splats");
    Value scalar = arith::ConstantOp::create(
        builder, op.getLoc(),
        cast<TypedAttr>(constant.getSplatValue<Attribute>()));
    return splat(scalar, type);
  }
  if (!op.hasTrait<OpTrait::Elementwise>())
    return op.emitError("'") << op.getName() << "' has no GPU form";
  SmallVector<Value> operands;
  for (Value operand : op.getOperands()) {
    FailureOr<Value> emittedOperand = emitTile(operand, layout, transposed);
    if (failed(emittedOperand))
      return failure();
    operands.push_back(*emittedOperand);
  }
  OperationState state(op.getLoc(), op.getName(), operands, type,
                       op.getAttrs());
  return builder.create(state)->getResult(0);
}

} // namespace mamba
