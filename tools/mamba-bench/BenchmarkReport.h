// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Results in the two forms of Google Benchmark: rows on a console, and JSON
// that its tools read. The library itself is not used: Debian has it as a
// shared library only, and release programs need nothing but libc.

#pragma once

#include "tools/mamba-bench/BenchDevice.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace mamba::tools {

/// One line of results.
struct BenchmarkRow {
  std::string name;
  std::string label;  ///< The shape in numbers.
  std::string kernel; ///< The one that ran, of several the first.
  std::string error;  ///< Why there are no results; empty if there are.
  unsigned iterations = 0;
  double realSeconds = 0; ///< Of a launch.
  double cpuSeconds = 0;  ///< Of a launch, for the host.
  /// Further results, each by a name that says its unit.
  std::vector<std::pair<std::string, double>> counters;
};

/// Where, when and on what the rows were measured.
struct BenchmarkContext {
  std::string executable;
  std::string target;
  std::string device;
  BenchRates rates;
};

/// "context" of the JSON: the fields of Google Benchmark, then ours.
llvm::json::Object toJson(const BenchmarkContext &context);
/// An element of "benchmarks" of the JSON, the row `index`.
llvm::json::Object toJson(const BenchmarkRow &row, unsigned index);

/// Lines about the context.
void print(llvm::raw_ostream &stream, const BenchmarkContext &context);
/// The line above the rows; names take `width` columns.
void printHeader(llvm::raw_ostream &stream, size_t width);
void print(llvm::raw_ostream &stream, const BenchmarkRow &row, size_t width);

} // namespace mamba::tools
