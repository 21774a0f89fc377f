// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#pragma once

#include "dialect/IR/StructuredMatrix.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mamba::ssd {

/// Another kernel of a chunk program that has one already: with these consumers
/// and segments in the place of the schedule's.
struct Alternative {
  int64_t consumers = 0;
  int64_t segment = 0;

  bool operator==(const Alternative &other) const = default;
};

inline llvm::hash_code hash_value(const Alternative &alternative) {
  return llvm::hash_combine(alternative.consumers, alternative.segment);
}

llvm::FailureOr<llvm::SmallVector<Alternative>>
parseAlternatives(mlir::AsmParser &parser);
void printAlternatives(mlir::AsmPrinter &printer,
                       llvm::ArrayRef<Alternative> alternatives);

} // namespace mamba::ssd

// Generated code goes last, in its own include block: clang-format sorts
// within a block and would otherwise move it above what it needs.
#include "dialect/IR/SsdDialect.h.inc"
#include "dialect/IR/SsdEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/IR/SsdAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/IR/SsdTypes.h.inc"

namespace mamba::ssd {

/// Attribute of function arguments and results: the name tools use.
inline constexpr llvm::StringLiteral kNameAttr = "ssd.name";

/// Attribute of function arguments: how `mamba-run` draws their values where
/// no file is given, e.g. "normal", "uniform -16 -1", "constant 0".
inline constexpr llvm::StringLiteral kInitAttr = "ssd.init";

/// Sizes of one dimension that must agree: a dynamic size yields to a static
/// one. Fails when two static sizes differ.
llvm::FailureOr<int64_t> unifySizes(int64_t a, int64_t b);

/// Head counts that unify: one divides the other, the larger one results.
llvm::FailureOr<int64_t> unifyHeads(int64_t a, int64_t b);

/// Index of the operand head that head `head` of `heads` reads.
inline int64_t shareHead(int64_t head, int64_t heads, int64_t operandHeads) {
  return head * operandHeads / heads;
}

/// Rules every structured-matrix operation obeys: its value stays in its
/// block and is used by `ssd` operations only, and its operands are results
/// of structured-matrix operations.
llvm::LogicalResult verifyStructuredMatrix(mlir::Operation *op);

} // namespace mamba::ssd

#include "dialect/IR/SsdInterfaces.h.inc"
