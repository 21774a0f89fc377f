// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/ScheduleSelector.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "passes/Transforms/Decompose.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

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

/// What is best for one short sequence may be worst for many or a long one: a
/// choice for all of them must be good on average.
SmallVector<ProblemSize, 4> ScheduleSelector::listSizes() {
  constexpr int64_t kLarger = 16;
  ProblemSize assumed = getSizes();
  SmallVector<ProblemSize, 4> sizes = {assumed};
  if (!target.isGpu())
    return sizes;
  if (ShapedType::isDynamic(getLength()))
    sizes.push_back({assumed.batch, kLarger * assumed.length});
  if (apply.getX().getType().isDynamicDim(0))
    for (ProblemSize size : llvm::to_vector(sizes))
      sizes.push_back({kLarger * size.batch, size.length});
  return sizes;
}

double ScheduleSelector::predict(
    ChunkScanOp scan,
    llvm::function_ref<double(const ScanWork &, ProblemSize)> predictAt) {
  SmallVector<ProblemSize, 4> sizes = listSizes();
  double logarithms = 0;
  for (ProblemSize size : sizes)
    logarithms += std::log(predictAt(countWork(scan, target, size), size));
  return std::exp(logarithms / double(sizes.size()));
}

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

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

ScheduleAttr ScheduleSelector::makeSchedule(Form form, int64_t chunk,
                                            KernelKind kind) {
  int64_t channels = apply.getX().getType().getDimSize(3);
  int64_t states =
      cast<StructuredMatrixOpInterface>(apply.getMatrix().getDefiningOp())
          .getStateSize();
  // The weights go where fewer products are (THEORY R13). In GPU kernels they
  // multiply what passes through registers: keys, or values where a warp reads
  // only those of its channels.
  WeightSide side = channels > states ? WeightSide::Keys : WeightSide::Values;
  if (target.isGpu())
    side = kind == KernelKind::Plain ? WeightSide::Keys : WeightSide::Values;
  // Recurrent kernels need no tensor cores.
  Type operand = kind == KernelKind::Recurrent
                     ? Float32Type::get(apply.getContext())
                     : operandType;
  int64_t subBlock = request.subBlock ? request.subBlock : kSubBlock;
  bool roles = kind == KernelKind::Roles;
  int64_t consumers = roles ? std::max<int64_t>(request.consumers, 0) : 0;
  return ScheduleAttr::get(
      apply.getContext(), form, chunk, std::min(subBlock, chunk), operand,
      request.weights.value_or(side), request.channels, request.warps,
      request.stages, consumers, /*segment=*/0,
      /*alternatives=*/ArrayRef<Alternative>());
}

/// The kernels to consider for chunks: what is forced leaves some out.
SmallVector<KernelKind, 3> ScheduleSelector::listChunkedKinds() {
  SmallVector<KernelKind, 3> kinds;
  bool keys = request.weights == WeightSide::Keys;
  if (request.consumers <= 0 && !request.segment)
    kinds.push_back(KernelKind::Plain);
  if (request.consumers <= 0 && target.isGpu() && !keys)
    kinds.push_back(KernelKind::Teams);
  bool withoutRoles =
      request.channels || request.warps || request.stages || keys;
  if (target.hasWgmma && request.consumers != 0 &&
      (request.consumers > 0 || !withoutRoles))
    kinds.push_back(KernelKind::Roles);
  return kinds;
}

