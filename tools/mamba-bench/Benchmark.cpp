// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/Benchmark.h"

#include "tools/mamba-bench/ArgumentSets.h"
#include "tools/mamba-bench/Mixer.h"

using namespace mlir;

namespace mamba::tools {

std::string getBenchmarkName(const BenchShape &shape,
                             const BenchmarkOptions &options) {
  std::string name = "mamba2/" + shape.name + options.variant.formatSuffix();
  // As Google Benchmark writes arguments that have names.
  std::string schedule = options.schedule;
  llvm::replace(schedule, '=', ':');
  llvm::replace(schedule, ' ', '/');
  return name + (schedule.empty() ? "" : "/") + schedule;
}

void addResults(BenchmarkRow &row, const Measurement &measurement,
                const BenchRates &rates, double bytes, double flops) {
  double median = measurement.getMedian();
  double floor = bytes / rates.bytesPerSecond;
  row.iterations = measurement.seconds.size();
  row.realSeconds = median;
  row.cpuSeconds = measurement.hostSeconds;
  auto add = [&](const char *name, double value) {
    row.counters.emplace_back(name, value);
  };
  add("floor_ms", floor * 1e3);
  add("x_floor", median / floor);
  add("copy_pct", 100 * floor / median);
  if (rates.flopsPerSecond > 0 && flops > 0)
    add("matmul_pct", 100 * flops / median / rates.flopsPerSecond);
  const auto [least, most] = std::minmax_element(measurement.seconds.begin(),
                                                 measurement.seconds.end());
  add("min_ms", *least * 1e3);
  add("max_ms", *most * 1e3);
  if (measurement.graphSeconds > 0)
    add("graph_ms", measurement.graphSeconds * 1e3);
}

static llvm::Error measure(BenchmarkRow &row, BenchDevice &device,
                           const BenchRates &rates, const BenchShape &shape,
                           const BenchmarkOptions &options) {
  auto mixer = Mixer::create(shape, options.variant);
  if (!mixer)
    return mixer.takeError();
  auto scheduled = (*mixer)->schedule(device.getTarget(), options.schedule);
  if (!scheduled)
    return llvm::createStringError("--schedule: " +
                                   toString(scheduled.takeError()));
  // With nothing forced, the compiler says itself what it cannot do.
  bool isForced = !options.schedule.empty();
  if (isForced && !scheduled->rejection.empty())
    return llvm::createStringError("--schedule='" + options.schedule +
                                   "': " + scheduled->rejection);
  auto function = device.load(isForced ? scheduled->text : (*mixer)->getText());
  if (!function)
    return function.takeError();
  auto sets = ArgumentSets::create(device, (*mixer)->getSignature(),
                                   (*mixer)->getSizes(), options.seed);
  if (!sets)
    return sets.takeError();
  auto kernel = getKernelName(*function, *sets);
  if (!kernel)
    return kernel.takeError();
  row.kernel = std::move(*kernel);
  auto measurement = device.time(*function, *sets, options.repeat);
  if (!measurement)
    return measurement.takeError();
  if (llvm::Error error = sets->checkOutputs(device))
    return error;
  addResults(row, *measurement, rates, sets->getBytesPerCall(),
             scheduled->flops);
  row.counters.emplace_back("input_sets", sets->size());
  return llvm::Error::success();
}

BenchmarkRow runBenchmark(BenchDevice &device, const BenchRates &rates,
                          const BenchShape &shape,
                          const BenchmarkOptions &options) {
  BenchmarkRow row;
  row.name = getBenchmarkName(shape, options);
  row.label = shape.formatSizes();
  if (llvm::Error error = measure(row, device, rates, shape, options))
    row.error = StringRef(toString(std::move(error))).trim().str();
  return row;
}

} // namespace mamba::tools
