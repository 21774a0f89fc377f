// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Verification and syntax of the level-L1 operations.

#include "dialect/IR/SsdOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace mamba::ssd {

//===----------------------------------------------------------------------===//
// Custom syntax
//===----------------------------------------------------------------------===//

/// %x as [batch, time, head] : type, …
static ParseResult
parseScanInputs(OpAsmParser &parser,
                SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
                SmallVectorImpl<Type> &types, ArrayAttr &roles) {
  SmallVector<Attribute> parsed;
  auto parseOne = [&]() -> ParseResult {
    if (parser.parseOperand(operands.emplace_back()) ||
        parser.parseKeyword("as"))
      return failure();
    Attribute role = RolesAttr::parse(parser, {});
    if (!role || parser.parseColonType(types.emplace_back()))
      return failure();
    parsed.push_back(role);
    return success();
  };
  if (parser.parseCommaSeparatedList(parseOne))
    return failure();
  roles = parser.getBuilder().getArrayAttr(parsed);
  return success();
}

static void printScanInputs(OpAsmPrinter &printer, Operation *,
                            OperandRange operands, TypeRange types,
                            ArrayAttr roles) {
  llvm::interleaveComma(llvm::zip_equal(operands, types, roles), printer,
                        [&](auto item) {
                          auto [operand, type, role] = item;
                          printer << operand << " as ";
                          cast<RolesAttr>(role).print(printer);
                          printer << " : " << type;
                        });
}

/// ([batch, time, head] : type, …), also without any.
static ParseResult parseScanOutputs(OpAsmParser &parser,
                                    SmallVectorImpl<Type> &types,
                                    ArrayAttr &roles) {
  SmallVector<Attribute> parsed;
  auto parseOne = [&]() -> ParseResult {
    Attribute role = RolesAttr::parse(parser, {});
    if (!role || parser.parseColonType(types.emplace_back()))
      return failure();
    parsed.push_back(role);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, parseOne))
    return failure();
  roles = parser.getBuilder().getArrayAttr(parsed);
  return success();
}

static void printScanOutputs(OpAsmPrinter &printer, Operation *,
                             TypeRange types, ArrayAttr roles) {
  printer << '(';
  llvm::interleaveComma(llvm::zip_equal(types, roles), printer, [&](auto item) {
    auto [type, role] = item;
    cast<RolesAttr>(role).print(printer);
    printer << " : " << type;
  });
  printer << ')';
}

static ParseResult parsePlainDouble(OpAsmParser &parser, FloatAttr &value) {
  double number;
  if (parser.parseFloat(number))
    return failure();
  value = parser.getBuilder().getF64FloatAttr(number);
  return success();
}

static void printPlainDouble(OpAsmPrinter &printer, Operation *,
                             FloatAttr value) {
  printer << value.getValue();
}

//===----------------------------------------------------------------------===//
// chunk_scan
//===----------------------------------------------------------------------===//

RankedTensorType ChunkScanOp::getTileType(RankedTensorType type,
                                          RolesAttr roles, int64_t chunk) {
  SmallVector<int64_t> shape;
  for (auto [size, role] : llvm::zip_equal(type.getShape(), roles.getRoles()))
    if (role == DimRole::Time)
      shape.push_back(chunk);
    else if (role != DimRole::Batch && role != DimRole::Head)
      shape.push_back(size);
  return RankedTensorType::get(shape, type.getElementType());
}

YieldOp ChunkScanOp::getYield() {
  return cast<YieldOp>(getBody().front().getTerminator());
}

namespace {
/// Sizes the operands and results of a scan agree on.
struct ScanExtents {
  ChunkScanOp op;
  int64_t batch = ShapedType::kDynamic;
  int64_t length = ShapedType::kDynamic;
  bool complete = false;

  /// (C1), (C2), (C6) for one tensor.
  LogicalResult check(const Twine &what, RankedTensorType type, RolesAttr roles,
                      bool isOutput);
  LogicalResult checkDim(const Twine &what, DimRole role, int64_t size,
                         bool isOutput);
};
} // namespace

LogicalResult ScanExtents::check(const Twine &what, RankedTensorType type,
                                 RolesAttr roles, bool isOutput) {
  // (C1)
  if (int64_t(roles.getRoles().size()) != type.getRank())
    return op.emitOpError() << what << " has rank " << type.getRank()
                            << ", but " << roles.getRoles().size() << " roles";
  for (size_t i = 1; i < roles.getRoles().size(); ++i)
    if (roles.getRoles()[i - 1] >= roles.getRoles()[i])
      return op.emitOpError()
             << what
             << " must have its roles in the order batch, time, head, "
                "channel, state, each once";
  bool hasBatch = false, hasTime = false;
  for (auto [size, role] : llvm::zip_equal(type.getShape(), roles.getRoles())) {
    hasBatch |= role == DimRole::Batch;
    hasTime |= role == DimRole::Time;
    if (failed(checkDim(what, role, size, isOutput)))
      return failure();
  }
  complete |= !isOutput && hasBatch && hasTime;
  return success();
}

