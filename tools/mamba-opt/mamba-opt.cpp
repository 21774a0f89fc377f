// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// mamba-opt: reads a module, runs passes on it and prints it.

#include "codegen/CPU/Passes.h"
#include "codegen/Compiler/Compiler.h"
#include "codegen/NVVM/Passes.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mamba::codegen::registerDialects(registry);
  mlir::registerTransformsPasses();
  mamba::registerMambaPasses();
  mamba::codegen::registerMambaCpuPasses();
  mamba::registerPipelines();
  mamba::codegen::registerCpuPipelines();
  mamba::codegen::registerMambaGpuPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "mamba-opt: the mamba-compiler optimizer\n", registry));
}
