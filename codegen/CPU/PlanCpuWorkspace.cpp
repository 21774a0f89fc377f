// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mamba::codegen {
#define GEN_PASS_DEF_PLANCPUWORKSPACE
#include "codegen/CPU/Passes.h.inc"

namespace {

/// Buffers start on cache lines.
constexpr int64_t kAlignment = 64;

/// A buffer, the operations of its block between which it is needed, and its
/// place.
struct Buffer {
  memref::AllocOp alloc;
  int64_t bytes;
  Operation *last; // null: until the block ends, and on its next entry
  int64_t offset = 0;

  bool mayShareWith(const Buffer &other) const {
    Block *block = alloc->getBlock();
    if (block != other.alloc->getBlock() || !last || !other.last)
      return false;
    return last->isBeforeInBlock(other.alloc) ||
           other.last->isBeforeInBlock(alloc);
  }
};

/// The last operation of the buffer's block that uses it, directly or through
/// views; null where its value leaves through a terminator or a loop.
Operation *findLastUse(memref::AllocOp alloc) {
  Block *block = alloc->getBlock();
  Operation *last = alloc;
  SmallVector<Value> worklist{alloc.getResult()};
  while (!worklist.empty())
    for (Operation *user : worklist.pop_back_val().getUsers()) {
      Operation *ancestor = block->findAncestorOpInBlock(*user);
      if (!ancestor || user->hasTrait<OpTrait::IsTerminator>())
        return nullptr;
      if (last->isBeforeInBlock(ancestor))
        last = ancestor;
      if (isa<ViewLikeOpInterface>(user))
        worklist.append(user->result_begin(), user->result_end());
      else if (llvm::any_of(user->getResultTypes(), llvm::IsaPred<MemRefType>))
        return nullptr;
    }
  return last;
}

/// First fit: the lowest place that no buffer needed at the same time holds.
int64_t findOffset(const Buffer &buffer, ArrayRef<Buffer> placed) {
  SmallVector<const Buffer *> others;
  for (const Buffer &other : placed)
    if (!buffer.mayShareWith(other))
      others.push_back(&other);
  llvm::sort(others, [](const Buffer *a, const Buffer *c) {
    return a->offset < c->offset;
  });
  int64_t offset = 0;
  for (const Buffer *other : others) {
    if (offset + buffer.bytes <= other->offset)
      break;
    offset = std::max(offset, other->offset + other->bytes);
  }
  return offset;
}

struct PlanCpuWorkspace : impl::PlanCpuWorkspaceBase<PlanCpuWorkspace> {
  using Base::Base;
  void runOnOperation() override {
    SmallVector<Buffer> buffers;
    WalkResult walk = getOperation().walk([&](memref::AllocOp alloc) {
      MemRefType type = alloc.getType();
      if (!type.hasStaticShape() || !type.getLayout().isIdentity()) {
        alloc.emitError("a kernel's buffer must have a static size, but is ")
            << type;
        return WalkResult::interrupt();
      }
      int64_t bytes = llvm::divideCeil(
          type.getNumElements() * type.getElementTypeBitWidth(), 8);
      Buffer buffer{alloc, int64_t(llvm::alignTo(bytes, kAlignment)),
                    findLastUse(alloc)};
      buffer.offset = findOffset(buffer, buffers);
      buffers.push_back(buffer);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    if (!buffers.empty())
      replace(buffers);
  }

  void replace(ArrayRef<Buffer> buffers) {
    int64_t bytes = 0;
    for (const Buffer &buffer : buffers)
      bytes = std::max(bytes, buffer.offset + buffer.bytes);
    func::FuncOp function = getOperation();
    ImplicitLocOpBuilder b(function.getLoc(), &getContext());
    b.setInsertionPointToStart(&function.getBody().front());
    auto type = MemRefType::get({bytes}, b.getI8Type());
    Value workspace = memref::AllocOp::create(
        b, type, ValueRange(), ValueRange(), b.getI64IntegerAttr(kAlignment));
    for (const Buffer &buffer : buffers) {
      b.setInsertionPoint(buffer.alloc);
      Value offset = arith::ConstantIndexOp::create(b, buffer.offset);
      memref::AllocOp alloc = buffer.alloc;
      Value view = memref::ViewOp::create(b, alloc.getType(), workspace, offset,
                                          ValueRange());
      alloc.replaceAllUsesWith(view);
      alloc.erase();
    }
    b.setInsertionPoint(function.getBody().front().getTerminator());
    memref::DeallocOp::create(b, workspace);
  }
};

} // namespace
} // namespace mamba::codegen
