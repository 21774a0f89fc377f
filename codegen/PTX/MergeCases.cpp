// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/MergeCases.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/IR/OperationSupport.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

/// True if the blocks, which nothing else branches to, do the same and leave
/// for the same blocks.
bool areEqual(Block &a, Block &b) {
  llvm::DenseMap<Value, Value> counterparts;
  auto isCounterpart = [&](Value x, Value y) {
    Value expected = counterparts.lookup(x);
    return success(expected ? expected == y : x == y);
  };
  auto pair = [&](Value x, Value y) { counterparts[x] = y; };
  auto right = b.begin();
  for (Operation &op : a) {
    if (right == b.end() ||
        !llvm::equal(op.getSuccessors(), right->getSuccessors()) ||
        !OperationEquivalence::isEquivalentTo(
            &op, &*right, isCounterpart, pair,
            OperationEquivalence::IgnoreLocations))
      return false;
    ++right;
  }
  return right == b.end();
}

/// True if only the switch leads there, once, and nothing is used behind it.
bool isCase(Block &block) {
  return block.getSinglePredecessor() && block.getNumArguments() == 0 &&
         llvm::none_of(block, [&](Operation &op) {
           return op.isUsedOutsideOfBlock(&block);
         });
}

void mergeCases(cf::SwitchOp op) {
  llvm::SmallVector<Block *> kept;
  for (unsigned i = 0, n = op->getNumSuccessors(); i < n; ++i) {
    Block *block = op->getSuccessor(i);
    if (!isCase(*block))
      continue;
    auto same = llvm::find_if(
        kept, [&](Block *other) { return areEqual(*other, *block); });
    if (same == kept.end()) {
      kept.push_back(block);
      continue;
    }
    op->setSuccessor(*same, i);
    block->dropAllReferences();
    block->erase();
  }
}

} // namespace

void mergeCases(Operation *function) {
  llvm::SmallVector<cf::SwitchOp> switches;
  function->walk([&](cf::SwitchOp op) { switches.push_back(op); });
  for (cf::SwitchOp op : switches)
    mergeCases(op);
}

} // namespace mamba::codegen
