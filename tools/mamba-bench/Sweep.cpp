// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/Sweep.h"

#include "tools/mamba-bench/ArgumentSets.h"
#include "tools/runner/Report.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Parallel.h"

#include <cmath>

using namespace mlir;

namespace mamba::tools {
namespace {

/// How often every schedule has its turn.
constexpr unsigned rounds = 3;

/// One schedule, from its compilation to its row.
struct Candidate {
  ScheduledMixer mixer;
  BenchFunction function;
  std::vector<Measurement> measurements;
  std::string kernel; ///< That a launch runs.
  double difference = 0;
  std::string error;
};

class Sweep {
public:
  Sweep(BenchDevice &device, const Signature &signature,
        const ArgumentSets &sets, unsigned repeat)
      : device(device), sets(sets), repeat(repeat),
        limit(2 * getTolerance(signature)) {}

  /// Times a loaded candidate, and compares its results with those of the first
  /// one.
  llvm::Error start(Candidate &candidate);
  llvm::Error time(Candidate &candidate);

private:
  llvm::Error compare(Candidate &candidate);

  BenchDevice &device;
  const ArgumentSets &sets;
  unsigned repeat;
  /// Of the difference of two results, either of which may have an error.
  double limit;
  std::vector<HostTensor> expected;
};

} // namespace

/// ‖out − ref‖₂ / ‖ref‖₂; ‖out‖₂ where ‖ref‖ = 0.
static double getDifference(const HostTensor &out, const HostTensor &ref) {
  const ElementType &type = ref.getType();
  constexpr int64_t pieceBytes = int64_t(1) << 20;
  int64_t bytes = ref.getNumBytes();
  std::vector<std::pair<double, double>> sums(
      llvm::divideCeil(bytes, pieceBytes));
  llvm::parallelFor(0, sums.size(), [&](size_t i) {
    int64_t end = std::min(int64_t(i + 1) * pieceBytes, bytes);
    for (int64_t at = i * pieceBytes; at < end; at += type.bytes) {
      double value = type.load(ref.data() + at);
      double deviation = type.load(out.data() + at) - value;
      sums[i].first += deviation * deviation;
      sums[i].second += value * value;
    }
  });
  double above = 0, below = 0;
  for (auto [deviation, square] : sums) {
    above += deviation;
    below += square;
  }
  return std::sqrt(below > 0 ? above / below : above);
}

llvm::Error Sweep::compare(Candidate &candidate) {
  auto outputs = sets.downloadOutputs(device);
  if (!outputs)
    return outputs.takeError();
  if (expected.empty()) {
    expected = std::move(*outputs);
    return sets.checkOutputs(device);
  }
  for (auto [i, output] : llvm::enumerate(*outputs)) {
    double difference = getDifference(output, expected[i]);
    if (!(difference <= limit))
      return llvm::createStringError(llvm::formatv(
          "output '{0}' differs from that of the chosen schedule by {1} (limit "
          "{2})",
          sets.getOutputName(i), difference, limit));
    candidate.difference = std::max(candidate.difference, difference);
  }
  return llvm::Error::success();
}

llvm::Error Sweep::time(Candidate &candidate) {
  auto measurement = device.time(candidate.function, sets, repeat);
  if (!measurement)
    return measurement.takeError();
  candidate.measurements.push_back(std::move(*measurement));
  return llvm::Error::success();
}

llvm::Error Sweep::start(Candidate &candidate) {
  auto kernel = getKernelName(candidate.function, sets);
  if (!kernel)
    return kernel.takeError();
  candidate.kernel = std::move(*kernel);
  if (llvm::Error error = sets.poisonOutputs(device))
    return error;
  if (llvm::Error error = time(candidate))
    return error;
  return compare(candidate);
}

/// All launches; of the other times, the medians.
static Measurement merge(ArrayRef<Measurement> parts) {
  Measurement all;
  std::vector<double> host, graph;
  for (const Measurement &part : parts) {
    llvm::append_range(all.seconds, part.seconds);
    host.push_back(part.hostSeconds);
    graph.push_back(part.graphSeconds);
  }
  all.hostSeconds = getMedian(std::move(host));
  all.graphSeconds = getMedian(std::move(graph));
  return all;
}

std::string getScheduleName(StringRef schedule) {
  std::string name;
  int depth = 0;
  for (char letter : schedule) {
    depth += (letter == '[') - (letter == ']');
    if (letter == ',' && depth == 0)
      name += '/';
    else if (letter == '=' ||
             (letter == ' ' && depth > 0 && llvm::isAlnum(name.back())))
      name += ':';
    else if (letter != ' ')
      name += letter;
  }
  return name;
}

static BenchmarkRow makeRow(const Candidate &candidate, const Candidate &chosen,
                            const SweepResult &result, const BenchRates &rates,
                            double bytes) {
  BenchmarkRow row;
  row.label = result.label;
  row.name = result.name + "/" + getScheduleName(candidate.mixer.schedule);
  row.kernel = candidate.kernel;
  row.error = candidate.error;
  if (!row.error.empty())
    return row;
  Measurement measurement = merge(candidate.measurements);
  addResults(row, measurement, rates, bytes, candidate.mixer.flops);
  row.counters.emplace_back("x_chosen",
                            measurement.getMedian() /
                                merge(chosen.measurements).getMedian());
  row.counters.emplace_back("difference", candidate.difference);
  return row;
}

/// Compiles and binds every candidate, side by side: compiling is most of a
/// sweep's time. With nothing forced, the first is `text`, what a user gets.
static void load(MutableArrayRef<Candidate> candidates, BenchDevice &device,
                 std::optional<StringRef> text) {
  llvm::parallelFor(0, candidates.size(), [&](size_t i) {
    Candidate &candidate = candidates[i];
    auto function =
        device.load(i == 0 && text ? *text : StringRef(candidate.mixer.text));
    if (function)
      candidate.function = std::move(*function);
    else
      candidate.error = toString(function.takeError());
  });
}

/// Everything but the name and the label.
static llvm::Error fill(SweepResult &result, BenchDevice &device,
                        const BenchRates &rates, const BenchShape &shape,
                        const BenchmarkOptions &options,
                        ArrayRef<ScheduleAxis> axes) {
  auto mixer = Mixer::create(shape, options.variant);
  if (!mixer)
    return mixer.takeError();
  auto schedules =
      listSchedules(**mixer, device.getTarget(), options.schedule, axes);
  if (!schedules)
    return schedules.takeError();
  result.rejections = std::move(schedules->rejections);
  auto sets = ArgumentSets::create(device, (*mixer)->getSignature(),
                                   (*mixer)->getSizes(), options.seed);
  if (!sets)
    return sets.takeError();
  Sweep sweep(device, (*mixer)->getSignature(), *sets, options.repeat);
  std::vector<Candidate> candidates(schedules->legal.size());
  for (auto [candidate, legal] : llvm::zip_equal(candidates, schedules->legal))
    candidate.mixer = std::move(legal);
  std::optional<StringRef> open;
  if (options.schedule.empty())
    open = (*mixer)->getText();
  load(candidates, device, open);
  for (Candidate &candidate : candidates) {
    if (candidate.error.empty())
      candidate.error = toString(sweep.start(candidate));
    candidate.error = StringRef(candidate.error).trim().str();
    if (!candidates.front().error.empty())
      return llvm::createStringError(candidates.front().error);
  }
  for (unsigned round = 1; round < rounds; ++round)
    for (Candidate &candidate : candidates)
      if (candidate.error.empty())
        candidate.error = toString(sweep.time(candidate));
  for (const Candidate &candidate : candidates)
    result.rows.push_back(makeRow(candidate, candidates.front(), result, rates,
                                  sets->getBytesPerCall()));
  return llvm::Error::success();
}

SweepResult runSweep(BenchDevice &device, const BenchRates &rates,
                     const BenchShape &shape, const BenchmarkOptions &options,
                     ArrayRef<ScheduleAxis> axes) {
  SweepResult result;
  result.name = getBenchmarkName(shape, options);
  result.label = shape.formatSizes();
  if (llvm::Error error = fill(result, device, rates, shape, options, axes))
    result.error = StringRef(toString(std::move(error))).trim().str();
  return result;
}

bool SweepResult::hasFailed() const {
  return !error.empty() || llvm::any_of(rows, [](const BenchmarkRow &row) {
    return !row.error.empty();
  });
}

} // namespace mamba::tools
