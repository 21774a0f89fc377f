// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers, folders and syntax of the ops on register tiles.

#include "dialect/Tile/TileDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#define GET_OP_CLASSES
#include "dialect/Tile/TileOps.cpp.inc"

using namespace mlir;

namespace mamba::tile {

//===----------------------------------------------------------------------===//
// MmaOp
//===----------------------------------------------------------------------===//

/// operand [`transposed`]
static ParseResult parseOperand(OpAsmParser &parser, OperationState &state,
                                OpAsmParser::UnresolvedOperand &operand,
                                StringRef flag) {
  if (parser.parseOperand(operand))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("transposed")))
    state.addAttribute(flag, parser.getBuilder().getUnitAttr());
  return success();
}

/// [`result`|`a` support]*
static ParseResult parseSupports(OpAsmParser &parser, OperationState &state) {
  auto parseOne = [&](StringRef keyword, StringRef name) -> ParseResult {
    if (failed(parser.parseOptionalKeyword(keyword)))
      return success();
    StringRef text;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&text))
      return failure();
    std::optional<Support> support = symbolizeSupport(text);
    if (!support)
      return parser.emitError(loc, "expected lower, upper or full, got ")
             << text;
    state.addAttribute(name, SupportAttr::get(parser.getContext(), *support));
    return success();
  };
  return failure(parseOne("result", "result_support") ||
                 parseOne("a", "a_support"));
}

ParseResult MmaOp::parse(OpAsmParser &parser, OperationState &state) {
  OpAsmParser::UnresolvedOperand a, b, accumulator;
  Type aType, bType, type;
  if (parseOperand(parser, state, a, "transpose_a") || parser.parseComma() ||
      parseOperand(parser, state, b, "transpose_b") || parser.parseComma() ||
      parser.parseOperand(accumulator) || parseSupports(parser, state) ||
      parser.parseOptionalAttrDict(state.attributes) || parser.parseColon() ||
      parser.parseType(aType) || parser.parseComma() ||
      parser.parseType(bType) || parser.parseArrow() || parser.parseType(type))
    return failure();
  state.addTypes(type);
  return failure(parser.resolveOperand(a, aType, state.operands) ||
                 parser.resolveOperand(b, bType, state.operands) ||
                 parser.resolveOperand(accumulator, type, state.operands));
}

void MmaOp::print(OpAsmPrinter &p) {
  p << " " << getA() << (getTransposeA() ? " transposed" : "") << ", " << getB()
    << (getTransposeB() ? " transposed" : "") << ", " << getAccumulator();
  if (getResultSupport() != Support::Full)
    p << " result " << stringifySupport(getResultSupport());
  if (getASupport() != Support::Full)
    p << " a " << stringifySupport(getASupport());
  p.printOptionalAttrDict((*this)->getAttrs(), {"transpose_a", "transpose_b",
                                                "result_support", "a_support"});
  p << " : " << getA().getType() << ", " << getB().getType() << " -> "
    << getResult().getType();
}

namespace {
/// Shape and element type of an operand after transposition.
struct Matrix {
  std::array<int64_t, 2> shape;
  Type elementType;
};
} // namespace

static Matrix describe(Type type, bool transposed) {
  auto make = [&](ArrayRef<int64_t> s, Type element) {
    return transposed ? Matrix{{s[1], s[0]}, element}
                      : Matrix{{s[0], s[1]}, element};
  };
  if (auto buffer = dyn_cast<BufferType>(type))
    return make(buffer.getShape(), buffer.getElementType());
  auto tile = cast<RankedTensorType>(type);
  if (tile.getRank() != 2)
    return {{-1, -1}, tile.getElementType()};
  return make(tile.getShape(), tile.getElementType());
}

/// Rules (C4) to (C6) for one operand, whose layout would be `layout`.
static LogicalResult verifyOperand(MmaOp op, StringRef name, Type type,
                                   bool transposed, Attribute layout) {
  Matrix matrix = describe(type, transposed);
  if (auto tile = dyn_cast<RankedTensorType>(type)) {
    if (transposed)
      return op.emitOpError("(C5) operand ")
             << name << " is in registers and cannot be transposed";
    if (tile.getEncoding() != layout)
      return op.emitOpError("(C4) operand ")
             << name << " must have the layout " << layout << ", got "
             << tile.getEncoding();
    return success();
  }
  if (cast<BufferType>(type).getStages() != 1)
    return op.emitOpError("(C6) operand ")
           << name << " must be one stage of a buffer, got " << type;
  return cast<VerifiableTensorEncoding>(layout).verifyEncoding(
      matrix.shape, matrix.elementType, [&] {
        return op.emitOpError("(C6) operand ") << name << " in shared memory: ";
      });
}

