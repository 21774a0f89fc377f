// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/Benchmark.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "tools/mamba-bench/ArgumentSets.h"
#include "tools/runner/Report.h"

using namespace mlir;

namespace mamba::tools {
namespace {

/// The mixer of one shape, as a module and as text for the compiler.
class Mixer {
public:
  Mixer(const BenchShape &shape, const BenchmarkOptions &options)
      : shape(shape), options(options),
        context(MLIRContext::Threading::DISABLED) {
    DialectRegistry registry;
    codegen::registerDialects(registry);
    context.appendDialectRegistry(registry);
  }

  /// Parses the text and forces the schedule for `target`.
  llvm::Error prepare(const Target &target);

  func::FuncOp getFunction() { return *module->getOps<func::FuncOp>().begin(); }
  const std::string &getText() const { return text; }
  llvm::Expected<CallSizes> getSizes() const;

private:
  llvm::Error forceSchedule(const Target &target);

  const BenchShape &shape;
  const BenchmarkOptions &options;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::string text;
};

} // namespace

llvm::Error Mixer::prepare(const Target &target) {
  std::string diagnostics;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      diagnostics += (diagnostics.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  text = makeMixerText(shape, options.variant);
  module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return llvm::createStringError("the mixer's text: " + diagnostics);
  if (options.schedule.empty())
    return llvm::Error::success();
  if (llvm::Error error = forceSchedule(target))
    return llvm::createStringError(toString(std::move(error)) + diagnostics);
  return llvm::Error::success();
}

/// The compiler takes chunk programs, too: the schedule is part of them.
llvm::Error Mixer::forceSchedule(const Target &target) {
  std::string message;
  llvm::raw_string_ostream stream(message);
  PassManager manager(&context);
  std::string pipeline = "ssd-to-chunks{target=" + target.name.str() + " " +
                         options.schedule + "}";
  if (failed(parsePassPipeline(pipeline, manager, stream)))
    return llvm::createStringError("--schedule='" + options.schedule +
                                   "': " + message);
  if (failed(manager.run(*module)))
    return llvm::createStringError("--schedule='" + options.schedule + "': ");
  text.clear();
  llvm::raw_string_ostream(text) << *module;
  return llvm::Error::success();
}

llvm::Expected<CallSizes> Mixer::getSizes() const {
  CallSizes sizes;
  if (llvm::Error error = sizes.set("batch", shape.batch))
    return error;
  if (llvm::Error error = sizes.set("time", shape.time))
    return error;
  return sizes;
}

std::string getBenchmarkName(const BenchShape &shape,
                             const BenchmarkOptions &options) {
  std::string name = "mamba2/" + shape.name + options.variant.formatSuffix();
  // As Google Benchmark writes arguments that have names.
  std::string schedule = options.schedule;
  llvm::replace(schedule, '=', ':');
  llvm::replace(schedule, ' ', '/');
  return name + (schedule.empty() ? "" : "/") + schedule;
}

/// Fills in a row from the times of a call that moves `bytes` and computes
/// `flops`.
static void addResults(BenchmarkRow &row, const Measurement &measurement,
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
  Mixer mixer(shape, options);
  if (llvm::Error error = mixer.prepare(device.getTarget()))
    return error;
  auto signature = getSignature(mixer.getFunction());
  if (!signature)
    return signature.takeError();
  auto sizes = mixer.getSizes();
  if (!sizes)
    return sizes.takeError();
  auto function = device.load(mixer.getText());
  if (!function)
    return function.takeError();
  auto sets = ArgumentSets::create(device, *signature, *sizes, options.seed);
  if (!sets)
    return sets.takeError();
  auto measurement = device.time(*function, *sets, options.repeat);
  if (!measurement)
    return measurement.takeError();
  if (llvm::Error error = sets->checkOutputs(device))
    return error;
  addResults(row, *measurement, rates, sets->getBytesPerCall(),
             countFlops(mixer.getFunction(), *sizes, device.getTarget()));
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
