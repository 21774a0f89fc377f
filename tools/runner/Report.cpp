// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/runner/Report.h"

#include "dialect/IR/SsdOps.h"
#include "mlir/IR/Diagnostics.h"
#include "tools/runner/Backends.h"
#include "llvm/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace mamba::tools {

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

/// "[0, 3]: 1.5, not 2" for an element, given by its row-major position.
static std::string describeElement(const ssd::ReferenceTensor &actual,
                                   const ssd::ReferenceTensor &reference,
                                   int64_t position) {
  if (actual.getNumElements() == 0)
    return "";
  SmallVector<int64_t, 4> index;
  int64_t rest = position;
  for (int64_t size : llvm::reverse(actual.getShape())) {
    index.push_back(rest % size);
    rest /= size;
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "[";
  llvm::interleaveComma(llvm::reverse(index), stream);
  stream << llvm::format("]: %.6g, not %.6g", actual.getValues()[position],
                         reference.getValues()[position]);
  return text;
}

llvm::Expected<Comparison> compare(StringRef name, StringRef against,
                                   const ssd::ReferenceTensor &actual,
                                   const ssd::ReferenceTensor &reference,
                                   double limit) {
  if (actual.getShape() != reference.getShape())
    return llvm::createStringError(
        "'" + name + "' has shape " + formatShape(actual.getShape()) +
        ", but " + against + " has " + formatShape(reference.getShape()));
  double difference = 0, norm = 0, largest = 0, worstError = -1;
  size_t worst = 0;
  for (size_t i = 0; i < actual.getValues().size(); ++i) {
    double out = actual.getValues()[i], ref = reference.getValues()[i];
    double error = std::fabs(out - ref);
    difference += error * error;
    norm += ref * ref;
    largest = std::max(largest, std::fabs(out));
    // The first NaN is worse than everything.
    if (error > worstError || (std::isnan(error) && !std::isnan(worstError))) {
      worstError = error;
      worst = i;
    }
  }
  double error = norm > 0 ? std::sqrt(difference / norm) : largest;
  if (std::isnan(difference) || std::isnan(norm))
    error = NAN;
  return Comparison{name.str(), against.str(), error, limit,
                    describeElement(actual, reference, worst)};
}

double getTolerance(const Signature &signature) {
  double tolerance = 0;
  for (const auto *specs : {&signature.inputs, &signature.outputs})
    for (const TensorSpec &spec : *specs)
      tolerance = std::max(tolerance, spec.type->tolerance);
  return tolerance;
}

void print(llvm::raw_ostream &stream, const Comparison &comparison) {
  stream << llvm::format("  %-8s error %.2e (limit %.1e) against ",
                         comparison.name.c_str(), comparison.error,
                         comparison.limit)
         << comparison.against
         << (comparison.passes() ? "" : "  FAILED, worst at ")
         << (comparison.passes() ? "" : comparison.worst) << "\n";
}

llvm::json::Object toJson(const Comparison &comparison) {
  llvm::json::Object object{{"name", comparison.name},
                            {"against", comparison.against},
                            {"limit", comparison.limit},
                            {"passed", comparison.passes()}};
  // JSON has no infinities and no NaN.
  if (std::isfinite(comparison.error))
    object["error"] = comparison.error;
  else
    object["error"] = std::isnan(comparison.error) ? "nan" : "inf";
  return object;
}

//===----------------------------------------------------------------------===//
// Work and time
//===----------------------------------------------------------------------===//

/// Flops of the products of one chunk, 2 a multiply-add.
static double countChunkFlops(ssd::ChunkScanOp scan) {
  double flops = 0;
  scan.walk([&](ssd::DotOp dot) {
    auto lhs = cast<RankedTensorType>(dot.getLhs().getType());
    auto result = cast<RankedTensorType>(dot.getType());
    flops +=
        2.0 * result.getNumElements() * lhs.getDimSize(dot.getContract()[0]);
  });
  return flops;
}

double countFlops(func::FuncOp function, const CallSizes &sizes,
                  const Target &target) {
  OwningOpRef<ModuleOp> module = isolate(function);
  // What cannot be lowered is not counted.
  ScopedDiagnosticHandler silent(function.getContext(),
                                 [](Diagnostic &) { return success(); });
  if (llvm::Error error = lowerToChunks(*module, target)) {
    llvm::consumeError(std::move(error));
    return 0;
  }
  double flops = 0;
  module->walk([&](ssd::ChunkScanOp scan) {
    flops += countChunkFlops(scan) * scan.getHeads() * sizes.getBatch() *
             llvm::divideCeil(sizes.getTime(), int64_t(scan.getChunk()));
  });
  return flops;
}

Work countWork(func::FuncOp function, const CallSizes &sizes,
               ArrayRef<HostTensor> inputs, ArrayRef<HostTensor> outputs,
               const Target *target) {
  Work work;
  for (const HostTensor &tensor : inputs)
    work.bytes += tensor.getNumBytes();
  for (const HostTensor &tensor : outputs)
    work.bytes += tensor.getNumBytes();
  work.flops =
      countFlops(function, sizes, target ? *target : *lookupTarget("cpu"));
  return work;
}

double Timing::getMedian() const {
  std::vector<double> sorted = seconds;
  llvm::sort(sorted);
  return sorted[sorted.size() / 2];
}

double Timing::getBest() const {
  return *std::min_element(seconds.begin(), seconds.end());
}

void print(llvm::raw_ostream &stream, const Timing &timing, const Work &work,
           const MachineLimits &limits) {
  double median = timing.getMedian();
  stream << llvm::format("  time     %.4g ms (median of %zu, best %.4g ms)\n",
                         median * 1e3, timing.seconds.size(),
                         timing.getBest() * 1e3);
  auto rate = [&](const char *what, double amount, double limit,
                  const char *unit) {
    if (amount == 0)
      return;
    stream << llvm::format("  %-8s %.4g %s in all, %.4g %s/s", what,
                           amount / 1e9, unit, amount / median / 1e9, unit);
    if (limit > 0)
      stream << llvm::format(", %.1f %% of %.4g %s/s (",
                             100 * amount / median / limit, limit / 1e9, unit)
             << limits.source << ")";
    stream << "\n";
  };
  rate("memory", work.bytes, limits.bytesPerSecond, "GB");
  rate("products", work.flops, limits.flopsPerSecond, "Gflop");
}

llvm::json::Object toJson(const Timing &timing, const Work &work,
                          const MachineLimits &limits) {
  double median = timing.getMedian();
  llvm::json::Object object{{"median_s", median},
                            {"best_s", timing.getBest()},
                            {"runs", int64_t(timing.seconds.size())},
                            {"bytes", work.bytes},
                            {"flops", work.flops},
                            {"bytes_per_s", work.bytes / median},
                            {"flops_per_s", work.flops / median}};
  if (limits.bytesPerSecond > 0)
    object["limits"] =
        llvm::json::Object{{"bytes_per_s", limits.bytesPerSecond},
                           {"flops_per_s", limits.flopsPerSecond},
                           {"source", limits.source}};
  return object;
}

} // namespace mamba::tools
