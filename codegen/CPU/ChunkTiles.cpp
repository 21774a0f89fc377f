// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/ChunkTiles.h"

#include "codegen/CPU/KernelFunction.h"
#include "codegen/CPU/StaticTiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mamba::codegen {

TileAccess::TileAccess(RankedTensorType type, ssd::RolesAttr roles) {
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

int64_t TileAccess::getHeadStride() const { return llvm::product_of(inner); }

SmallVector<int64_t> TileAccess::getTileStrides() const {
  SmallVector<int64_t> strides = getCompactStrides(inner);
  if (hasTime)
    strides.insert(strides.begin(), getTokenStride());
  return strides;
}

bool isCarriedTransposed(BlockArgument state) {
  if (cast<RankedTensorType>(state.getType()).getRank() != 2)
    return false;
  int64_t votes = 0;
  SmallVector<Value> worklist{state};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    for (Operation *user : value.getUsers()) {
      if (isa<arith::TruncFOp, arith::ExtFOp>(user))
        worklist.push_back(user->getResult(0));
      auto dot = dyn_cast<ssd::DotOp>(user);
      // A product of one row reads its second operand either way.
      bool decides = dot && dot.getRhs() == value &&
                     cast<RankedTensorType>(dot.getType()).getDimSize(0) > 1;
      if (decides)
        votes += dot.getContract()[1] == 1 ? 1 : -1;
    }
  }
  return votes > 0;
}

void loadRows(ImplicitLocOpBuilder &b, Value source, Value buffer,
              Value valid) {
  auto type = cast<MemRefType>(buffer.getType());
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  forRange(b, constant(0), valid, 1, [&](Value row) {
    emitCopy(b, getRow(b, source, row), getRow(b, buffer, row));
  });
  forRange(b, valid, constant(type.getDimSize(0)), 1, [&](Value row) {
    Value zero =
        arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
    linalg::FillOp::create(b, zero, getRow(b, buffer, row));
  });
}

Value emitPad(ImplicitLocOpBuilder &b, ssd::PadOp pad, Value input,
              Value valid) {
  auto type = cast<RankedTensorType>(pad.getType());
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

} // namespace mamba::codegen
