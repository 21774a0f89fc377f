// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/ScheduleSelector.h"
#include "passes/Transforms/RoleShape.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "passes/Analysis/BlockResources.h"
#include "passes/Transforms/Decompose.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

constexpr int64_t kSubBlock = 16;
constexpr int64_t kChunks[] = {16, 32, 64, 128, 256};

ScheduleSelector::ScheduleSelector(ApplyOp apply,
                                   const ScheduleRequest &request)
    : apply(apply), request(request), target(*request.target),
      operandType(Float32Type::get(apply.getContext())) {}

int64_t ScheduleSelector::getLength() {
  auto x = cast<RankedTensorType>(apply.getX().getType());
  FailureOr<int64_t> length =
      unifySizes(x.getDimSize(1), apply.getMatrix().getType().getLength());
  assert(succeeded(length) && "ssd.apply (C1)");
  return *length;
}

bool ScheduleSelector::isForced(Form form) {
  if (std::optional<ScheduleAttr> written = apply.getSchedule())
    return written->getForm() == form;
  return request.form == form;
}

bool ScheduleSelector::hasDynamicSizes() {
  return apply.getX().getType().isDynamicDim(0) ||
         ShapedType::isDynamic(getLength());
}

ProblemSize ScheduleSelector::getSizes() {
  int64_t batch = apply.getX().getType().getDimSize(0);
  ProblemSize sizes = {batch, getLength()};
  if (ShapedType::isDynamic(sizes.batch))
    sizes.batch = request.assumed.batch;
  if (ShapedType::isDynamic(sizes.length))
    sizes.length = request.assumed.length;
  return sizes;
}

//===----------------------------------------------------------------------===//
// What no schedule can change
//===----------------------------------------------------------------------===//

FailureOr<ScheduleSelector::Trial>
ScheduleSelector::decomposeCopy(ScheduleAttr schedule) {
  IRMapping mapping;
  auto function = apply->getParentOfType<func::FuncOp>();
  Trial trial;
  trial.function = cast<func::FuncOp>(function->clone(mapping));
  auto copy = mapping.lookup(apply.getY()).getDefiningOp<ApplyOp>();
  FailureOr<ChunkScanOp> scan = decomposeMixer(copy, schedule, /*silent=*/true);
  if (failed(scan))
    return failure();
  trial.scan = *scan;
  return trial;
}

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

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

ScheduleAttr ScheduleSelector::makeSchedule(Form form, int64_t chunk,
                                            bool roles) {
  int64_t channels = apply.getX().getType().getDimSize(3);
  int64_t states =
      cast<StructuredMatrixOpInterface>(apply.getMatrix().getDefiningOp())
          .getStateSize();
  // The weights go where fewer products are (THEORY R13). In GPU kernels they
  // multiply what passes through registers: keys, or with roles values.
  WeightSide side = (target.isGpu() && !roles) || channels > states
                        ? WeightSide::Keys
                        : WeightSide::Values;
  // Recurrent kernels need no tensor cores.
  bool recurrent = target.isGpu() && form == Form::Recurrent;
  if (roles || recurrent)
    side = WeightSide::Values;
  Type operand = recurrent ? Float32Type::get(apply.getContext()) : operandType;
  int64_t subBlock = request.subBlock ? request.subBlock : kSubBlock;
  int64_t consumers = roles ? std::max<int64_t>(request.consumers, 0) : 0;
  return ScheduleAttr::get(
      apply.getContext(), form, chunk, std::min(subBlock, chunk), operand,
      request.weights.value_or(side), request.channels, request.warps,
      request.stages, consumers, consumers > 0 ? request.segment : 0,
      /*alternatives=*/ArrayRef<int64_t>());
}