LogicalResult ScanExtents::checkDim(const Twine &what, DimRole role,
                                    int64_t size, bool isOutput) {
  if (role == DimRole::Batch || role == DimRole::Time) {
    int64_t &known = role == DimRole::Batch ? batch : length;
    FailureOr<int64_t> unified = unifySizes(known, size);
    // (C6)
    if (failed(unified))
      return op.emitOpError()
             << what << " has " << stringifyDimRole(role) << " size " << size
             << ", but other operands have " << known;
    known = *unified;
    return success();
  }
  if (ShapedType::isDynamic(size))
    return op.emitOpError() << what << " must have a static "
                            << stringifyDimRole(role) << " size";
  int64_t heads = op.getHeads();
  // (C2)
  if (role == DimRole::Head &&
      (isOutput ? size != heads : size < 1 || heads % size != 0))
    return op.emitOpError()
           << what << " has " << size << " heads, which "
           << (isOutput ? "is not " : "do not divide ") << heads;
  return success();
}

/// (C3), (C4): tiles and states of `values`.
static LogicalResult verifyTiles(ChunkScanOp op, StringRef what,
                                 TypeRange actual, TypeRange tensors,
                                 ArrayAttr roles, unsigned numStates) {
  if (actual.size() != tensors.size() + numStates)
    return op.emitOpError("body must have ")
           << tensors.size() + numStates << " " << what << " values, but has "
           << actual.size();
  for (auto [index, tensor] : llvm::enumerate(tensors)) {
    RankedTensorType expected =
        ChunkScanOp::getTileType(cast<RankedTensorType>(tensor),
                                 cast<RolesAttr>(roles[index]), op.getChunk());
    if (actual[index] != expected)
      return op.emitOpError("body's ")
             << what << " value " << index << " must be " << expected
             << ", but is " << actual[index];
  }
  return success();
}

static LogicalResult verifyStates(ChunkScanOp op, StringRef what,
                                  TypeRange states, const ScanExtents &extents,
                                  unsigned numStates) {
  // (C5)
  if (states.empty())
    return success();
  if (states.size() != numStates)
    return op.emitOpError("has ") << states.size() << " " << what << ", but "
                                  << numStates << " carried states";
  for (auto [index, type] : llvm::enumerate(states)) {
    auto tile = cast<RankedTensorType>(op.getStateArgument(index).getType());
    auto state = cast<RankedTensorType>(type);
    if (state.getRank() != 4 || tile.getRank() != 2 ||
        failed(unifySizes(state.getDimSize(0), extents.batch)) ||
        uint64_t(state.getDimSize(1)) != op.getHeads() ||
        state.getShape().drop_front(2) != tile.getShape() ||
        state.getElementType() != tile.getElementType())
      return op.emitOpError("state ")
             << index << " is " << state << ", which does not hold "
             << op.getHeads() << " heads of " << tile;
  }
  return success();
}

LogicalResult ChunkScanOp::verify() {
  if (getChunk() < 1 || getHeads() < 1)
    return emitOpError("chunk and heads must be at least 1, but are ")
           << getChunk() << " and " << getHeads();
  if (getInRoles().size() != getIns().size() ||
      getOutRoles().size() != getOuts().size())
    return emitOpError("needs one list of roles for each operand and output");
  ScanExtents extents{*this};
  for (auto [index, operand] : llvm::enumerate(getIns()))
    if (failed(extents.check("operand " + Twine(index),
                             cast<RankedTensorType>(operand.getType()),
                             getInRole(index), /*isOutput=*/false)))
      return failure();
  for (auto [index, result] : llvm::enumerate(getOuts()))
    if (failed(extents.check("output " + Twine(index),
                             cast<RankedTensorType>(result.getType()),
                             getOutRole(index), /*isOutput=*/true)))
      return failure();
  // (C6)
  if (!extents.complete)
    return emitOpError("needs an operand with batch and time dimensions");
  // (C3)
  if (getBody().getNumArguments() < getIns().size())
    return emitOpError("body must have an argument for each of ")
           << getIns().size() << " operands, but has "
           << getBody().getNumArguments();
  if (failed(verifyTiles(*this, "argument", getBody().getArgumentTypes(),
                         getIns().getTypes(), getInRoles(), getNumStates())))
    return failure();
  // (C5)
  if (failed(verifyStates(*this, "inits", getInits().getTypes(), extents,
                          getNumStates())) ||
      failed(verifyStates(*this, "finals", getFinals().getTypes(), extents,
                          getNumStates())))
    return failure();
  return success();
}

