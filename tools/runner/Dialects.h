// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Everything the tools can read: the project's dialects and the upstream ones
// that surround them.

#pragma once

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mamba::tools {

void registerDialects(mlir::DialectRegistry &registry);

} // namespace mamba::tools