SmallVector<ScheduleCandidate> ScheduleSelector::listCandidates() {
  SmallVector<ScheduleCandidate> candidates;
  auto wants = [&](Form form) { return request.form.value_or(form) == form; };
  bool forcesPlain = request.channels || request.warps || request.stages ||
                     request.weights == WeightSide::Keys;
  bool roles = target.hasWgmma && request.consumers != 0 &&
               (request.consumers > 0 || !forcesPlain);
  bool plain = request.consumers <= 0 && !request.segment;
  auto add = [&](Form form, int64_t chunk) {
    if (plain)
      candidates.emplace_back().schedule = makeSchedule(form, chunk);
    if (!roles || form != Form::Chunked)
      return;
    ScheduleCandidate &candidate = candidates.emplace_back();
    candidate.schedule = makeSchedule(form, chunk, /*roles=*/true);
    candidate.roles = true;
  };
  if (wants(Form::Recurrent) && request.chunk <= 1)
    add(Form::Recurrent, 1);
  if (wants(Form::Chunked)) {
    if (request.chunk)
      add(Form::Chunked, request.chunk);
    else
      for (int64_t chunk : kChunks)
        add(Form::Chunked, chunk);
  }
  bool dynamic = ShapedType::isDynamic(getLength());
  int64_t whole = dynamic ? 1 : getLength();
  if (wants(Form::Quadratic) && (!request.chunk || request.chunk == whole))
    add(Form::Quadratic, whole);
  return candidates;
}

std::string ScheduleSelector::rejectForm(ScheduleAttr schedule) {
  int64_t length = getLength();
  bool dynamic = ShapedType::isDynamic(length);
  if (schedule.getForm() == Form::Quadratic) {
    if (dynamic)
      return "the length of the sequence is dynamic";
    if (schedule.getChunk() < length)
      return llvm::formatv("chunk {0} does not hold the {1} tokens",
                           schedule.getChunk(), length);
  }
  bool forced = request.chunk != 0 || request.form.has_value();
  if (schedule.getForm() == Form::Chunked && !dynamic && !forced &&
      !target.isGpu() && schedule.getChunk() / 2 >= length)
    return llvm::formatv("half of the chunk holds the {0} tokens", length);
  return "";
}

/// What the kernels of the target's instruction family fix.
std::string ScheduleSelector::rejectForKernels(ScheduleAttr schedule) {
  const KernelLimits &limits = getMmaSyncLimits();
  if (schedule.getForm() != Form::Chunked ||
      schedule.getChunk() != limits.getChunk())
    return llvm::formatv("kernels have {0} warps of {1} token rows, {2} "
                         "tokens a chunk",
                         limits.warps, limits.rowsPerWarp, limits.getChunk());
  if (schedule.getSubBlock() != limits.rowsPerWarp)
    return llvm::formatv("sub_block {0} is not the {1} rows of a warp",
                         schedule.getSubBlock(), limits.rowsPerWarp);
  if (schedule.getWarps() && schedule.getWarps() != limits.warps)
    return llvm::formatv("{0} warps, but kernels have {1}", schedule.getWarps(),
                         limits.warps);
  if (schedule.getStages() > limits.maxStages)
    return llvm::formatv("{0} stages exceed {1}", schedule.getStages(),
                         limits.maxStages);
  int64_t headdim = apply.getX().getType().getDimSize(3);
  int64_t channels = schedule.getChannels();
  if (channels && (channels > headdim || channels % limits.dimMultiple))
    return llvm::formatv("{0} channels are not a multiple of {1} up to the "
                         "headdim {2}",
                         channels, limits.dimMultiple, headdim);
  if (schedule.getWeights() != WeightSide::Keys)
    return "kernels put the state weights on the keys";
  if (schedule.getOperand() != operandType)
    return llvm::formatv("operand {0} is not the inputs' type {1}",
                         schedule.getOperand(), operandType);
  return "";
}

