// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of the ops on buffers, copies and global memory.

#include "dialect/Tile/TileDialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace mamba::tile {

static LogicalResult verifyOneStage(Operation *op, BufferType buffer) {
  if (buffer.getStages() != 1)
    return op->emitOpError("(C1) works on one stage of a buffer, got ")
           << buffer.getStages() << " stages: select one with tile.stage";
  return success();
}

LogicalResult AllocOp::verify() {
  auto function = dyn_cast_or_null<FunctionOpInterface>((*this)->getParentOp());
  if (!function || (*this)->getBlock() != &function.getFunctionBody().front())
    return emitOpError("(C1) must stand in the entry block of a function");
  return success();
}

LogicalResult StageOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                        StageOp::Adaptor adaptor,
                                        SmallVectorImpl<Type> &inferred) {
  auto buffer = dyn_cast<BufferType>(adaptor.getBuffer().getType());
  if (!buffer)
    return failure();
  inferred.push_back(buffer.getStageType());
  return success();
}

LogicalResult verifyTeam(Operation *op, std::optional<uint64_t> team) {
  if (team && static_cast<int64_t>(*team) < 1)
    return op->emitOpError("(C2) a team has at least one warp, got ")
           << static_cast<int64_t>(*team);
  return success();
}

LogicalResult CopyAsyncOp::verify() {
  if (failed(verifyTeam(*this, getTeam())))
    return failure();
  return verifyOneStage(*this, getBuffer().getType());
}

LogicalResult CopyOutOp::verify() {
  return verifyOneStage(*this, getBuffer().getType());
}

LogicalResult WaitCopiesOp::verify() {
  if (static_cast<int64_t>(getPending()) < 0)
    return emitOpError("(C1) the number of pending groups is at least 0, got ")
           << static_cast<int64_t>(getPending());
  return success();
}

static LogicalResult verifySameTile(Operation *op, BufferType buffer,
                                    RankedTensorType tile, bool transposed) {
  SmallVector<int64_t> shape(buffer.getShape());
  if (transposed)
    std::reverse(shape.begin(), shape.end());
  if (ArrayRef<int64_t>(shape) != tile.getShape() ||
      buffer.getElementType() != tile.getElementType())
    return op->emitOpError("(C2) buffer ")
           << buffer << (transposed ? " transposed" : "") << " and tile "
           << tile << " differ in shape or element type";
  return success();
}

LogicalResult LoadSharedOp::verify() {
  BufferType buffer = getBuffer().getType();
  RankedTensorType tile = getResult().getType();
  if (failed(verifyOneStage(*this, buffer)) ||
      failed(verifySameTile(*this, buffer, tile, getTransposed())))
    return failure();
  if (getTransposed() && tile.getElementTypeBitWidth() != 16)
    return emitOpError("(C3) a transposed load needs a 16-bit element type, "
                       "got ")
           << tile.getElementType();
  return success();
}

LogicalResult StoreSharedOp::verify() {
  BufferType buffer = getBuffer().getType();
  RankedTensorType tile = getTile().getType();
  if (failed(verifyOneStage(*this, buffer)) ||
      failed(verifySameTile(*this, buffer, tile, getTransposed())))
    return failure();
  if (tile.getRank() == 1
          ? !isa<LaneAttr>(tile.getEncoding())
          : !isa<AccumulatorAttr, OperandAAttr>(tile.getEncoding()))
    return emitOpError("(C3) the layout must be accumulator or operand_a, of a "
                       "vector lane, got ")
           << tile.getEncoding();
  if (getTransposed() && tile.getElementTypeBitWidth() != 16)
    return emitOpError("(C4) a transposed store needs a 16-bit element type, "
                       "got ")
           << tile.getElementType();
  return success();
}

static LogicalResult verifyAxes(Operation *op, RankedTensorType tile,
                                size_t strides, size_t bounds) {
  size_t rank = tile.getRank();
  if (strides != rank || bounds != rank)
    return op->emitOpError("(C1) a tile of rank ")
           << rank << " needs " << rank << " strides and bounds, got "
           << strides << " and " << bounds;
  return success();
}

LogicalResult LoadGlobalOp::verify() {
  return verifyAxes(*this, getResult().getType(), getStrides().size(),
                    getBounds().size());
}

LogicalResult StoreGlobalOp::verify() {
  return verifyAxes(*this, getTile().getType(), getStrides().size(),
                    getBounds().size());
}

} // namespace mamba::tile
