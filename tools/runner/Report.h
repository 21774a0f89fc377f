// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Comparing results, counting work, and printing both.

#pragma once

#include "tools/runner/Executable.h"
#include "llvm/Support/JSON.h"

namespace mamba::tools {

/// How one result compares with its reference.
struct Comparison {
  std::string name;    ///< Of the result.
  std::string against; ///< What the reference is, in words.
  double error;        ///< ‖out − ref‖₂ / ‖ref‖₂; max |out| where ‖ref‖ = 0.
  double limit;
  /// Position and values of the largest deviation, in words.
  std::string worst;

  /// A NaN never passes.
  bool passes() const { return error <= limit; }
};

/// Compares `actual` with `reference`; fails when their shapes differ.
llvm::Expected<Comparison> compare(llvm::StringRef name,
                                   llvm::StringRef against,
                                   const ssd::ReferenceTensor &actual,
                                   const ssd::ReferenceTensor &reference,
                                   double limit);

/// The error that results of a function may have: that of the coarsest type
/// among its inputs and outputs, since operands are rounded to it.
double getTolerance(const Signature &signature);

/// What a call moves and computes.
struct Work {
  double bytes = 0; ///< Every input read once, every output written once.
  double flops = 0; ///< Of the matrix products; 0 where not known.
};

/// Counts the work of one call. Flops are those of the chunk program that the
/// function becomes for `target` (the CPU if it is null).
Work countWork(mlir::func::FuncOp function, const CallSizes &sizes,
               llvm::ArrayRef<HostTensor> inputs,
               llvm::ArrayRef<HostTensor> outputs, const Target *target);

/// The flops of countWork.
double countFlops(mlir::func::FuncOp function, const CallSizes &sizes,
                  const Target &target);

/// Times of one function.
struct Timing {
  std::vector<double> seconds;
  double getMedian() const;
  double getBest() const;
};

void print(llvm::raw_ostream &stream, const Comparison &comparison);
void print(llvm::raw_ostream &stream, const Timing &timing, const Work &work,
           const MachineLimits &limits);

llvm::json::Object toJson(const Comparison &comparison);
llvm::json::Object toJson(const Timing &timing, const Work &work,
                          const MachineLimits &limits);

} // namespace mamba::tools
