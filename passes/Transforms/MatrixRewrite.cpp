// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/MatrixRewrite.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

Value MatrixRewrite::createCausal(bool strict) {
  auto type = cast<MatrixType>(replaced->getResult(0).getType());
  auto mask =
      MatrixType::get(rewriter.getContext(), type.getBatch(), type.getHeads(),
                      type.getLength(), Support::Causal, strict);
  return track(CausalOp::create(rewriter, replaced->getLoc(), mask))
      ->getResult(0);
}

Value MatrixRewrite::transposeIf(bool transposed, Value matrix) {
  return transposed ? create<TransposeOp>(matrix) : matrix;
}

/// A per-head constant (H) against a per-token tensor (B×T×H), or two tensors
/// of one rank; the shape they have together.
static std::optional<SmallVector<int64_t>>
unifyShapes(RankedTensorType wide, RankedTensorType narrow) {
  SmallVector<int64_t> shape(wide.getShape());
  if (wide.getRank() == 3 && narrow.getRank() == 1)
    return shape[2] == narrow.getDimSize(0) ? std::optional(shape)
                                            : std::nullopt;
  if (wide.getRank() != narrow.getRank())
    return std::nullopt;
  for (auto [size, other] : llvm::zip_equal(shape, narrow.getShape())) {
    FailureOr<int64_t> unified = unifySizes(size, other);
    if (failed(unified))
      return std::nullopt;
    size = *unified;
  }
  return shape;
}

Value createEmptyLike(OpBuilder &builder, Location loc, RankedTensorType type,
                      Value like, SmallVectorImpl<Operation *> *created) {
  auto track = [&](Operation *op) {
    if (created)
      created->push_back(op);
    return op->getResult(0);
  };
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i)) {
      Value index = track(arith::ConstantIndexOp::create(builder, loc, i));
      sizes.push_back(track(tensor::DimOp::create(builder, loc, like, index)));
    }
  return track(tensor::EmptyOp::create(builder, loc, type, sizes));
}

Value MatrixRewrite::combine(Value a, Value b, Combination kind) {
  auto rankOf = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getRank();
  };
  Value wide = rankOf(a) >= rankOf(b) ? a : b;
  Value narrow = wide == a ? b : a;
  auto wideType = cast<RankedTensorType>(wide.getType());
  auto narrowType = cast<RankedTensorType>(narrow.getType());
  std::optional<SmallVector<int64_t>> shape = unifyShapes(wideType, narrowType);
  if (!shape)
    return {};
  bool isDouble =
      wideType.getElementType().isF64() || narrowType.getElementType().isF64();
  Type element = isDouble ? Type(rewriter.getF64Type()) : rewriter.getF32Type();
  Location loc = replaced->getLoc();
  Value empty = createEmptyLike(
      rewriter, loc, RankedTensorType::get(*shape, element), wide, &created);
  unsigned rank = wideType.getRank();
  AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
  AffineMap narrowMap =
      narrowType.getRank() == wideType.getRank()
          ? identity
          : identity.getSubMap({static_cast<unsigned>(rank - 1)});
  SmallVector<utils::IteratorType> parallel(rank,
                                            utils::IteratorType::parallel);
  auto widen = [&](OpBuilder &builder, Value scalar) -> Value {
    if (scalar.getType() == element)
      return scalar;
    return arith::ExtFOp::create(builder, loc, element, scalar);
  };
  auto generic = linalg::GenericOp::create(
      rewriter, loc, TypeRange{empty.getType()}, ValueRange{wide, narrow},
      ValueRange{empty}, {identity, narrowMap, identity}, parallel,
      [&](OpBuilder &builder, Location, ValueRange scalars) {
        Value x = widen(builder, scalars[0]), y = widen(builder, scalars[1]);
        Value result =
            kind == Combination::Sum
                ? arith::AddFOp::create(builder, loc, x, y).getResult()
                : arith::MulFOp::create(builder, loc, x, y).getResult();
        linalg::YieldOp::create(builder, loc, result);
      });
  return track(generic)->getResult(0);
}

LogicalResult MatrixRewrite::replace(Value value) {
  if (value && value.getType() == replaced->getResult(0).getType()) {
    rewriter.replaceOp(replaced, value);
    return success();
  }
  for (Operation *op : llvm::reverse(created))
    rewriter.eraseOp(op);
  return failure();
}

Stripped stripTransposes(Value matrix) {
  Stripped stripped{matrix.getDefiningOp()};
  while (auto transpose = dyn_cast<TransposeOp>(stripped.op)) {
    stripped.op = transpose.getMatrix().getDefiningOp();
    stripped.transposed = !stripped.transposed;
  }
  return stripped;
}

bool areStatesUsed(Value matrix) {
  return llvm::any_of(matrix.getUsers(), [](Operation *user) {
    if (auto apply = dyn_cast<ApplyOp>(user))
      return apply.getInit() ||
             (apply.getFinal() && !apply.getFinal().use_empty());
    return user->getNumResults() == 1 &&
           isa<MatrixType>(user->getResult(0).getType()) &&
           areStatesUsed(user->getResult(0));
  });
}

} // namespace mamba
