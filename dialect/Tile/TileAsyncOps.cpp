// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of asynchronous products and copies.

#include "dialect/Tile/TileDialect.h"

using namespace mlir;

namespace mamba::tile {

/// A stage as bulk copies and warpgroup products read it.
static LogicalResult verifySwizzled(Operation *op, StringRef rule,
                                    BufferType buffer) {
  bool rows = buffer.getShape().size() == 2 &&
              buffer.getSharedLayout().pitch() == kBankRowBytes;
  if (buffer.getStages() == 1 && rows &&
      buffer.getElementType().getIntOrFloatBitWidth() == 16)
    return success();
  return op->emitOpError("(")
         << rule
         << ") works on one stage of 16-bit elements in panels or rows of 128 "
            "bytes, got "
         << buffer;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

namespace {
/// Rows and columns of an operand, after transposition.
std::array<int64_t, 2> extentsOf(Type type, bool transposed) {
  ArrayRef<int64_t> shape = isa<BufferType>(type)
                                ? cast<BufferType>(type).getShape()
                                : cast<RankedTensorType>(type).getShape();
  if (transposed)
    return {shape.back(), shape.front()};
  return {shape.front(), shape.back()};
}

Type elementOf(Type type) {
  if (auto buffer = dyn_cast<BufferType>(type))
    return buffer.getElementType();
  return cast<RankedTensorType>(type).getElementType();
}
} // namespace

LogicalResult WgmmaOp::verify() {
  RankedTensorType result = getResult().getType().getTile();
  auto layout = cast<AccumulatorAttr>(result.getEncoding());
  const int64_t grid[] = {4, 1};
  ArrayRef<int64_t> warpgroup = grid;
  if (layout.getWarps() != warpgroup || layout.getCopies() != 1 ||
      !result.getElementType().isF32())
    return emitOpError("(C3) the result is f32 in accumulator<warps = [4, 1]>, "
                       "got ")
           << result;
  if (getAccumulator() && getAccumulator().getType() != result)
    return emitOpError("(C3) the accumulator is of type ")
           << getAccumulator().getType() << ", the result of " << result;
  if (RoleOp role = RoleOp::getEnclosing(*this); role && role.getWarps() != 4)
    return emitOpError("(C1) stands in a role of four warps, got ")
           << role.getWarps();
  auto a = extentsOf(getA().getType(), getTransposeA());
  auto b = extentsOf(getB().getType(), getTransposeB());
  int64_t m = result.getDimSize(0), n = result.getDimSize(1), k = a[1];
  if (m != 64 || k % 16 != 0 || n % 8 != 0 || n > 256)
    return emitOpError("(C2) needs M = 64, K a multiple of 16 and N one of 8 "
                       "up to 256, got M = ")
           << m << ", N = " << n << ", K = " << k;
  Type element = elementOf(getA().getType());
  if ((!element.isF16() && !element.isBF16()) ||
      element != getB().getType().getElementType())
    return emitOpError("(C4) operands are both f16 or both bf16, got ")
           << element << " and " << getB().getType().getElementType();
  if (failed(verifySwizzled(*this, "C4", getB().getType())))
    return failure();
  if (auto tile = dyn_cast<RankedTensorType>(getA().getType())) {
    auto operand = dyn_cast<OperandAAttr>(tile.getEncoding());
    if (!operand || operand.getWarps() != warpgroup || operand.getCopies() != 1)
      return emitOpError("(C4) a register operand has the layout "
                         "operand_a<warps = [4, 1]>, got ")
             << tile.getEncoding();
    if (getTransposeA())
      return emitOpError("(C5) only buffers are read transposed");
  } else if (failed(verifySwizzled(*this, "C4",
                                   cast<BufferType>(getA().getType())))) {
    return failure();
  }
  if (a[0] < m || b[0] < k || b[1] < n)
    return emitOpError("(C6) operands are too small for a product of M = ")
           << m << ", N = " << n << ", K = " << k << ": a has " << a[0]
           << " rows, b is " << b[0] << "x" << b[1];
  // Otherwise the tensor cores would still write to registers that have been
  // given to other values.
  if (llvm::none_of(getResult().getUsers(),
                    [](Operation *user) { return isa<WgmmaWaitOp>(user); }))
    return emitOpError("(C7) the result is waited for");
  return success();
}

LogicalResult WgmmaWaitOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location>,
                                            WgmmaWaitOp::Adaptor adaptor,
                                            SmallVectorImpl<Type> &inferred) {
  auto type = dyn_cast<PendingType>(adaptor.getSource().getType());
  if (!type)
    return failure();
  inferred.push_back(type.getTile());
  return success();
}

LogicalResult WgmmaWaitOp::verify() {
  auto product = getSource().getDefiningOp<WgmmaOp>();
  if (!product || product->getBlock() != (*this)->getBlock())
    return emitOpError("(C1) waits for a product of the same block");
  int64_t later = 0;
  for (Operation *op = product->getNextNode(); op != *this;
       op = op->getNextNode())
    later += isa<WgmmaOp>(op);
  if (later > static_cast<int64_t>(getPending()))
    return emitOpError("(C2) leaves ")
           << getPending() << " products pending, but " << later
           << " were started after this one";
  if (!getSource().hasOneUse())
    return emitOpError("(C3) a pending tile is waited for once");
  return success();
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

static LogicalResult verifyCoordinates(Operation *op, StringRef rule,
                                       size_t count) {
  if (count >= 3 && count <= 5)
    return success();
  return op->emitOpError("(")
         << rule << ") a box has three to five coordinates, got " << count;
}

LogicalResult CopyBulkOp::verify() {
  if (RoleOp role = RoleOp::getEnclosing(*this); !role || role.getWarps() != 1)
    return emitOpError("(C1) stands in a role of one warp");
  if (failed(verifyCoordinates(*this, "C2", getCoordinates().size())))
    return failure();
  return verifySwizzled(*this, "C3", getBuffer().getType());
}

LogicalResult StoreBulkOp::verify() {
  if (failed(verifyCoordinates(*this, "C1", getCoordinates().size())) ||
      failed(verifySwizzled(*this, "C2", getBuffer().getType())))
    return failure();
  if (static_cast<int64_t>(getPending()) < 0)
    return emitOpError("(C3) pending is at least 0, got ")
           << static_cast<int64_t>(getPending());
  return success();
}

static LogicalResult verifyVector(Operation *op, BufferType buffer) {
  if (buffer.getShape().size() == 1 && buffer.getStages() == 1 &&
      buffer.getElementType().isF32())
    return success();
  return op->emitOpError("(C1) works on one stage of a vector of f32, got ")
         << buffer;
}

LogicalResult CopyVectorOp::verify() {
  if (failed(verifyTeam(*this, getTeam())))
    return failure();
  return verifyVector(*this, getBuffer().getType());
}

LogicalResult LoadElementOp::verify() {
  BufferType buffer = getBuffer().getType();
  if (failed(verifyVector(*this, buffer)))
    return failure();
  if (static_cast<int64_t>(getIndex()) < 0 ||
      static_cast<int64_t>(getIndex()) >= buffer.getShape()[0])
    return emitOpError("(C2) element ")
           << static_cast<int64_t>(getIndex()) << " is outside of " << buffer;
  return success();
}

} // namespace mamba::tile
