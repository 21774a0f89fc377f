// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Shape inference and verification of the level-L0 operations.

#include "dialect/IR/SsdOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SmallString.h"

using namespace mlir;

namespace mamba::ssd {
namespace {

/// Batch, heads and time counts that operands must agree on.
struct Extents {
  int64_t batch = ShapedType::kDynamic;
  int64_t heads = 1;
  int64_t length = ShapedType::kDynamic;

  /// Merges another operand's counts; `what` names it in the diagnostic.
  LogicalResult merge(std::optional<Location> loc, StringRef what,
                      const Extents &other) {
    FailureOr<int64_t> newBatch = unifySizes(batch, other.batch);
    if (failed(newBatch))
      return emitOptionalError(loc, what, " has batch size ", other.batch,
                               ", but ", batch, " is expected");
    FailureOr<int64_t> newHeads = unifyHeads(heads, other.heads);
    if (failed(newHeads))
      return emitOptionalError(loc, what, " has ", other.heads,
                               " heads, which neither divide nor are divided "
                               "by ",
                               heads);
    FailureOr<int64_t> newLength = unifySizes(length, other.length);
    if (failed(newLength))
      return emitOptionalError(loc, what, " has length ", other.length,
                               " along time, but ", length, " is expected");
    *this = {*newBatch, *newHeads, *newLength};
    return success();
  }

  MatrixType getMatrix(MLIRContext *context, Support support,
                       bool strict) const {
    return MatrixType::get(context, batch, heads, length, support, strict);
  }
};

/// A size for diagnostics: `?` where it is dynamic.
std::string sizeText(int64_t size) {
  return ShapedType::isDynamic(size) ? "?" : std::to_string(size);
}

Extents getExtents(Type type) {
  auto matrix = cast<MatrixType>(type);
  return {matrix.getBatch(), matrix.getHeads(), matrix.getLength()};
}

/// Extents of a token-major tensor B×T×H(×…) with static heads.
FailureOr<Extents> getTokenExtents(std::optional<Location> loc, StringRef what,
                                   Type type, int64_t rank) {
  auto tensor = cast<RankedTensorType>(type);
  if (tensor.getRank() != rank)
    return emitOptionalError(loc, what, " must have rank ", rank,
                             rank == 3 ? " (B×T×H)" : " (B×T×H×width)",
                             ", but has rank ", tensor.getRank());
  int64_t heads = tensor.getDimSize(2);
  if (ShapedType::isDynamic(heads) || heads < 1)
    return emitOptionalError(loc, what,
                             " must have a static, positive head count");
  return Extents{tensor.getDimSize(0), heads, tensor.getDimSize(1)};
}

/// Extents of a log decay: B×T×H, or H.
FailureOr<Extents> getDecayExtents(std::optional<Location> loc, Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (tensor.getRank() == 3)
    return getTokenExtents(loc, "log_decay", type, 3);
  if (tensor.getRank() != 1)
    return emitOptionalError(
        loc, "log_decay must have rank 3 (B×T×H) or 1 (H), but has rank ",
        tensor.getRank());
  int64_t heads = tensor.getDimSize(0);
  if (ShapedType::isDynamic(heads) || heads < 1)
    return emitOptionalError(
        loc, "log_decay must have a static, positive head count");
  return Extents{ShapedType::kDynamic, heads, ShapedType::kDynamic};
}

/// A constant log decay must be finite and not positive.
LogicalResult verifyConstantDecay(Operation *op, Value logDecay) {
  DenseFPElementsAttr values;
  if (!matchPattern(logDecay, m_Constant(&values)))
    return success();
  for (auto [index, value] : llvm::enumerate(values.getValues<APFloat>())) {
    if (value.isFinite() && (value.isNegative() || value.isZero()))
      continue;
    SmallString<16> text;
    value.toString(text);
    return op->emitOpError("log_decay must be finite and at most 0, but "
                           "element ")
           << index << " is " << text;
  }
  return success();
}

FailureOr<Extents> getKeyExtents(std::optional<Location> loc, Type readType,
                                 Type writeType) {
  FailureOr<Extents> read = getTokenExtents(loc, "read", readType, 4);
  FailureOr<Extents> write = getTokenExtents(loc, "write", writeType, 4);
  if (failed(read) || failed(write))
    return failure();
  int64_t readSize = cast<RankedTensorType>(readType).getDimSize(3);
  int64_t writeSize = cast<RankedTensorType>(writeType).getDimSize(3);
  if (ShapedType::isDynamic(readSize) || readSize < 1 || readSize != writeSize)
    return emitOptionalError(loc,
                             "read and write must have one static state "
                             "size N, but have ",
                             sizeText(readSize), " and ", sizeText(writeSize));
  if (failed(read->merge(loc, "write", *write)))
    return failure();
  return *read;
}

} // namespace

//===----------------------------------------------------------------------===//
// Constructors
//===----------------------------------------------------------------------===//

LogicalResult DecayOp::inferReturnTypes(MLIRContext *context,
                                        std::optional<Location> loc,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  // (C1), (C2)
  FailureOr<Extents> extents =
      getDecayExtents(loc, adaptor.getLogDecay().getType());
  if (failed(extents))
    return failure();
  types.push_back(extents->getMatrix(context, Support::Causal, false));
  return success();
}

LogicalResult DecayOp::verify() {
  // (C3)
  return verifyConstantDecay(*this, getLogDecay());
}

LogicalResult CausalOp::verify() {
  // (C1)
  if (getType().getSupport() != Support::Causal)
    return emitOpError("result must be causal, but is ")
           << stringifySupport(getType().getSupport());
  return success();
}

LogicalResult LowRankOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location> loc,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  // (C1), (C2), (C3)
  FailureOr<Extents> extents = getKeyExtents(loc, adaptor.getRead().getType(),
                                             adaptor.getWrite().getType());
  if (failed(extents))
    return failure();
  types.push_back(extents->getMatrix(context, Support::Full, false));
  return success();
}

