// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialect/Tile/TileDialect.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialect/Tile/TileDialect.cpp.inc"

#include "dialect/Tile/TileEnums.cpp.inc"

#include "dialect/Tile/TileAttrInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/Tile/TileAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/Tile/TileTypes.cpp.inc"

using namespace mlir;

namespace mamba::tile {

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/Tile/TileAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/Tile/TileTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/Tile/TileOps.cpp.inc"
      >();
}

bool isRegisterTile(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor &&
         isa_and_present<RegisterLayoutAttrInterface>(tensor.getEncoding());
}

RegisterLayout getRegisterLayout(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return cast<RegisterLayoutAttrInterface>(tensor.getEncoding())
      .getRegisterLayout(tensor.getShape());
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

static WarpGrid toGrid(ArrayRef<int64_t> warps, int64_t copies) {
  return {{warps[0], warps[1]}, copies};
}

static LogicalResult verifyGrid(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<int64_t> warps, int64_t copies) {
  if (warps.size() != 2 || warps[0] < 1 || warps[1] < 1 || copies < 1)
    return emitError() << "(C1) expected two warp grid factors and copies, all "
                          "at least 1, got warps = ["
                       << warps << "], copies = " << copies;
  return success();
}

/// Rule (C2) of the 2-D layouts: the tile is a whole number of fragments a
/// warp.
static LogicalResult verifyMultiples(ArrayRef<int64_t> shape,
                                     std::array<int64_t, 2> multiples,
                                     function_ref<InFlightDiagnostic()> error) {
  if (shape.size() != 2)
    return error() << "(C2) the layout is for 2-D tiles, got rank "
                   << shape.size();
  for (int axis : {0, 1})
    if (shape[axis] <= 0 || shape[axis] % multiples[axis] != 0)
      return error() << "(C2) extent " << shape[axis] << " of axis " << axis
                     << " is not a positive multiple of " << multiples[axis];
  return success();
}

LogicalResult
AccumulatorAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                        ArrayRef<int64_t> warps, int64_t copies) {
  return verifyGrid(emitError, warps, copies);
}
int64_t AccumulatorAttr::getNumWarps() const {
  return toGrid(getWarps(), getCopies()).size();
}
RegisterLayout AccumulatorAttr::getRegisterLayout(ArrayRef<int64_t> s) const {
  return accumulatorLayout(s[0], s[1], toGrid(getWarps(), getCopies()));
}
LogicalResult AccumulatorAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type elementType,
    function_ref<InFlightDiagnostic()> emitError) const {
  return verifyMultiples(shape, {16 * getWarps()[0], 8 * getWarps()[1]},
                         emitError);
}

LogicalResult OperandAAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<int64_t> warps, int64_t copies) {
  return verifyGrid(emitError, warps, copies);
}
int64_t OperandAAttr::getNumWarps() const {
  return toGrid(getWarps(), getCopies()).size();
}
RegisterLayout OperandAAttr::getRegisterLayout(ArrayRef<int64_t> s) const {
  return operandALayout(s[0], s[1], toGrid(getWarps(), getCopies()));
}
LogicalResult OperandAAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type elementType,
    function_ref<InFlightDiagnostic()> emitError) const {
  return verifyMultiples(shape, {16 * getWarps()[0], 16}, emitError);
}

LogicalResult OperandBAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<int64_t> warps, int64_t copies) {
  return verifyGrid(emitError, warps, copies);
}
int64_t OperandBAttr::getNumWarps() const {
  return toGrid(getWarps(), getCopies()).size();
}
RegisterLayout OperandBAttr::getRegisterLayout(ArrayRef<int64_t> s) const {
  return operandBLayout(s[0], s[1], toGrid(getWarps(), getCopies()));
}
LogicalResult OperandBAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type elementType,
    function_ref<InFlightDiagnostic()> emitError) const {
  return verifyMultiples(shape, {16, 8 * getWarps()[1]}, emitError);
}

LogicalResult
CoalescedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      ArrayRef<int64_t> warps, int64_t copies) {
  return verifyGrid(emitError, warps, copies);
}
int64_t CoalescedAttr::getNumWarps() const {
  return toGrid(getWarps(), getCopies()).size();
}
RegisterLayout CoalescedAttr::getRegisterLayout(ArrayRef<int64_t> s) const {
  return coalescedLayout(s[0], s[1], toGrid(getWarps(), getCopies()));
}
LogicalResult CoalescedAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type elementType,
    function_ref<InFlightDiagnostic()> emitError) const {
  return verifyMultiples(shape, {4 * getWarps()[0], 32 * getWarps()[1]},
                         emitError);
}

int64_t LaneAttr::getNumWarps() const { return 0; }
RegisterLayout LaneAttr::getRegisterLayout(ArrayRef<int64_t> shape) const {
  return laneLayout(shape[0]);
}
LogicalResult
LaneAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                         function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() != 1 || shape[0] < 1 || shape[0] > 1024)
    return emitError() << "(C1) the lane layout is for vectors of 1 to 1024 "
                          "elements, got ["
                       << shape << "]";
  return success();
}

