// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialect/IR/SsdDialect.h"

#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialect/IR/SsdDialect.cpp.inc"
#include "dialect/IR/SsdEnums.cpp.inc"
#include "dialect/IR/SsdInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/IR/SsdAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/IR/SsdTypes.cpp.inc"

using namespace mlir;

namespace mamba::ssd {

void SsdDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/IR/SsdAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/IR/SsdTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/IR/SsdOps.cpp.inc"
      >();
}

/// `ssd.name`, and `ssd.init` where `hasInit`, hold a non-empty string.
static LogicalResult verifyStringAttr(Operation *op, NamedAttribute attribute,
                                      bool hasInit) {
  StringRef key = attribute.getName();
  if (key != kNameAttr && !(hasInit && key == kInitAttr))
    return op->emitError("unknown attribute '")
           << key << "', the dialect has 'ssd.name' on arguments and results "
           << "and 'ssd.init' on arguments only";
  auto text = dyn_cast<StringAttr>(attribute.getValue());
  if (!text || text.empty())
    return op->emitError("'") << key << "' must be a non-empty string, but is "
                              << attribute.getValue();
  return success();
}

LogicalResult SsdDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                   unsigned,
                                                   NamedAttribute attribute) {
  return verifyStringAttr(op, attribute, /*hasInit=*/true);
}

LogicalResult
SsdDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned,
                                        NamedAttribute attribute) {
  return verifyStringAttr(op, attribute, /*hasInit=*/false);
}

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

Type MatrixType::parse(AsmParser &parser) {
  SmallVector<int64_t> dims;
  StringRef supportName;
  llvm::SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() ||
      parser.parseDimensionList(dims, /*allowDynamic=*/true,
                                /*withTrailingX=*/false))
    return {};
  if (dims.size() != 3) {
    parser.emitError(loc, "a matrix type has three sizes (batch, heads, "
                          "time), but got ")
        << dims.size();
    return {};
  }
  llvm::SMLoc supportLoc = parser.getCurrentLocation();
  if (parser.parseComma() || parser.parseKeyword(&supportName))
    return {};
  std::optional<Support> support = symbolizeSupport(supportName);
  if (!support) {
    parser.emitError(supportLoc, "expected causal, anticausal or full, got '")
        << supportName << "'";
    return {};
  }
  bool strict = false;
  if (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword("strict"))
      return {};
    strict = true;
  }
  if (parser.parseGreater())
    return {};
  return MatrixType::getChecked([&] { return parser.emitError(loc); },
                                parser.getContext(), dims[0], dims[1], dims[2],
                                *support, strict);
}

void MatrixType::print(AsmPrinter &printer) const {
  printer << '<';
  printer.printDimensionList({getBatch(), getHeads(), getLength()});
  printer << ", " << stringifySupport(getSupport())
          << (getStrict() ? ", strict>" : ">");
}

LogicalResult MatrixType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t batch, int64_t heads, int64_t length,
                                 Support support, bool strict) {
  if (ShapedType::isDynamic(heads) || heads < 1)
    return emitError() << "the head count of a matrix must be static and "
                          "positive";
  if (strict && support == Support::Full)
    return emitError() << "a full matrix cannot be strict";
  return success();
}

Attribute RolesAttr::parse(AsmParser &parser, Type) {
  SmallVector<DimRole> roles;
  auto parseRole = [&]() -> ParseResult {
    StringRef name;
    llvm::SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&name))
      return failure();
    std::optional<DimRole> role = symbolizeDimRole(name);
    if (!role)
      return parser.emitError(loc, "expected batch, time, head, channel or "
                                   "state, got '")
             << name << "'";
    roles.push_back(*role);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseRole))
    return {};
  return RolesAttr::get(parser.getContext(), roles);
}

void RolesAttr::print(AsmPrinter &printer) const {
  printer << '[';
  llvm::interleaveComma(getRoles(), printer, [&](DimRole role) {
    printer << stringifyDimRole(role);
  });
  printer << ']';
}

