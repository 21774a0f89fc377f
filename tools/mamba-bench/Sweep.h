// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Times every schedule of a mixer that the compiler accepts beside the one that
// it chooses.

#pragma once

#include "tools/mamba-bench/Benchmark.h"
#include "tools/mamba-bench/ForcedSchedules.h"

namespace mamba::tools {

/// "form:chunked/chunk:64", as Google Benchmark writes arguments that have
/// names, of "form = chunked, chunk = 64".
std::string getScheduleName(llvm::StringRef schedule);

struct SweepResult {
  std::string name;  ///< As of the shape's benchmark.
  std::string label; ///< The shape in numbers.
  /// The first is the compiler's choice. With the counters of addResults, and
  ///   x_chosen    the time over that of the choice
  ///   difference  ‖out − chosen's‖₂ / ‖chosen's‖₂, the greatest of the outputs
  /// A row has an error if it did not run or differs too much.
  std::vector<BenchmarkRow> rows;
  std::vector<ScheduleRejection> rejections;
  std::string error; ///< Why there are no rows; empty if there are.

  bool hasFailed() const;
};

/// Times the mixer with each of its schedules, on the same arguments. The
/// schedules take turns, so that a GPU's clock is the same for all. Parts that
/// `options` force are forced in all of them.
SweepResult runSweep(BenchDevice &device, const BenchRates &rates,
                     const BenchShape &shape, const BenchmarkOptions &options,
                     llvm::ArrayRef<ScheduleAxis> axes);

/// A table, the fastest first, how far the choice is from the fastest, and how
/// much was rejected; `verbose`: what and why.
void print(llvm::raw_ostream &stream, const SweepResult &result, bool verbose);

/// Elements of "rejected" of the JSON.
llvm::json::Array toJson(const SweepResult &result);

} // namespace mamba::tools
