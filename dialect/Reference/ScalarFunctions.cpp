// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialect/Reference/ScalarFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace mamba::ssd {
namespace {

using Operands = ArrayRef<double>;

double nanOr(double a, double b, double result) {
  return std::isnan(a) || std::isnan(b)
             ? std::numeric_limits<double>::quiet_NaN()
             : result;
}

/// One row an operation that has no attributes.
const llvm::StringMap<ScalarFunction> &getTable() {
  static const llvm::StringMap<ScalarFunction> table = {
      // Floats.
      {"arith.addf", [](Operands x) { return x[0] + x[1]; }},
      {"arith.subf", [](Operands x) { return x[0] - x[1]; }},
      {"arith.mulf", [](Operands x) { return x[0] * x[1]; }},
      {"arith.divf", [](Operands x) { return x[0] / x[1]; }},
      {"arith.negf", [](Operands x) { return -x[0]; }},
      {"arith.maximumf",
       [](Operands x) { return nanOr(x[0], x[1], std::fmax(x[0], x[1])); }},
      {"arith.minimumf",
       [](Operands x) { return nanOr(x[0], x[1], std::fmin(x[0], x[1])); }},
      {"arith.maxnumf", [](Operands x) { return std::fmax(x[0], x[1]); }},
      {"arith.minnumf", [](Operands x) { return std::fmin(x[0], x[1]); }},
      {"math.absf", [](Operands x) { return std::fabs(x[0]); }},
      {"math.ceil", [](Operands x) { return std::ceil(x[0]); }},
      {"math.cos", [](Operands x) { return std::cos(x[0]); }},
      {"math.erf", [](Operands x) { return std::erf(x[0]); }},
      {"math.exp", [](Operands x) { return std::exp(x[0]); }},
      {"math.exp2", [](Operands x) { return std::exp2(x[0]); }},
      {"math.expm1", [](Operands x) { return std::expm1(x[0]); }},
      {"math.floor", [](Operands x) { return std::floor(x[0]); }},
      {"math.fma", [](Operands x) { return std::fma(x[0], x[1], x[2]); }},
      {"math.log", [](Operands x) { return std::log(x[0]); }},
      {"math.log1p", [](Operands x) { return std::log1p(x[0]); }},
      {"math.log2", [](Operands x) { return std::log2(x[0]); }},
      {"math.powf", [](Operands x) { return std::pow(x[0], x[1]); }},
      {"math.rsqrt", [](Operands x) { return 1 / std::sqrt(x[0]); }},
      {"math.sin", [](Operands x) { return std::sin(x[0]); }},
      {"math.sqrt", [](Operands x) { return std::sqrt(x[0]); }},
      {"math.tanh", [](Operands x) { return std::tanh(x[0]); }},
      // Conversions that keep the value.
      {"arith.extf", [](Operands x) { return x[0]; }},
      {"arith.truncf", [](Operands x) { return x[0]; }},
      {"arith.index_cast", [](Operands x) { return x[0]; }},
      {"arith.sitofp", [](Operands x) { return x[0]; }},
      {"arith.uitofp", [](Operands x) { return x[0]; }},
      // Integers, indices and booleans.
      {"arith.addi", [](Operands x) { return x[0] + x[1]; }},
      {"arith.subi", [](Operands x) { return x[0] - x[1]; }},
      {"arith.muli", [](Operands x) { return x[0] * x[1]; }},
      {"arith.minsi", [](Operands x) { return std::min(x[0], x[1]); }},
      {"arith.maxsi", [](Operands x) { return std::max(x[0], x[1]); }},
      {"arith.ceildivsi", [](Operands x) { return std::ceil(x[0] / x[1]); }},
      {"arith.floordivsi", [](Operands x) { return std::floor(x[0] / x[1]); }},
      {"arith.andi",
       [](Operands x) { return double(int64_t(x[0]) & int64_t(x[1])); }},
      {"arith.ori",
       [](Operands x) { return double(int64_t(x[0]) | int64_t(x[1])); }},
      {"arith.xori",
       [](Operands x) { return double(int64_t(x[0]) ^ int64_t(x[1])); }},
      {"arith.select", [](Operands x) { return x[0] != 0 ? x[1] : x[2]; }},
  };
  return table;
}

} // namespace

ScalarFunction lookupScalarFunction(Operation *op) {
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return [predicate = compare.getPredicate()](Operands x) -> double {
      return arith::applyCmpPredicate(predicate, llvm::APFloat(x[0]),
                                      llvm::APFloat(x[1]));
    };
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return [predicate = compare.getPredicate()](Operands x) -> double {
      return arith::applyCmpPredicate(
          predicate, llvm::APInt(64, int64_t(x[0]), /*isSigned=*/true),
          llvm::APInt(64, int64_t(x[1]), /*isSigned=*/true));
    };
  return getTable().lookup(op->getName().getStringRef());
}

} // namespace mamba::ssd
