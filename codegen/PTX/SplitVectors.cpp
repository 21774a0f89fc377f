// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/KernelCleanup.h"

#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace mamba::codegen {
namespace {

/// Elements of a vector; null where they are not known.
using Elements = SmallVector<Value *, 0>;

/// Longer than a register.
FixedVectorType *asLongVector(Type *type) {
  auto *vector = dyn_cast<FixedVectorType>(type);
  return vector && vector->getPrimitiveSizeInBits() > 32 ? vector : nullptr;
}

class Splitter {
public:
  explicit Splitter(Function &function) : function(function) {}
  void run();

private:
  Elements elementsOf(Value *vector) const;
  void splitPhi(PHINode &phi, FixedVectorType &type);
  void joinPhis();
  void insert(InsertElementInst &insertion);
  void extract(ExtractElementInst &extraction);
  void eraseDead();

  Function &function;
  DenseMap<Value *, Elements> known;
  SmallVector<PHINode *> phis;
  /// Phis, insertions and extractions whose elements are known.
  SmallVector<Instruction *> replaced;
};

Elements Splitter::elementsOf(Value *vector) const {
  if (auto found = known.find(vector); found != known.end())
    return found->second;
  auto *type = cast<FixedVectorType>(vector->getType());
  Elements elements(type->getNumElements(), nullptr);
  if (auto *constant = dyn_cast<Constant>(vector))
    for (unsigned i = 0; i < elements.size(); ++i)
      elements[i] = constant->getAggregateElement(i);
  return elements;
}

/// Gives the phi's elements phis of their own; where they come from is known
/// when the whole function has been seen. Elements that share a register stay.
void Splitter::splitPhi(PHINode &phi, FixedVectorType &type) {
  if (type.getScalarSizeInBits() < 32)
    return;
  Elements &elements = known[&phi];
  for (unsigned i = 0; i < type.getNumElements(); ++i)
    elements.push_back(PHINode::Create(type.getElementType(),
                                       phi.getNumIncomingValues(), "",
                                       phi.getIterator()));
  phis.push_back(&phi);
  replaced.push_back(&phi);
}

void Splitter::joinPhis() {
  for (PHINode *phi : phis)
    for (auto [block, value] : zip(phi->blocks(), phi->incoming_values())) {
      Elements incoming = elementsOf(value);
      IRBuilder<> builder(block->getTerminator());
      for (auto [i, element] : enumerate(known[phi])) {
        auto *scalar = cast<PHINode>(element);
        // A switch may come here twice: with the same value.
        int again = scalar->getBasicBlockIndex(block);
        Value *from = again >= 0    ? scalar->getIncomingValue(again)
                      : incoming[i] ? incoming[i]
                                    : builder.CreateExtractElement(value, i);
        scalar->addIncoming(from, block);
      }
    }
}

void Splitter::insert(InsertElementInst &insertion) {
  auto *index = dyn_cast<ConstantInt>(insertion.getOperand(2));
  if (!index)
    return;
  Elements elements = elementsOf(insertion.getOperand(0));
  if (index->getValue().uge(elements.size()))
    return;
  elements[index->getZExtValue()] = insertion.getOperand(1);
  known[&insertion] = std::move(elements);
  replaced.push_back(&insertion);
}

void Splitter::extract(ExtractElementInst &extraction) {
  auto *index = dyn_cast<ConstantInt>(extraction.getIndexOperand());
  auto found = known.find(extraction.getVectorOperand());
  if (!index || found == known.end() ||
      index->getValue().uge(found->second.size()))
    return;
  Value *element = found->second[index->getZExtValue()];
  if (!element)
    return;
  extraction.replaceAllUsesWith(element);
  replaced.push_back(&extraction);
}

/// Of what was replaced, that goes which nothing else needs. Phis and what is
/// put into them need each other.
void Splitter::eraseDead() {
  SmallPtrSet<Instruction *, 32> dead(replaced.begin(), replaced.end());
  SmallVector<Instruction *> live;
  for (Instruction *instruction : replaced)
    if (any_of(instruction->users(), [&](User *user) {
          return !dead.contains(cast<Instruction>(user));
        }))
      live.push_back(instruction);
  while (!live.empty()) {
    Instruction *needed = live.pop_back_val();
    if (!dead.erase(needed))
      continue;
    for (Value *operand : needed->operands())
      if (auto *instruction = dyn_cast<Instruction>(operand))
        live.push_back(instruction);
  }
  for (Instruction *instruction : dead)
    instruction->dropAllReferences();
  for (Instruction *instruction : dead)
    instruction->eraseFromParent();
}

void Splitter::run() {
  ReversePostOrderTraversal<Function *> order(&function);
  for (BasicBlock *block : order)
    for (Instruction &instruction : make_early_inc_range(*block)) {
      auto *type = asLongVector(instruction.getType());
      if (auto *extraction = dyn_cast<ExtractElementInst>(&instruction))
        extract(*extraction);
      else if (!type)
        continue;
      else if (auto *phi = dyn_cast<PHINode>(&instruction))
        splitPhi(*phi, *type);
      else if (auto *insertion = dyn_cast<InsertElementInst>(&instruction))
        insert(*insertion);
    }
  joinPhis();
  eraseDead();
}

} // namespace

void splitVectors(Function &function) {
  if (!function.isDeclaration())
    Splitter(function).run();
}

} // namespace mamba::codegen