/// The smallest shape of a 2-D layout that has extent `length` along `axis`.
static std::array<int64_t, 2> parentShape(Attribute parent, int64_t axis,
                                          int64_t length) {
  std::array<int64_t, 2> shape = {16, 16};
  if (auto accumulator = dyn_cast<AccumulatorAttr>(parent))
    shape = {16 * accumulator.getWarps()[0], 8 * accumulator.getWarps()[1]};
  if (auto a = dyn_cast<OperandAAttr>(parent))
    shape = {16 * a.getWarps()[0], 16};
  if (auto b = dyn_cast<OperandBAttr>(parent))
    shape = {16, 8 * b.getWarps()[1]};
  if (auto coalesced = dyn_cast<CoalescedAttr>(parent))
    shape = {4 * coalesced.getWarps()[0], 32 * coalesced.getWarps()[1]};
  shape[axis] = length;
  return shape;
}

LogicalResult SliceAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                int64_t axis, Attribute of) {
  if (axis < 0 || axis > 1)
    return emitError() << "(C1) the axis of a slice is 0 or 1, got " << axis;
  if (!isa<AccumulatorAttr, OperandAAttr, OperandBAttr, CoalescedAttr>(of))
    return emitError() << "(C1) a slice is taken of a 2-D register layout, got "
                       << of;
  return success();
}
int64_t SliceAttr::getNumWarps() const {
  return cast<RegisterLayoutAttrInterface>(getOf()).getNumWarps();
}
RegisterLayout SliceAttr::getRegisterLayout(ArrayRef<int64_t> shape) const {
  return cast<RegisterLayoutAttrInterface>(getOf())
      .getRegisterLayout(parentShape(getOf(), getAxis(), shape[0]))
      .slice(static_cast<int>(getAxis()));
}
LogicalResult
SliceAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                          function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() != 1)
    return emitError() << "(C2) a slice is a vector, got rank " << shape.size();
  return cast<VerifiableTensorEncoding>(getOf()).verifyEncoding(
      parentShape(getOf(), getAxis(), shape[0]), elementType, emitError);
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

Type BufferType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  int64_t stages = 1;
  bool panels = false;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(elementType))
    return {};
  while (!panels && succeeded(parser.parseOptionalComma())) {
    panels = succeeded(parser.parseOptionalKeyword("panels"));
    if (!panels && (parser.parseKeyword("stages") || parser.parseEqual() ||
                    parser.parseInteger(stages)))
      return {};
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<BufferType>(loc, parser.getContext(), shape,
                                       elementType, stages, panels);
}

void BufferType::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printDimensionList(getShape());
  printer << "x" << getElementType();
  if (getStages() != 1)
    printer << ", stages = " << getStages();
  if (getPanels())
    printer << ", panels";
  printer << ">";
}

LogicalResult BufferType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, Type elementType,
                                 int64_t stages, bool panels) {
  if (shape.empty() || shape.size() > 2 || shape.front() < 1 ||
      shape.back() < 1)
    return emitError() << "(C1) a buffer is a static tile of rank 1 or 2, got ["
                       << shape << "]";
  if (!elementType.isF32() && !elementType.isF16() && !elementType.isBF16())
    return emitError() << "(C3) element type must be f32, f16 or bf16, got "
                       << elementType;
  int64_t row = shape.back() * elementType.getIntOrFloatBitWidth() / 8;
  int64_t rows = shape.size() == 2 ? shape[0] : 8;
  if (row % kUnitBytes != 0 || rows % 8 != 0)
    return emitError() << "(C2) rows must be a multiple of " << kUnitBytes
                       << " bytes and their number one of 8, got " << rows
                       << " rows of " << row << " bytes";
  if (stages < 1)
    return emitError() << "(C4) a buffer has at least one stage, got "
                       << stages;
  if (panels && (shape.size() != 2 || row % kBankRowBytes != 0))
    return emitError() << "(C5) panels need rank 2 and rows of a multiple of "
                       << kBankRowBytes << " bytes, got [" << shape << "] of "
                       << elementType;
  return success();
}

SharedLayout BufferType::getSharedLayout() const {
  bool vector = getShape().size() == 1;
  return {vector ? 1 : getShape()[0], getShape().back(),
          static_cast<int64_t>(getElementType().getIntOrFloatBitWidth() / 8),
          getPanels()};
}
int64_t BufferType::getBytes() const { return getStageBytes() * getStages(); }
int64_t BufferType::getStageBytes() const {
  SharedLayout layout = getSharedLayout();
  if (getShape().size() == 1)
    return layout.columns * layout.elementBytes;
  return layout.bytes();
}
int64_t BufferType::getAlignment() const {
  // Tensor maps and descriptors permute by bits of the address, in rows of 128
  // bytes by those of eight rows.
  bool rows =
      getShape().size() == 2 && getSharedLayout().pitch() == kBankRowBytes;
  return rows ? 8 * kBankRowBytes : kBankRowBytes;
}
BufferType BufferType::getStageType() const {
  return BufferType::get(getContext(), getShape(), getElementType(), 1,
                         getPanels());
}

//===----------------------------------------------------------------------===//
// Asynchronous values
//===----------------------------------------------------------------------===//

LogicalResult PendingType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  RankedTensorType tile) {
  if (!isa_and_present<AccumulatorAttr>(tile.getEncoding()))
    return emitError() << "(C1) a pending tile has an accumulator layout, got "
                       << tile;
  return success();
}

LogicalResult PipelineType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t stages, int64_t groups) {
  if (stages < 1 || groups < 1)
    return emitError() << "(C1) a pipeline has at least one stage and group, "
                          "got "
                       << stages << " and " << groups;
  return success();
}

} // namespace mamba::tile