LogicalResult MmaOp::verify() {
  RankedTensorType type = getResult().getType();
  auto accumulator = dyn_cast<AccumulatorAttr>(type.getEncoding());
  if (!accumulator || !type.getElementType().isF32())
    return emitOpError("(C2) the accumulator must be f32 in an accumulator "
                       "layout, got ")
           << type;
  Matrix a = describe(getA().getType(), getTransposeA());
  Matrix b = describe(getB().getType(), getTransposeB());
  if (a.shape[0] != type.getDimSize(0) || b.shape[1] != type.getDimSize(1) ||
      a.shape[1] != b.shape[0])
    return emitOpError("(C1) shapes do not agree: ")
           << a.shape[0] << "x" << a.shape[1] << " times " << b.shape[0] << "x"
           << b.shape[1] << " plus " << type.getDimSize(0) << "x"
           << type.getDimSize(1);
  if (a.elementType != b.elementType ||
      !(a.elementType.isF16() || a.elementType.isBF16()))
    return emitOpError("(C3) operands must both be f16 or both bf16, got ")
           << a.elementType << " and " << b.elementType;
  ArrayRef<int64_t> warps = accumulator.getWarps();
  int64_t copies = accumulator.getCopies();
  if (failed(verifyOperand(*this, "a", getA().getType(), getTransposeA(),
                           OperandAAttr::get(getContext(), warps, copies))) ||
      failed(verifyOperand(*this, "b", getB().getType(), getTransposeB(),
                           OperandBAttr::get(getContext(), warps, copies))))
    return failure();
  if (getResultSupport() != Support::Full &&
      type.getDimSize(0) != type.getDimSize(1))
    return emitOpError("(C7) a triangular result must be square, got ")
           << type.getDimSize(0) << "x" << type.getDimSize(1);
  if (getASupport() != Support::Full && a.shape[0] != a.shape[1])
    return emitOpError("(C7) a triangular operand a must be square, got ")
           << a.shape[0] << "x" << a.shape[1];
  return success();
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

LogicalResult ConvertLayoutOp::verify() {
  RankedTensorType from = getSource().getType(), to = getResult().getType();
  SmallVector<int64_t> shape(from.getShape());
  if (getTransposed())
    std::reverse(shape.begin(), shape.end());
  if (ArrayRef<int64_t>(shape) != to.getShape() ||
      from.getElementType() != to.getElementType())
    return emitOpError("(C1) source ") << from << " and result " << to
                                       << " differ in shape or element type";
  if (isa<LaneAttr>(from.getEncoding()) && isa<SliceAttr>(to.getEncoding()))
    return success();
  if (getRenaming().empty())
    return emitOpError("(C2) threads do not hold what ")
           << to.getEncoding() << " wants of " << from.getEncoding()
           << ": go through a buffer";
  return success();
}

std::vector<int64_t> ConvertLayoutOp::getRenaming() {
  RegisterLayout from = getRegisterLayout(getSource().getType());
  if (getTransposed())
    from = from.transposed();
  return from.renaming(getRegisterLayout(getResult().getType()));
}

OpFoldResult ConvertLayoutOp::fold(FoldAdaptor) {
  if (!getTransposed() && getSource().getType() == getResult().getType())
    return getSource();
  return {};
}

LogicalResult BroadcastOp::verify() {
  RankedTensorType from = getSource().getType(), to = getResult().getType();
  auto slice = dyn_cast<SliceAttr>(from.getEncoding());
  if (!slice || slice.getOf() != to.getEncoding())
    return emitOpError("(C1) the source layout must be a slice of ")
           << to.getEncoding() << ", got " << from.getEncoding();
  if (from.getDimSize(0) != to.getDimSize(slice.getAxis()) ||
      from.getElementType() != to.getElementType())
    return emitOpError("(C2) source ") << from << " does not run along axis "
                                       << slice.getAxis() << " of " << to;
  return success();
}

LogicalResult SplatOp::verify() {
  if (getScalar().getType() != getResult().getType().getElementType())
    return emitOpError("(C1) scalar ")
           << getScalar().getType() << " is not the element type of "
           << getResult().getType();
  return success();
}

LogicalResult IotaOp::verify() {
  RankedTensorType type = getResult().getType();
  if (!type.getElementType().isInteger(32))
    return emitOpError("(C1) element type must be i32, got ")
           << type.getElementType();
  if (getAxis() >= static_cast<uint64_t>(type.getRank()))
    return emitOpError("(C2) axis ")
           << getAxis() << " is not less than the rank " << type.getRank();
  return success();
}

//===----------------------------------------------------------------------===//
// Along the tokens
//===----------------------------------------------------------------------===//

static LogicalResult verifyLaneVector(Operation *op, RankedTensorType type,
                                      int64_t multiple) {
  if (!isa<LaneAttr>(type.getEncoding()) || !type.getElementType().isF32() ||
      type.getDimSize(0) % multiple != 0)
    return op->emitOpError("(C1) expected f32 elements in the lane layout, a "
                           "multiple of ")
           << multiple << " of them, got " << type;
  return success();
}

LogicalResult CumsumOp::verify() {
  return verifyLaneVector(*this, getSource().getType(), kLanes);
}

LogicalResult ReduceSumOp::canonicalize(ReduceSumOp op,
                                        PatternRewriter &rewriter) {
  for (Operation *user : op.getSource().getUsers()) {
    auto sums = dyn_cast<CumsumOp>(user);
    if (!sums || sums.getExclusive() || sums.getReverse() ||
        sums->getBlock() != op->getBlock() || !sums->isBeforeInBlock(op))
      continue;
    int64_t last = op.getSource().getType().getDimSize(0) - 1;
    rewriter.replaceOpWithNewOp<ExtractOp>(op, op.getType(), sums, last);
    return success();
  }
  return failure();
}

LogicalResult ReduceSumOp::verify() {
  RankedTensorType type = getSource().getType();
  if (!isa<SliceAttr>(type.getEncoding()) || !type.getElementType().isF32())
    return verifyLaneVector(*this, type, kLanes);
  if (getRegisterLayout(type).isCutOverWarps(0))
    return emitOpError("(C2) the warps divide ") << type;
  return success();
}

LogicalResult ReduceOp::verify() {
  RankedTensorType from = getSource().getType(), to = getResult().getType();
  if (from.getRank() != 2 || !from.getElementType().isF32() || getAxis() > 1)
    return emitOpError("(C1) expected a 2-D tile of f32 and axis 0 or 1, got ")
           << from << " and " << getAxis();
  int64_t kept = 1 - static_cast<int64_t>(getAxis());
  auto expected = RankedTensorType::get(
      from.getDimSize(kept), from.getElementType(),
      SliceAttr::get(getContext(), kept, from.getEncoding()));
  if (to != expected)
    return emitOpError("(C2) the result must be ")
           << expected << ", got " << to;
  if (getRegisterLayout(from).isCutOverWarps(static_cast<int>(getAxis())))
    return emitOpError("(C3) the warps divide axis ")
           << getAxis() << " of " << from;
  return success();
}

LogicalResult RangeScaleOp::verify() {
  RankedTensorType type = getSource().getType();
  if (!type.getElementType().isF32() ||
      !isa<AccumulatorAttr>(type.getEncoding()))
    return emitOpError("(C1) expects f32 elements in an accumulator layout, "
                       "but got ")
           << type;
  return success();
}

LogicalResult ExtractOp::verify() {
  RankedTensorType type = getSource().getType();
  if (failed(verifyLaneVector(*this, type, 1)))
    return failure();
  if (getIndex() >= static_cast<uint64_t>(type.getDimSize(0)))
    return emitOpError("(C2) index ")
           << getIndex() << " is outside of " << type;
  return success();
}

/// A vector of `size` numbers that a mask is made from.
static bool isTokenVector(Type type, int64_t size) {
  if (auto buffer = dyn_cast<BufferType>(type))
    return buffer.getShape() == ArrayRef<int64_t>(size) &&
           buffer.getStages() == 1 && buffer.getElementType().isF32();
  auto lanes = cast<RankedTensorType>(type);
  return isa<LaneAttr>(lanes.getEncoding()) && lanes.getElementType().isF32() &&
         lanes.getDimSize(0) == size;
}

void SegmentDecayOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (Value vector : getOperands())
    if (isa<BufferType>(vector.getType()))
      effects.emplace_back(MemoryEffects::Read::get(), SharedResource::get());
}