LogicalResult StateSpaceOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location> loc,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  // (C1)
  FailureOr<Extents> extents = getKeyExtents(loc, adaptor.getRead().getType(),
                                             adaptor.getWrite().getType());
  if (failed(extents))
    return failure();
  // (C2)
  if (Value logDecay = adaptor.getLogDecay()) {
    FailureOr<Extents> decay = getDecayExtents(loc, logDecay.getType());
    if (failed(decay) || failed(extents->merge(loc, "log_decay", *decay)))
      return failure();
  }
  types.push_back(
      extents->getMatrix(context, Support::Causal, adaptor.getStrict()));
  return success();
}

LogicalResult StateSpaceOp::verify() {
  return getLogDecay() ? verifyConstantDecay(*this, getLogDecay()) : success();
}

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

LogicalResult HadamardOp::inferReturnTypes(MLIRContext *context,
                                           std::optional<Location> loc,
                                           Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  auto lhs = cast<MatrixType>(adaptor.getLhs().getType());
  auto rhs = cast<MatrixType>(adaptor.getRhs().getType());
  // (C1)
  Extents extents = getExtents(lhs);
  if (failed(extents.merge(loc, "right operand", getExtents(rhs))))
    return failure();
  // (C2)
  bool anyFull =
      lhs.getSupport() == Support::Full || rhs.getSupport() == Support::Full;
  if (!anyFull && lhs.getSupport() != rhs.getSupport())
    return emitOptionalError(loc, "the product of a causal and an anti-causal "
                                  "matrix is diagonal; use ssd.scale_rows");
  Support support =
      lhs.getSupport() == Support::Full ? rhs.getSupport() : lhs.getSupport();
  types.push_back(
      extents.getMatrix(context, support, lhs.getStrict() || rhs.getStrict()));
  return success();
}

/// Whether a full matrix is made of full matrices only. The realisation of a
/// sum has one direction, so that an anti-causal part would be wrong in a
/// causal product.
static bool isUnmasked(Value matrix) {
  Operation *op = matrix.getDefiningOp();
  if (!op || cast<MatrixType>(matrix.getType()).getSupport() != Support::Full)
    return false;
  return llvm::all_of(op->getOperands(), [](Value operand) {
    return !isa<MatrixType>(operand.getType()) || isUnmasked(operand);
  });
}

LogicalResult HadamardOp::verify() {
  // (C3)
  if (getType().getSupport() == Support::Full)
    return success();
  for (Value factor : getOperands())
    if (cast<MatrixType>(factor.getType()).getSupport() == Support::Full &&
        !isUnmasked(factor))
      return emitOpError("is ")
             << stringifySupport(getType().getSupport())
             << ", but a factor is a sum with causal or anti-causal parts; "
                "distribute the product over the sum";
  return success();
}

LogicalResult AddOp::inferReturnTypes(MLIRContext *context,
                                      std::optional<Location> loc,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  auto lhs = cast<MatrixType>(adaptor.getLhs().getType());
  auto rhs = cast<MatrixType>(adaptor.getRhs().getType());
  // (C1)
  Extents extents = getExtents(lhs);
  if (failed(extents.merge(loc, "right operand", getExtents(rhs))))
    return failure();
  bool same = lhs.getSupport() == rhs.getSupport();
  types.push_back(
      extents.getMatrix(context, same ? lhs.getSupport() : Support::Full,
                        same && lhs.getStrict() && rhs.getStrict()));
  return success();
}

