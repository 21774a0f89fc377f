// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/runner/Machine.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

// One copy of a function for each instruction set, chosen at run time.
#if defined(__x86_64__)
#define MAMBA_CLONES                                                           \
  __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define MAMBA_CLONES
#endif

namespace mamba::tools {
namespace {

constexpr size_t bufferBytes = size_t(64) << 20;
constexpr unsigned repeats = 3;

using Floats = float __attribute__((vector_size(64)));

/// 2 · 16 · 12 flops an iteration, in twelve independent chains.
MAMBA_CLONES float multiplyAdd(int64_t iterations) {
  Floats sums[12] = {};
  Floats factor = Floats{} + 0.5f, term = Floats{} + 1.0f;
  for (int64_t i = 0; i < iterations; ++i) {
#pragma clang loop unroll(full)
    for (Floats &sum : sums)
      sum = sum * factor + term;
  }
  float result = 0;
  for (const Floats &sum : sums)
    for (int lane = 0; lane < 16; ++lane)
      result += sum[lane];
  return result;
}

/// Seconds until `threads` threads have done `work`, the best of `repeats`.
double timeThreads(unsigned threads,
                   const std::function<void(unsigned)> &work) {
  double best = 1e300;
  for (unsigned repeat = 0; repeat < repeats; ++repeat) {
    auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> pool;
    for (unsigned i = 0; i < threads; ++i)
      pool.emplace_back(work, i);
    for (std::thread &thread : pool)
      thread.join();
    std::chrono::duration<double> elapsed =
        std::chrono::steady_clock::now() - start;
    best = std::min(best, elapsed.count());
  }
  return best;
}

} // namespace

MachineLimits measureCpu(unsigned threads) {
  MachineLimits limits;
  limits.source = "measured here";
  std::vector<char> source(bufferBytes, 1), target(bufferBytes, 2);
  size_t part = bufferBytes / threads;
  limits.bytesPerSecond =
      2.0 * part * threads / timeThreads(threads, [&](unsigned i) {
        std::memcpy(&target[i * part], &source[i * part], part);
      });
  constexpr int64_t iterations = 1 << 21;
  [[maybe_unused]] static volatile float sink;
  limits.flopsPerSecond =
      2.0 * 16 * 12 * iterations * threads /
      timeThreads(threads, [](unsigned) { sink = multiplyAdd(iterations); });
  return limits;
}

} // namespace mamba::tools
