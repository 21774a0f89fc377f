// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// mamba-opt: reads a module, runs passes on it and prints it.

#include "codegen/CPU/Passes.h"
#include "codegen/NVVM/Passes.h"
#include "dialect/IR/SsdDialect.h"
#include "dialect/Tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mamba::ssd::SsdDialect, mlir::arith::ArithDialect,
                  mlir::func::FuncDialect, mlir::gpu::GPUDialect,
                  mlir::LLVM::LLVMDialect, mlir::linalg::LinalgDialect,
                  mlir::math::MathDialect, mlir::scf::SCFDialect,
                  mlir::tensor::TensorDialect, mamba::tile::TileDialect>();
  mamba::codegen::registerCpuDialects(registry);
  mlir::registerTransformsPasses();
  mamba::registerMambaPasses();
  mamba::codegen::registerMambaCpuPasses();
  mamba::registerPipelines();
  mamba::codegen::registerCpuPipelines();
  mamba::codegen::registerMambaGpuPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "mamba-opt: the mamba-compiler optimizer\n", registry));
}
