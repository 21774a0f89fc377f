// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// mamba-opt: reads a module, runs passes on it and prints it.

#include "codegen/CPU/Passes.h"
#include "codegen/Compiler/Compiler.h"
#include "codegen/NVVM/Passes.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

static const char *const overview =
    R"(mamba-opt: reads a module, runs passes on it and prints it

  mamba-opt layer.mlir                               check and print
  mamba-opt layer.mlir --ssd-to-chunks=target=cpu    to chunk programs
  mamba-opt layer.mlir --ssd-to-tiles=target=sm_90a  to tile kernels
  mamba-opt layer.mlir --ssd-normalize --mlir-print-ir-after-all

Passes and pipelines run in the order given; their options follow in
--PASS="option=value option=value". Debugging: --mlir-print-ir-after-all,
--mlir-print-ir-tree-dir=DIR, --mlir-timing, --remark-format=emitRemark.
)";

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mamba::codegen::registerDialects(registry);
  mlir::registerTransformsPasses();
  mamba::registerMambaPasses();
  mamba::codegen::registerMambaCpuPasses();
  mamba::registerPipelines();
  mamba::codegen::registerCpuPipelines();
  mamba::codegen::registerMambaGpuPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, overview, registry));
}