LogicalResult ChunkScanOp::verifyRegions() {
  // (C4)
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield)
    return emitOpError("body must end with ssd.yield");
  if (failed(verifyTiles(*this, "yielded", yield.getTiles().getTypes(),
                         getOuts().getTypes(), getOutRoles(), getNumStates())))
    return failure();
  for (unsigned i = 0; i < getNumStates(); ++i) {
    Type next = yield.getTiles()[getOuts().size() + i].getType();
    if (next != getStateArgument(i).getType())
      return emitOpError("next state ")
             << i << " must be " << getStateArgument(i).getType() << ", but is "
             << next;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Tile operations
//===----------------------------------------------------------------------===//

static RankedTensorType tileType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

LogicalResult DotOp::verify() {
  // (C1)
  RankedTensorType lhs = tileType(getLhs()), rhs = tileType(getRhs());
  RankedTensorType result = tileType(getResult());
  ArrayRef<int64_t> contract = getContract();
  if (lhs.getRank() != 2 || rhs.getRank() != 2 || result.getRank() != 2)
    return emitOpError("expects operands and result of rank 2");
  if (contract.size() != 2 || contract[0] < 0 || contract[0] > 1 ||
      contract[1] < 0 || contract[1] > 1)
    return emitOpError("contract must name dimension 0 or 1 of each operand");
  if (lhs.getDimSize(contract[0]) != rhs.getDimSize(contract[1]))
    return emitOpError("contracts sizes ")
           << lhs.getDimSize(contract[0]) << " and "
           << rhs.getDimSize(contract[1]) << ", which differ";
  if (result.getDimSize(0) != lhs.getDimSize(1 - contract[0]) ||
      result.getDimSize(1) != rhs.getDimSize(1 - contract[1]))
    return emitOpError("result must be ")
           << lhs.getDimSize(1 - contract[0]) << "x"
           << rhs.getDimSize(1 - contract[1]) << ", but is " << result;
  if (getInit() && getInit().getType() != result)
    return emitOpError("init must have the result's type ") << result;
  // (C2)
  if (lhs.getElementType() != rhs.getElementType())
    return emitOpError("operands must have one element type, but have ")
           << lhs.getElementType() << " and " << rhs.getElementType();
  return success();
}

LogicalResult BroadcastOp::verify() {
  // (C1)
  RankedTensorType input = tileType(getInput()), result = tileType(getResult());
  SmallVector<int64_t> kept;
  for (int64_t i = 0; i < result.getRank(); ++i)
    if (!llvm::is_contained(getDims(), i))
      kept.push_back(result.getDimSize(i));
  if (ArrayRef<int64_t>(kept) != input.getShape() ||
      int64_t(getDims().size()) != result.getRank() - input.getRank() ||
      !llvm::is_sorted(getDims()) ||
      input.getElementType() != result.getElementType())
    return emitOpError("result ")
           << result << " without its new axes is not " << input;
  return success();
}

LogicalResult CumsumOp::verify() {
  // (C1)
  if (tileType(getInput()).getRank() != 1)
    return emitOpError("expects a tile of rank 1, but got ")
           << getInput().getType();
  return success();
}

LogicalResult ReduceSumOp::verify() {
  // (C1)
  RankedTensorType input = tileType(getInput()), result = tileType(getResult());
  if (input.getRank() != 1 || result.getRank() != 0 ||
      input.getElementType() != result.getElementType())
    return emitOpError("expects a tile of rank 1 and a scalar tile of its "
                       "element type, but got ")
           << input << " and " << result;
  return success();
}

LogicalResult RangeScaleOp::verify() {
  // (C1)
  RankedTensorType input = tileType(getInput()), result = tileType(getResult());
  if (input.getRank() != 2 || result.getRank() != 0 ||
      !input.getElementType().isF32() || !result.getElementType().isF32())
    return emitOpError("expects an f32 tile of rank 2 and an f32 scalar tile, "
                       "but got ")
           << input << " and " << result;
  return success();
}

LogicalResult SegmentDecayOp::verify() {
  // (C1)
  RankedTensorType result = tileType(getResult());
  int64_t chunk = result.getRank() == 2 ? result.getDimSize(0) : -1;
  if (chunk < 0 || result.getDimSize(1) != chunk)
    return emitOpError("result must be a square tile, but is ") << result;
  if (getLogDecay() &&
      tileType(getLogDecay()).getShape() != ArrayRef<int64_t>{chunk})
    return emitOpError("log_decay must have ")
           << chunk << " elements, but is " << getLogDecay().getType();
  // (C2)
  if (int64_t(getSubBlock()) < 1 || int64_t(getSubBlock()) > chunk)
    return emitOpError("sub_block must be in 1..")
           << chunk << ", but is " << getSubBlock();
  return success();
}

LogicalResult PadOp::verify() {
  // (C1)
  RankedTensorType type = tileType(getInput());
  if (type.getRank() < 1 || type.getRank() > 2)
    return emitOpError("expects a tile of rank 1 or 2, but got ") << type;
  // (C2)
  auto scan = (*this)->getParentOfType<ChunkScanOp>();
  if (!scan)
    return emitOpError("must be in the body of ssd.chunk_scan");
  if (uint64_t(type.getDimSize(0)) != scan.getChunk())
    return emitOpError("pads ")
           << type.getDimSize(0) << " rows, but the chunk has "
           << scan.getChunk();
  return success();
}

} // namespace mamba::ssd

// The generated parsers and printers use the custom syntax above.
#define GET_OP_CLASSES
#include "dialect/IR/SsdOps.cpp.inc"