static Support mirror(Support support) {
  switch (support) {
  case Support::Causal:
    return Support::AntiCausal;
  case Support::AntiCausal:
    return Support::Causal;
  case Support::Full:
    return Support::Full;
  }
  llvm_unreachable("all supports are covered");
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *context,
                                            std::optional<Location>,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto type = cast<MatrixType>(adaptor.getMatrix().getType());
  types.push_back(MatrixType::get(context, type.getBatch(), type.getHeads(),
                                  type.getLength(), mirror(type.getSupport()),
                                  type.getStrict()));
  return success();
}

static LogicalResult inferScaled(MLIRContext *context,
                                 std::optional<Location> loc, Value matrix,
                                 Value scale, SmallVectorImpl<Type> &types) {
  // (C1)
  auto type = cast<MatrixType>(matrix.getType());
  FailureOr<Extents> scaleExtents =
      getTokenExtents(loc, "scale", scale.getType(), 3);
  Extents extents = getExtents(type);
  if (failed(scaleExtents) ||
      failed(extents.merge(loc, "scale", *scaleExtents)))
    return failure();
  types.push_back(
      extents.getMatrix(context, type.getSupport(), type.getStrict()));
  return success();
}

LogicalResult ScaleRowsOp::inferReturnTypes(MLIRContext *context,
                                            std::optional<Location> loc,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  return inferScaled(context, loc, adaptor.getMatrix(), adaptor.getScale(),
                     types);
}

LogicalResult ScaleColumnsOp::inferReturnTypes(MLIRContext *context,
                                               std::optional<Location> loc,
                                               Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  return inferScaled(context, loc, adaptor.getMatrix(), adaptor.getScale(),
                     types);
}

//===----------------------------------------------------------------------===//
// Application
//===----------------------------------------------------------------------===//

/// (C3): a state is B×H×P×N in f32 or f64.
static LogicalResult verifyState(ApplyOp op, StringRef what, Value state,
                                 const Extents &extents, int64_t channels,
                                 int64_t stateSize) {
  auto type = cast<RankedTensorType>(state.getType());
  if (!type.getElementType().isF32() && !type.getElementType().isF64())
    return op.emitOpError(what)
           << " state must be f32 or f64, but is " << type.getElementType();
  int64_t expected[] = {extents.batch, extents.heads, channels, stateSize};
  bool matches = type.getRank() == 4;
  for (int64_t i = 0; matches && i < 4; ++i)
    matches = succeeded(unifySizes(type.getDimSize(i), expected[i])) &&
              (i == 0 || type.getDimSize(i) == expected[i]);
  if (matches)
    return success();
  InFlightDiagnostic diagnostic = op.emitOpError(what);
  diagnostic << " state must be B×H×P×N = ";
  llvm::interleave(
      expected, [&](int64_t size) { diagnostic << sizeText(size); },
      [&] { diagnostic << "x"; });
  return diagnostic << ", but is " << type;
}

LogicalResult ApplyOp::verify() {
  MatrixType matrix = getMatrix().getType();
  auto producer = getMatrix().getDefiningOp<StructuredMatrixOpInterface>();
  if (!producer)
    return emitOpError("expects the result of a structured-matrix operation; "
                       "matrix values cannot be function or block arguments");
  // (C1)
  Extents extents = getExtents(matrix);
  FailureOr<Extents> x = getTokenExtents(getLoc(), "x", getX().getType(), 4);
  if (failed(x) || failed(extents.merge(getLoc(), "x", *x)))
    return failure();
  FailureOr<Extents> y = getTokenExtents(getLoc(), "y", getY().getType(), 4);
  if (failed(y))
    return failure();
  if (y->heads != extents.heads)
    return emitOpError("y must have ")
           << extents.heads << " heads, but has " << y->heads;
  if (failed(extents.merge(getLoc(), "y", *y)))
    return failure();
  // (C2)
  int64_t channels = cast<RankedTensorType>(getX().getType()).getDimSize(3);
  int64_t outputs = cast<RankedTensorType>(getY().getType()).getDimSize(3);
  if (ShapedType::isDynamic(channels) || channels < 1 || channels != outputs)
    return emitOpError("x and y must have one static headdim P, but have ")
           << sizeText(channels) << " and " << sizeText(outputs);
  // (C4)
  if (matrix.getSupport() == Support::Full && (getInit() || getFinal()))
    return emitOpError("a full matrix has no initial or final state");
  // (C3)
  int64_t stateSize = producer.getStateSize();
  if (getInit() && failed(verifyState(*this, "initial", getInit(), extents,
                                      channels, stateSize)))
    return failure();
  if (getFinal() && failed(verifyState(*this, "final", getFinal(), extents,
                                       channels, stateSize)))
    return failure();
  return success();
}

} // namespace mamba::ssd
