// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RoleKernel: the carried state at the ends of pieces: initial, final, handed
// over between thread blocks. See RoleSummary.cpp for split sequences.

#include "passes/Transforms/RoleKernel.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

//===----------------------------------------------------------------------===//
// States between pieces
//===----------------------------------------------------------------------===//

/// The number of a consumer of a block in the workspaces.
Value RoleKernel::handoverIndex(Value block, Value instance) {
  return widen(add(mul(block, shape.consumers), narrow(instance)));
}

Value RoleKernel::loadHandover(Value slot) {
  int64_t columns = stateType().getDimSize(1);
  return tile::LoadPackedOp::create(b, stateType(), handoverStates,
                                    mul(slot, 64 * columns));
}

void RoleKernel::storeHandover(Value state, Value instance) {
  int64_t columns = stateType().getDimSize(1);
  Value slot = handoverIndex(blockNumber(), instance);
  tile::StorePackedOp::create(b, state, handoverStates,
                              mul(slot, 64 * columns));
}

/// The state in front of a piece. At the start of a sequence it is given. In a
/// split sequence it is combined from the summaries of the segments before,
/// each with its decay; elsewhere the gang before hands it over.
FailureOr<Value> RoleKernel::emitInitialState(const Piece &piece,
                                              Consumer consumer,
                                              Value instance) {
  auto receive = [&]() -> Value {
    Value from = arith::SubIOp::create(b, blockNumber(), number(shape.gang));
    Value slot = handoverIndex(from, instance);
    tile::AwaitOp::create(b, handoverFlags, slot);
    return loadHandover(slot);
  };
  if (division.splits)
    return combineSummaries(piece, consumer, instance);
  Value atStart = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                        piece.first, number(0));
  return choose(atStart, [&] { return loadInit(piece, consumer); }, receive);
}

/// Behind a piece the state is final, or goes to the gang that continues the
/// sequence (split sequences have handed over their summaries before).
void RoleKernel::emitFinalState(const Piece &piece, Consumer consumer,
                                Value instance, Value state) {
  Value atEnd = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, piece.end,
                                      work.chunks);
  auto choice = scf::IfOp::create(b, atEnd, /*withElse=*/!division.splits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(choice.thenYield());
  storeFinal(piece, consumer, state);
  if (division.splits)
    return;
  b.setInsertionPoint(choice.elseYield());
  storeHandover(state, instance);
  tile::SignalOp::create(b, handoverFlags,
                         handoverIndex(blockNumber(), instance));
}