LogicalResult SegmentDecayOp::verify() {
  RankedTensorType type = getResult().getType();
  auto layout = dyn_cast<AccumulatorAttr>(type.getEncoding());
  if (!layout || type.getRank() != 2 ||
      type.getDimSize(0) != type.getDimSize(1) ||
      !type.getElementType().isF32() ||
      type.getDimSize(1) / layout.getWarps()[1] % 16 != 0)
    return emitOpError("(C1) the result must be a square f32 accumulator with "
                       "a multiple of 16 columns a warp, got ")
           << type;
  for (auto [what, vector] :
       {std::pair("prefix", getPrefix()), std::pair("scale", getScale())}) {
    if (!vector)
      continue;
    if (!isTokenVector(vector.getType(), type.getDimSize(0)))
      return emitOpError("(C2) the ")
             << what << " must be a vector of " << type.getDimSize(0)
             << " f32 in the lane layout, or one stage of a buffer, got "
             << vector.getType();
  }
  if (getPrefix() && getScale() &&
      isa<BufferType>(getPrefix().getType()) !=
          isa<BufferType>(getScale().getType()))
    return emitOpError("(C2) prefix and scale are both in lanes or both in "
                       "buffers");
  if (getScores() && getScores().getType() != type)
    return emitOpError("(C3) scores must be of type ")
           << type << ", got " << getScores().getType();
  return verifyFactors();
}

LogicalResult SegmentDecayOp::verifyFactors() {
  if (getFactors().empty())
    return success();
  int64_t rows = getResult().getType().getDimSize(0);
  bool areVectors = llvm::all_of(getFactors(), [&](Value vector) {
    return isTokenVector(vector.getType(), rows);
  });
  if (!areVectors || static_cast<int64_t>(getFactors().size()) != rows / 16 - 1)
    return emitOpError("(C4) needs ")
           << rows / 16 - 1 << " factors, each one stage of a buffer of "
           << rows << " f32";
  if (!getPrefix() || !isa<BufferType>(getPrefix().getType()) || !getScores())
    return emitOpError("(C4) factors need a prefix in a buffer and scores");
  return success();
}

} // namespace mamba::tile
