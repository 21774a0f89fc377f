// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is left to do once tile ops are lowered. Each pattern makes constants
// and vectors of its own; passes behind take their time for every op, so this
// leaves each constant once and no vector that nobody uses.

#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

void eraseDead(gpu::GPUFuncOp function) {
  function.walk<WalkOrder::PostOrder, mlir::ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

/// Writes packed vectors, which the builder still takes apart, as insertions.
void expandPacks(gpu::GPUFuncOp function) {
  function.walk([](vector::FromElementsOp op) {
    ThreadBuilder b(op.getLoc(), op);
    Value vector = LLVM::PoisonOp::create(b, op.getType());
    for (auto [i, element] : llvm::enumerate(op.getElements()))
      vector = LLVM::InsertElementOp::create(b, vector, element,
                                             b.i32(static_cast<int64_t>(i)));
    op.replaceAllUsesWith(vector);
    op.erase();
  });
}

/// Leaves one of the constants with a value, at the function's beginning.
void shareConstants(gpu::GPUFuncOp function) {
  llvm::MapVector<Attribute, arith::ConstantOp> constants;
  function.walk([&](arith::ConstantOp op) {
    auto [shared, isFirst] = constants.try_emplace(op.getValue(), op);
    if (isFirst)
      return;
    op.replaceAllUsesWith(shared->second.getResult());
    op.erase();
  });
  Block &entry = function.getBody().front();
  for (auto &[value, op] : llvm::reverse(constants))
    op->moveBefore(&entry, entry.begin());
}

} // namespace

void finishKernel(gpu::GPUFuncOp function) {
  eraseDead(function);
  expandPacks(function);
  shareConstants(function);
}

} // namespace mamba::codegen
