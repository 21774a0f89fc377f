// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Oracle/ScalarText.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;

namespace mamba::codegen {

namespace {

/// One row an operation without attributes; $0, $1, … are its operands.
const llvm::StringMap<StringRef> &getTable() {
  static const llvm::StringMap<StringRef> table = {
      // Floats.
      {"arith.addf", "$0 + $1"},
      {"arith.subf", "$0 - $1"},
      {"arith.mulf", "$0 * $1"},
      {"arith.divf", "$0 / $1"},
      {"arith.negf", "-$0"},
      // The first comparison lets a NaN of $0 through, the second one of $1.
      {"arith.maximumf", "$0 != $0 || $0 > $1 ? $0 : $1"},
      {"arith.minimumf", "$0 != $0 || $0 < $1 ? $0 : $1"},
      {"arith.maxnumf", "fmax($0, $1)"},
      {"arith.minnumf", "fmin($0, $1)"},
      {"math.absf", "fabs($0)"},
      {"math.ceil", "ceil($0)"},
      {"math.cos", "cos($0)"},
      {"math.erf", "erf($0)"},
      {"math.exp", "exp($0)"},
      {"math.exp2", "exp2($0)"},
      {"math.expm1", "expm1($0)"},
      {"math.floor", "floor($0)"},
      {"math.fma", "$0 * $1 + $2"},
      {"math.log", "log($0)"},
      {"math.log1p", "log1p($0)"},
      {"math.log2", "log2($0)"},
      {"math.powf", "pow($0, $1)"},
      {"math.rsqrt", "1.0 / sqrt($0)"},
      {"math.sin", "sin($0)"},
      {"math.sqrt", "sqrt($0)"},
      {"math.tanh", "tanh($0)"},
      // Conversions.
      {"arith.extf", "$0"},
      {"arith.truncf", "$0"},
      {"arith.index_cast", "(long long)$0"},
      {"arith.sitofp", "(double)$0"},
      {"arith.uitofp", "(double)$0"},
      // Integers, indices and booleans.
      {"arith.addi", "$0 + $1"},
      {"arith.subi", "$0 - $1"},
      {"arith.muli", "$0 * $1"},
      {"arith.minsi", "$0 < $1 ? $0 : $1"},
      {"arith.maxsi", "$0 > $1 ? $0 : $1"},
      {"arith.andi", "$0 & $1"},
      {"arith.ori", "$0 | $1"},
      {"arith.xori", "$0 ^ $1"},
      {"arith.select", "$0 ? $1 : $2"},
  };
  return table;
}

/// An ordered comparison is false for a NaN; an unordered one is the negation
/// of the opposite ordered one.
StringRef compareText(arith::CmpFPredicate predicate) {
  using P = arith::CmpFPredicate;
  switch (predicate) {
  case P::AlwaysFalse:
    return "false";
  case P::OEQ:
    return "$0 == $1";
  case P::OGT:
    return "$0 > $1";
  case P::OGE:
    return "$0 >= $1";
  case P::OLT:
    return "$0 < $1";
  case P::OLE:
    return "$0 <= $1";
  case P::ONE:
    return "$0 < $1 || $0 > $1";
  case P::ORD:
    return "$0 == $0 && $1 == $1";
  case P::UEQ:
    return "!($0 < $1 || $0 > $1)";
  case P::UGT:
    return "!($0 <= $1)";
  case P::UGE:
    return "!($0 < $1)";
  case P::ULT:
    return "!($0 >= $1)";
  case P::ULE:
    return "!($0 > $1)";
  case P::UNE:
    return "$0 != $1";
  case P::UNO:
    return "$0 != $0 || $1 != $1";
  case P::AlwaysTrue:
    return "true";
  }
  llvm_unreachable("all predicates are listed");
}

StringRef compareText(arith::CmpIPredicate predicate) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return "$0 == $1";
  case P::ne:
    return "$0 != $1";
  case P::slt:
    return "$0 < $1";
  case P::sle:
    return "$0 <= $1";
  case P::sgt:
    return "$0 > $1";
  case P::sge:
    return "$0 >= $1";
  case P::ult:
    return "(unsigned long long)$0 < (unsigned long long)$1";
  case P::ule:
    return "(unsigned long long)$0 <= (unsigned long long)$1";
  case P::ugt:
    return "(unsigned long long)$0 > (unsigned long long)$1";
  case P::uge:
    return "(unsigned long long)$0 >= (unsigned long long)$1";
  }
  llvm_unreachable("all predicates are listed");
}

StringRef templateOf(Operation *op) {
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return compareText(compare.getPredicate());
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return compareText(compare.getPredicate());
  return getTable().lookup(op->getName().getStringRef());
}

} // namespace

StringRef scalarTypeText(Type type) {
  type = getElementTypeOrSelf(type);
  if (isa<FloatType>(type))
    return "double";
  return type.isInteger(1) ? "bool" : "long long";
}

std::string numberText(double value) {
  if (std::isnan(value))
    return "notANumber()";
  if (std::isinf(value))
    return value < 0 ? "-infinity()" : "infinity()";
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%a", value);
  return value < 0 ? "(" + text + ")" : text;
}

std::string constantText(Attribute number) {
  if (auto real = dyn_cast<FloatAttr>(number))
    return numberText(real.getValueAsDouble());
  auto integer = cast<IntegerAttr>(number);
  if (integer.getType().isInteger(1))
    return integer.getValue().isZero() ? "false" : "true";
  return std::to_string(integer.getInt()) + "ll";
}

FailureOr<std::string> scalarText(Operation *op,
                                  ArrayRef<std::string> operands) {
  StringRef pattern = templateOf(op);
  if (pattern.empty())
    return failure();
  std::string text = "(";
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '$')
      text += operands[size_t(pattern[++i] - '0')];
    else
      text += pattern[i];
  }
  return text + ")";
}

} // namespace mamba::codegen