FailureOr<SmallVector<Alternative>> parseAlternatives(AsmParser &parser) {
  SmallVector<Alternative> alternatives;
  auto parseNumber = [&](StringRef keyword, int64_t &number) -> ParseResult {
    if (failed(parser.parseOptionalKeyword(keyword)))
      return success();
    return parser.parseInteger(number);
  };
  auto parseAlternative = [&]() -> ParseResult {
    Alternative &alternative = alternatives.emplace_back();
    llvm::SMLoc loc = parser.getCurrentLocation();
    if (parseNumber("consumers", alternative.consumers) ||
        parseNumber("segment", alternative.segment))
      return failure();
    if (loc == parser.getCurrentLocation())
      return parser.emitError(loc, "an alternative has consumers or a segment");
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                     parseAlternative))
    return failure();
  return alternatives;
}

void printAlternatives(AsmPrinter &printer,
                       ArrayRef<Alternative> alternatives) {
  printer << '[';
  llvm::interleaveComma(alternatives, printer,
                        [&](const Alternative &alternative) {
                          if (alternative.consumers)
                            printer << "consumers " << alternative.consumers;
                          if (alternative.consumers && alternative.segment)
                            printer << ' ';
                          if (alternative.segment || !alternative.consumers)
                            printer << "segment " << alternative.segment;
                        });
  printer << ']';
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   Form form, int64_t chunk, int64_t subBlock,
                                   Type operand, WeightSide, int64_t channels,
                                   int64_t warps, int64_t stages,
                                   int64_t consumers, int64_t segment,
                                   ArrayRef<Alternative> alternatives) {
  if (chunk < 1)
    return emitError() << "chunk must be at least 1, but is " << chunk;
  if (form == Form::Recurrent && chunk != 1)
    return emitError() << "the recurrent form has chunks of 1 token, but "
                          "chunk is "
                       << chunk;
  if (subBlock < 1 || subBlock > chunk)
    return emitError() << "sub_block must be in 1.." << chunk << ", but is "
                       << subBlock;
  if (!operand.isBF16() && !operand.isF16() && !operand.isF32())
    return emitError() << "operand must be bf16, f16 or f32, but is "
                       << operand;
  if (channels < 0 || warps < 0 || stages < 0 || consumers < 0 || segment < 0)
    return emitError() << "channels, warps, stages, consumers and segment must "
                          "not be negative";
  if (form != Form::Chunked && (segment > 0 || !alternatives.empty()))
    return emitError() << "only chunked kernels have segments and alternatives";
  SmallVector<Alternative> kernels = {{consumers, segment}};
  for (const Alternative &other : alternatives) {
    if (other.consumers < 0 || other.segment < 0 ||
        (other.consumers > 0) != (consumers > 0))
      return emitError() << "an alternative has " << other.consumers
                         << " consumers and segments of " << other.segment
                         << " chunks, beside " << consumers
                         << " consumers of the schedule; all or none of the "
                            "kernels have consumers";
    if (llvm::is_contained(kernels, other))
      return emitError() << "two kernels have " << other.consumers
                         << " consumers and segments of " << other.segment
                         << " chunks";
    kernels.push_back(other);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Shared rules
//===----------------------------------------------------------------------===//

FailureOr<int64_t> unifySizes(int64_t a, int64_t b) {
  if (ShapedType::isDynamic(a))
    return b;
  if (ShapedType::isDynamic(b) || a == b)
    return a;
  return failure();
}

FailureOr<int64_t> unifyHeads(int64_t a, int64_t b) {
  if (ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a < 1 || b < 1)
    return failure();
  if (a % b != 0 && b % a != 0)
    return failure();
  return std::max(a, b);
}

LogicalResult verifyStructuredMatrix(Operation *op) {
  for (Value operand : op->getOperands())
    if (isa<MatrixType>(operand.getType()) &&
        !operand.getDefiningOp<StructuredMatrixOpInterface>())
      return op->emitOpError("expects matrix operands to be results of "
                             "structured-matrix operations; matrix values "
                             "cannot be function or block arguments");
  for (Operation *user : op->getUsers())
    if (!isa_and_nonnull<SsdDialect>(user->getDialect()) ||
        user->getBlock() != op->getBlock())
      return op->emitOpError("result is a matrix value, which cannot leave "
                             "its block or be used by '")
             << user->getName()
             << "'; apply it, or repeat the expression where it is needed";
  return success();
}

} // namespace mamba::ssd
