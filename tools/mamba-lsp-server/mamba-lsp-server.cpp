// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// mamba-lsp-server: diagnostics, hover, definitions and completion of .mlir
// files in an editor, through the language server protocol on stdin/stdout.

#include "codegen/Compiler/Compiler.h"
#include "mlir/IR/Dialect.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mamba::codegen::registerDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
