// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// arith and math operations as functions of float64 scalars.

#pragma once

#include "mlir/IR/Operation.h"

#include <functional>

namespace mamba::ssd {

/// A scalar operation: its operands' values to its result's value.
using ScalarFunction = std::function<double(llvm::ArrayRef<double>)>;

/// The function of an arith or math operation; null if it is not known.
/// Booleans are 0 and 1. Conversions between float types are the identity.
ScalarFunction lookupScalarFunction(mlir::Operation *op);

} // namespace mamba::ssd
