// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the persistent kernels of a plan on the emulator and compares with the
// interpreter.

#ifndef MAMBA_TEST_UNIT_CODEGEN_ROLEHARNESS_H
#define MAMBA_TEST_UNIT_CODEGEN_ROLEHARNESS_H

#include "test/unit/codegen/CpuHarness.h"
#include "test/unit/codegen/WarpEmulator.h"

#include "codegen/GPU/GpuCompiler.h"

#include <functional>
#include <map>

namespace mamba::test {

/// A function whose mixers become persistent kernels: with roles, or (without
/// consumers) with teams.
struct RoleProgram {
  std::string text;
  /// Consumers of a thread block.
  int64_t consumers = 2;
  bool isHalf = false;
  std::string target = "sm_90a";
  int64_t chunk = 64;
  /// Warps and stages of a kernel with teams; 0: chosen.
  int64_t warps = 0, stages = 0;
  /// Fewest chunks of a segment in the second of its kernels; 0: there is none.
  int64_t segment = 4;
};

/// Fills the values of an input from normally distributed ones; `name` is its
/// ssd.name.
using Fill =
    std::function<void(llvm::StringRef name, std::vector<double> &values)>;

/// Flags of kernels as launches have left them, by the number of the param.
struct KeptFlags {
  std::map<int32_t, Array> areas;
  int64_t launches = 0;
};

/// A program, compiled once for many launches.
class RoleRunner {
public:
  explicit RoleRunner(const RoleProgram &program);

  /// Runs the kernels and compares each output with the interpreter. The thread
  /// blocks are `groups` gangs, by default one for each sequence set. More of
  /// them than sets launch the kernels for segments, fewer those for ranges and
  /// then those for segments.
  void check(int64_t batch, int64_t length, int64_t groups = 0);

  Fill fill;
  /// Never cleared.
  KeptFlags flags;

private:
  Array takeFlags(int32_t param, size_t count);
  void keepFlags(std::vector<Array> &arrays);
  std::vector<Array> makeArrays(int64_t batch, int64_t length);
  void checkKernels(int64_t batch, int64_t length, int64_t groups,
                    bool segments);
  void launch(const mamba_kernel &kernel, std::vector<Array> &arrays,
              int64_t batch, int64_t length, int64_t groups);

  double tolerance = 0;
  mlir::OwningOpRef<mlir::ModuleOp> reference;
  std::unique_ptr<codegen::OwnedPlan> plan;
  std::unique_ptr<WarpEmulator> emulator;
};

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_ROLEHARNESS_H
