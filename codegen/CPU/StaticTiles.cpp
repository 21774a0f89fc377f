// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/StaticTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace mamba::codegen {

void forRange(ImplicitLocOpBuilder &b, Value begin, Value end, int64_t step,
              function_ref<void(Value)> body) {
  Value stepValue = arith::ConstantIndexOp::create(b, step);
  auto loop = scf::ForOp::create(b, begin, end, stepValue);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void forStaticTiles(ImplicitLocOpBuilder &b, int64_t size, int64_t step,
                    Remainder remainder,
                    function_ref<void(Value, int64_t)> body) {
  int64_t full = size / step * step;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  if (full == step)
    body(constant(0), step);
  else if (full > 0)
    forRange(b, constant(0), constant(full), step,
             [&](Value offset) { body(offset, step); });
  for (int64_t at = full; at < size;) {
    int64_t rest = size - at;
    int64_t width = remainder == Remainder::Whole
                        ? rest
                        : int64_t(llvm::bit_floor(uint64_t(rest)));
    body(constant(at), width);
    at += width;
  }
}

} // namespace mamba::codegen