LogicalResult ScheduleSelector::evaluate(ScheduleCandidate &candidate) {
  ScheduleAttr schedule = candidate.schedule;
  candidate.rejection = rejectForm(schedule);
  if (candidate.rejection.empty() && target.isGpu())
    candidate.rejection = candidate.roles ? rejectForRoles(schedule)
                          : schedule.getForm() == Form::Recurrent
                              ? rejectForRecurrent(schedule)
                              : rejectForKernels(schedule);
  if (!candidate.rejection.empty())
    return success();
  FailureOr<Trial> trial = decomposeCopy(schedule);
  if (failed(trial))
    return failure();
  candidate.work = countWork(trial->scan, target, getSizes());
  candidate.seconds = predictSeconds(candidate.work, target);
  if (candidate.roles) {
    evaluateRoles(candidate, trial->scan);
    return success();
  }
  if (target.isGpu() && schedule.getForm() == Form::Recurrent) {
    evaluateRecurrent(candidate, trial->scan);
    return success();
  }
  if (!target.isGpu()) {
    if (candidate.work.scratchBytes > target.scratchBytes)
      candidate.rejection =
          llvm::formatv("{0} B of tiles exceed {1} B",
                        candidate.work.scratchBytes, target.scratchBytes);
    return success();
  }
  const KernelLimits &limits = getMmaSyncLimits();
  std::optional<BlockShape> shape = chooseBlockShape(
      trial->scan, target, limits,
      {schedule.getChannels(), schedule.getStages()}, candidate.rejection);
  if (!shape)
    return success();
  candidate.rejection.clear();
  candidate.schedule = ScheduleAttr::get(
      apply.getContext(), schedule.getForm(), schedule.getChunk(),
      schedule.getSubBlock(), schedule.getOperand(), schedule.getWeights(),
      shape->channels, limits.warps, shape->stages, /*consumers=*/0,
      /*segment=*/0,
      /*alternatives=*/ArrayRef<int64_t>());
  BlockResources resources = predictBlockResources(trial->scan, shape->channels,
                                                   limits.warps, shape->stages);
  remark::analysis(apply.getLoc(),
                   remark::RemarkOpts::name("Resources").category(kCategory))
      << remark::add("predicted {0} registers a thread (limit {1}), {2} B of "
                     "shared memory (limit {3} B)",
                     resources.registersPerThread, target.registersPerThread,
                     resources.sharedBytes, target.sharedBytesPerBlock);
  return success();
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

static std::string describe(ScheduleAttr schedule, bool roles) {
  if (schedule.getForm() == Form::Chunked)
    return llvm::formatv("chunked, chunk {0}{1}", schedule.getChunk(),
                         roles ? ", with roles" : "");
  return stringifyForm(schedule.getForm()).str();
}

void ScheduleSelector::remarkOn(const ScheduleCandidate &candidate,
                                const ScheduleCandidate *best) {
  std::string text = describe(candidate.schedule, candidate.roles);
  double micros = candidate.seconds * 1e6;
  auto options = remark::RemarkOpts::name("Candidate").category(kCategory);
  if (&candidate == best) {
    const ScanWork &work = candidate.work;
    remark::passed(apply.getLoc(), options)
        << remark::add("{0} on {1}: {2:F1} us predicted; {3:F0} kB, {4:F1} "
                       "Mflop, {5:F2} M exponentials",
                       text, target.name.str(), micros, work.bytes * 1e-3,
                       work.flops * 1e-6, work.exps * 1e-6);
    return;
  }
  if (!candidate.rejection.empty())
    remark::missed(apply.getLoc(), options)
        << remark::add("{0}: rejected, {1}", text, candidate.rejection);
  else
    remark::missed(apply.getLoc(), options)
        << remark::add("{0}: {1:F1} us predicted", text, micros);
}

FailureOr<ScheduleAttr> ScheduleSelector::select() {
  SmallVector<ScheduleCandidate> candidates = listCandidates();
  const ScheduleCandidate *best = nullptr;
  for (ScheduleCandidate &candidate : candidates) {
    if (failed(evaluate(candidate)))
      return failure();
    if (candidate.rejection.empty() &&
        (!best || candidate.seconds < best->seconds))
      best = &candidate;
  }
  for (const ScheduleCandidate &candidate : candidates)
    remarkOn(candidate, best);
  if (best)
    return best->schedule;
  InFlightDiagnostic diagnostic =
      apply.emitOpError("has no legal schedule for ");
  diagnostic << target.name;
  if (candidates.empty() && (request.consumers > 0 || request.segment))
    diagnostic << ": kernels with consumers are chunked and need products of a "
                  "warpgroup";
  else if (candidates.empty())
    diagnostic << ": chunk " << request.chunk << " does not fit the form "
               << stringifyForm(*request.form);
  for (const ScheduleCandidate &candidate : candidates)
    diagnostic.attachNote() << describe(candidate.schedule, candidate.roles)
                            << ": rejected, " << candidate.rejection;
  return failure();
}

FailureOr<ScheduleAttr> ScheduleSelector::complete(ScheduleAttr schedule) {
  ScheduleCandidate candidate;
  candidate.schedule = schedule;
  candidate.roles = schedule.getConsumers() > 0;
  if (failed(evaluate(candidate)))
    return failure();
  if (!candidate.rejection.empty())
    return apply.emitOpError("has a schedule that ")
           << target.name << " cannot run: " << candidate.rejection;
  return candidate.schedule;
}

} // namespace mamba