SmallVector<ScheduleCandidate> ScheduleSelector::listCandidates() {
  SmallVector<ScheduleCandidate> candidates;
  auto wants = [&](Form form) { return request.form.value_or(form) == form; };
  auto add = [&](Form form, int64_t chunk, KernelKind kind) {
    ScheduleCandidate &candidate = candidates.emplace_back();
    candidate.schedule = makeSchedule(form, chunk, kind);
    candidate.kind = kind;
  };
  SmallVector<KernelKind, 3> kinds = listChunkedKinds();
  auto addChunked = [&](int64_t chunk) {
    for (KernelKind kind : kinds)
      add(Form::Chunked, chunk, kind);
  };
  bool others = request.consumers <= 0 && !request.segment;
  if (others && wants(Form::Recurrent) && request.chunk <= 1)
    add(Form::Recurrent, 1,
        target.isGpu() ? KernelKind::Recurrent : KernelKind::Plain);
  if (wants(Form::Chunked)) {
    if (request.chunk)
      addChunked(request.chunk);
    else
      llvm::for_each(kChunks, addChunked);
  }
  bool dynamic = ShapedType::isDynamic(getLength());
  int64_t whole = dynamic ? 1 : getLength();
  if (others && wants(Form::Quadratic) &&
      (!request.chunk || request.chunk == whole))
    add(Form::Quadratic, whole, KernelKind::Plain);
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

std::string
ScheduleSelector::rejectForKind(const ScheduleCandidate &candidate) {
  switch (candidate.kind) {
  case KernelKind::Plain:
    return rejectForPlain(candidate.schedule);
  case KernelKind::Recurrent:
    return rejectForRecurrent(candidate.schedule);
  case KernelKind::Teams:
    return rejectForTeams(candidate.schedule);
  case KernelKind::Roles:
    return rejectForRoles(candidate.schedule);
  }
  llvm_unreachable("unknown kind of kernel");
}

LogicalResult ScheduleSelector::evaluate(ScheduleCandidate &candidate) {
  ScheduleAttr schedule = candidate.schedule;
  candidate.rejection = rejectForm(schedule);
  if (candidate.rejection.empty() && target.isGpu())
    candidate.rejection = rejectForKind(candidate);
  if (!candidate.rejection.empty())
    return success();
  FailureOr<Trial> trial = decomposeCopy(schedule);
  if (failed(trial))
    return failure();
  candidate.work = countWork(trial->scan, target, getSizes());
  if (!target.isGpu()) {
    candidate.seconds = predictSeconds(candidate.work, target);
    if (candidate.work.scratchBytes > target.scratchBytes)
      candidate.rejection =
          llvm::formatv("{0} B of tiles exceed {1} B",
                        candidate.work.scratchBytes, target.scratchBytes);
    return success();
  }
  switch (candidate.kind) {
  case KernelKind::Plain:
    evaluatePlain(candidate, trial->scan);
    break;
  case KernelKind::Recurrent:
    evaluateRecurrent(candidate, trial->scan);
    break;
  case KernelKind::Teams:
    evaluateTeams(candidate, trial->scan);
    break;
  case KernelKind::Roles:
    evaluateRoles(candidate, trial->scan);
    break;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

static std::string describe(const ScheduleCandidate &candidate) {
  ScheduleAttr schedule = candidate.schedule;
  constexpr StringLiteral kKinds[] = {"", "", ", with teams", ", with roles"};
  if (schedule.getForm() == Form::Chunked)
    return llvm::formatv("chunked, chunk {0}{1}", schedule.getChunk(),
                         kKinds[static_cast<int>(candidate.kind)]);
  return stringifyForm(schedule.getForm()).str();
}

void ScheduleSelector::remarkOn(const ScheduleCandidate &candidate,
                                const ScheduleCandidate *best) {
  std::string text = describe(candidate);
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
  if (candidates.empty() && request.segment)
    diagnostic
        << ": segments and ranges are of kernels with consumers or teams";
  else if (candidates.empty() && request.consumers > 0)
    diagnostic << ": kernels with consumers are chunked and need products of a "
                  "warpgroup";
  else if (candidates.empty())
    diagnostic << ": chunk " << request.chunk << " does not fit the form "
               << stringifyForm(*request.form);
  for (const ScheduleCandidate &candidate : candidates)
    diagnostic.attachNote()
        << describe(candidate) << ": rejected, " << candidate.rejection;
  return failure();
}

/// The kernel that a written schedule means.
KernelKind ScheduleSelector::getKind(ScheduleAttr schedule) {
  if (!target.isGpu())
    return KernelKind::Plain;
  if (schedule.getForm() == Form::Recurrent)
    return KernelKind::Recurrent;
  if (schedule.getConsumers() > 0)
    return KernelKind::Roles;
  bool teams = schedule.getForm() == Form::Chunked &&
               schedule.getWeights() == WeightSide::Values;
  return teams ? KernelKind::Teams : KernelKind::Plain;
}

FailureOr<ScheduleAttr> ScheduleSelector::complete(ScheduleAttr schedule) {
  ScheduleCandidate candidate;
  candidate.schedule = schedule;
  candidate.kind = getKind(schedule);
  if (failed(evaluate(candidate)))
    return failure();
  if (!candidate.rejection.empty())
    return apply.emitOpError("has a schedule that ")
           << target.name << " cannot run: " << candidate.rejection;
  return candidate.schedule;
}

} // namespace mamba
