// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/KernelCleanup.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace mamba::codegen {
namespace {

/// True if the instruction may stand anywhere between its operands and users.
bool floats(const Instruction &instruction) {
  if (isa<PHINode>(instruction) || instruction.isTerminator() ||
      instruction.mayHaveSideEffects() || instruction.mayReadFromMemory())
    return false;
  auto *call = dyn_cast<CallBase>(&instruction);
  return !call || !call->isConvergent();
}

/// The order of a block's instructions while they move. LLVM numbers the whole
/// block anew for the first question behind every move.
class BlockOrder {
public:
  explicit BlockOrder(BasicBlock &block) : block(block) { renumber(); }

  bool isBefore(const Instruction &a, const Instruction &b) const {
    return keys.lookup(&a) < keys.lookup(&b);
  }

  void moveBefore(Instruction &moved, Instruction &place) {
    if (moved.getNextNode() == &place)
      return;
    moved.moveBefore(place.getIterator());
    const Instruction *previous = moved.getPrevNode();
    uint64_t begin = previous ? keys.lookup(previous) : 0;
    uint64_t middle = begin + (keys.lookup(&place) - begin) / 2;
    keys[&moved] = middle;
    if (middle == begin)
      renumber();
  }

private:
  void renumber() {
    uint64_t key = 0;
    for (const Instruction &instruction : block)
      keys[&instruction] = key += kGap;
  }

  static constexpr uint64_t kGap = uint64_t(1) << 40;
  BasicBlock &block;
  DenseMap<const Instruction *, uint64_t> keys;
};

/// The first user in the block but for loop-carried uses, or null.
Instruction *firstUserIn(const BasicBlock &block, const BlockOrder &order,
                         const Instruction &instruction) {
  Instruction *first = nullptr;
  for (const User *user : instruction.users()) {
    auto *other = cast<Instruction>(const_cast<User *>(user));
    if (other->getParent() == &block && !isa<PHINode>(other) &&
        (!first || order.isBefore(*other, *first)))
      first = other;
  }
  return first;
}

void sinkToUsers(BasicBlock &block) {
  BlockOrder order(block);
  Instruction *next = nullptr;
  for (Instruction &instruction : make_early_inc_range(reverse(block))) {
    if (auto *call = dyn_cast<CallInst>(&instruction);
        call && call->isInlineAsm())
      next = call;
    if (!floats(instruction))
      continue;
    Instruction *first = firstUserIn(block, order, instruction);
    bool stays = instruction.getType()->isFPOrFPVectorTy() && next && first &&
                 order.isBefore(*next, *first);
    if (first && !stays)
      order.moveBefore(instruction, *first);
  }
}

} // namespace

void sinkToUsers(Function &function) {
  for (BasicBlock &block : function)
    sinkToUsers(block);
}

} // namespace mamba::codegen
