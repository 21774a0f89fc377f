// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ScheduleSelector: what no schedule can change.

#include "passes/Transforms/ScheduleSelector.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

LogicalResult ScheduleSelector::checkMixer() {
  if (apply.getMatrix().getType().getSupport() == Support::Full)
    return apply.emitOpError(
        "applies a full matrix; only causal and anti-causal matrices are "
        "executed, and sums of the two without states");
  if (!target.isGpu())
    return success();
  const KernelLimits &limits = getMmaSyncLimits();
  auto matrix =
      cast<StructuredMatrixOpInterface>(apply.getMatrix().getDefiningOp());
  std::pair<StringRef, int64_t> sizes[] = {
      {"headdim P", apply.getX().getType().getDimSize(3)},
      {"state size N", matrix.getStateSize()}};
  for (auto [what, size] : sizes)
    if (size % limits.dimMultiple != 0 || size > limits.dimLimit)
      return apply.emitOpError("has ")
             << what << " = " << size << ", but kernels for " << target.name
             << " need a multiple of " << limits.dimMultiple << " up to "
             << limits.dimLimit;
  if (isForced(Form::Recurrent))
    return success();
  FailureOr<Trial> trial =
      decomposeCopy(makeSchedule(Form::Chunked, limits.getChunk()));
  return failed(trial) ? failure() : findOperandType(trial->scan);
}

/// Adds the operands of `scan` that reach `value` through element-wise code.
static void collectSources(Value value, ChunkScanOp scan,
                           llvm::SmallSetVector<unsigned, 4> &sources) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    unsigned index = argument.getArgNumber();
    if (index >= scan.getIns().size())
      return;
    ArrayRef<DimRole> roles = scan.getInRole(index).getRoles();
    bool wide = llvm::is_contained(roles, DimRole::Channel) ||
                llvm::is_contained(roles, DimRole::State);
    if (wide && llvm::is_contained(roles, DimRole::Time))
      sources.insert(index);
    return;
  }
  Operation *op = value.getDefiningOp();
  if (!isa<DotOp>(op))
    for (Value operand : op->getOperands())
      collectSources(operand, scan, sources);
}

/// Tensor-core operands keep the 16-bit type of x, B and C.
LogicalResult ScheduleSelector::findOperandType(ChunkScanOp scan) {
  llvm::SmallSetVector<unsigned, 4> sources;
  scan.getBody().walk([&](DotOp dot) {
    collectSources(dot.getLhs(), scan, sources);
    collectSources(dot.getRhs(), scan, sources);
  });
  Type found;
  for (unsigned index : sources) {
    auto type = cast<RankedTensorType>(scan.getIns()[index].getType());
    Type element = type.getElementType();
    if (!element.isBF16() && !element.isF16())
      return apply.emitOpError("multiplies a tensor ")
             << type << ", but kernels for " << target.name
             << " take x, B and C in bf16 or f16 only";
    if (found && found != element)
      return apply.emitOpError("multiplies tensors of ")
             << found << " and " << element << ", but kernels for "
             << target.name << " take x, B and C in one type";
    found = element;
  }
  operandType = found;
  return success();
}

} // namespace mamba
