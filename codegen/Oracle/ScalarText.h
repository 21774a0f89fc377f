// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Scalar arith and math operations as C expressions: floats are double,
// integers and indices long long, i1 is bool. Conversions between float types
// are the identity.

#pragma once

#include "mlir/IR/Operation.h"

#include <string>

namespace mamba::codegen {

/// The C type that holds values of an MLIR scalar type (for a tensor, of its
/// elements).
llvm::StringRef scalarTypeText(mlir::Type type);

/// A number as an exact literal.
std::string numberText(double value);

/// The constant as a literal of its C type.
std::string constantText(mlir::Attribute number);

/// The expression of `op` for the expressions of its operands. Fails, without
/// a diagnostic, for an operation that is not known.
llvm::FailureOr<std::string> scalarText(mlir::Operation *op,
                                        llvm::ArrayRef<std::string> operands);

} // namespace mamba::codegen
