// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Compiles the mixer of a shape and times it.

#pragma once

#include "tools/mamba-bench/BenchmarkReport.h"
#include "tools/mamba-bench/Shapes.h"

namespace mamba::tools {

struct BenchmarkOptions {
  MixerVariant variant;
  /// Parts of the schedule to force, as options of the pipeline ssd-to-chunks
  /// ("chunk=64 stages=2"); empty: the compiler chooses.
  std::string schedule;
  unsigned repeat = 50; ///< Launches that are timed.
  uint64_t seed = 1;    ///< Of the inputs.
};

/// "mamba2/S1/gate".
std::string getBenchmarkName(const BenchShape &shape,
                             const BenchmarkOptions &options);

/// Fills in a row from the times of a call that moves `bytes` and computes
/// `flops`, with these counters:
///   floor_ms    every input read once, y and the final state written once, at
///               the copy rate of `rates`
///   x_floor     the time over that
///   copy_pct    the share of the copy rate that the call reaches
///   matmul_pct  that of the matmul rate, by the products of the chunk program
///   min_ms, max_ms  of the launches
///   graph_ms    a launch inside a CUDA graph
/// Counters that do not apply are left out.
void addResults(BenchmarkRow &row, const Measurement &measurement,
                const BenchRates &rates, double bytes, double flops);

/// The row of a shape: addResults, and input_sets, how many sets of arguments
/// the launches took in turn. What fails is the row's error.
BenchmarkRow runBenchmark(BenchDevice &device, const BenchRates &rates,
                          const BenchShape &shape,
                          const BenchmarkOptions &options);

} // namespace mamba::tools
