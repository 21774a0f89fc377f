// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Compiles module text for the host, runs it on guarded, poisoned outputs and
// compares with float64 values.

#ifndef MAMBA_TEST_UNIT_CODEGEN_CPUHARNESS_H
#define MAMBA_TEST_UNIT_CODEGEN_CPUHARNESS_H

#include "codegen/CPU/CpuCompiler.h"
#include "codegen/CPU/Passes.h"
#include "dialect/IR/SsdDialect.h"
#include "mlir/Parser/Parser.h"
#include "tools/support/Float16.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>
#include <vector>

namespace mamba::test {

/// A tensor with its elements as float64 and as stored.
struct Array {
  std::vector<double> values;
  int32_t dtype = MAMBA_DTYPE_F32;
  std::vector<char> bytes;

  static constexpr size_t guard = 64;

  size_t elementSize() const { return dtype == MAMBA_DTYPE_F32 ? 4 : 2; }

  /// Rounds `values` to the type.
  void store() {
    bytes.assign(values.size() * elementSize(), 0);
    for (size_t i = 0; i < values.size(); ++i) {
      char *at = bytes.data() + i * elementSize();
      if (dtype == MAMBA_DTYPE_F32) {
        auto value = static_cast<float>(values[i]);
        std::memcpy(at, &value, 4);
        values[i] = value;
        continue;
      }
      bool half = dtype == MAMBA_DTYPE_F16;
      uint16_t value = half ? tools::Half::fromDouble(values[i])
                            : tools::Bfloat16::fromDouble(values[i]);
      std::memcpy(at, &value, 2);
      values[i] = half ? tools::Half::toDouble(value)
                       : tools::Bfloat16::toDouble(value);
    }
  }

  /// NaN everywhere, and a guard behind the end.
  void poison(size_t count) {
    values.assign(count, 0);
    bytes.assign(count * elementSize() + guard, char(0xff));
  }

  /// Reads back what was stored; the guard must be untouched.
  void load() {
    size_t size = values.size() * elementSize();
    for (size_t i = size; i < bytes.size(); ++i)
      ASSERT_EQ(bytes[i], char(0xff)) << "written past the end";
    for (size_t i = 0; i < values.size(); ++i) {
      const char *at = bytes.data() + i * elementSize();
      float single;
      uint16_t half;
      std::memcpy(&single, at, elementSize() == 4 ? 4 : 0);
      std::memcpy(&half, at, 2);
      values[i] = dtype == MAMBA_DTYPE_F32   ? single
                  : dtype == MAMBA_DTYPE_F16 ? tools::Half::toDouble(half)
                                             : tools::Bfloat16::toDouble(half);
    }
  }
};

/// Normally distributed values, rounded to `dtype`.
inline Array randomArray(std::mt19937 &random, size_t count, double scale = 1,
                         int32_t dtype = MAMBA_DTYPE_F32) {
  std::normal_distribution<double> distribution(0, scale);
  Array array;
  array.dtype = dtype;
  for (size_t i = 0; i < count; ++i)
    array.values.push_back(distribution(random));
  array.store();
  return array;
}

/// ‖out − ref‖₂ / ‖ref‖₂; the largest |out| where ref is zero.
inline double relativeError(const std::vector<double> &out,
                            const std::vector<double> &ref) {
  double difference = 0, norm = 0, largest = 0;
  for (size_t i = 0; i < ref.size(); ++i) {
    difference += (out[i] - ref[i]) * (out[i] - ref[i]);
    norm += ref[i] * ref[i];
    largest = std::max(largest, std::fabs(out[i]));
  }
  return norm > 0 ? std::sqrt(difference / norm) : largest;
}

inline mlir::MLIRContext &getContext() {
  static mlir::MLIRContext *context = [] {
    mlir::DialectRegistry registry;
    registry.insert<ssd::SsdDialect>();
    codegen::registerCpuDialects(registry);
    return new mlir::MLIRContext(registry,
                                 mlir::MLIRContext::Threading::DISABLED);
  }();
  return *context;
}

/// Compiles `text`; a failure is a test failure and yields null.
inline std::unique_ptr<codegen::CpuExecutable>
compile(const std::string &text, llvm::StringRef entry, unsigned threads = 2) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &getContext());
  if (!module) {
    ADD_FAILURE() << "does not parse:\n" << text;
    return nullptr;
  }
  auto program =
      codegen::compileForCpu(*module, entry, codegen::getHostCpuTarget());
  if (!program) {
    ADD_FAILURE() << llvm::toString(program.takeError());
    return nullptr;
  }
  auto executable = codegen::CpuExecutable::load(std::move(*program), threads);
  if (!executable) {
    ADD_FAILURE() << llvm::toString(executable.takeError());
    return nullptr;
  }
  return std::move(*executable);
}

/// Runs on the arrays of all inputs and outputs in plan order; temporaries are
/// made here, poisoned.
inline void run(codegen::CpuExecutable &executable, std::vector<Array *> arrays,
                int64_t batch, int64_t length) {
  const mamba_plan &plan = executable.getPlan();
  std::vector<void *> pointers;
  std::vector<std::vector<char>> temporaries;
  size_t next = 0;
  for (int32_t i = 0; i < plan.num_params; ++i) {
    const mamba_param &param = plan.params[i];
    if (param.kind != MAMBA_PARAM_TEMPORARY) {
      pointers.push_back(arrays[next++]->bytes.data());
      continue;
    }
    size_t bytes = 8;
    for (int32_t d = 0; d < param.rank; ++d)
      bytes *= param.dims[d].symbol < 0    ? param.dims[d].extent
               : param.dims[d].symbol == 0 ? batch
                                           : length;
    temporaries.emplace_back(bytes, char(0xff));
    pointers.push_back(temporaries.back().data());
  }
  ASSERT_EQ(next, arrays.size());
  executable.run(pointers, batch, length);
  for (size_t i = 0; i < arrays.size(); ++i)
    if (plan.params[i].kind == MAMBA_PARAM_OUTPUT)
      arrays[i]->load();
}

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_CPUHARNESS_H
