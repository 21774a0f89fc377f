// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/ChunkScanKernel.h"
#include "codegen/CPU/Passes.h"
#include "codegen/CPU/PointwiseKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace mamba::codegen {
#define GEN_PASS_DEF_OUTLINECPUKERNELS
#include "codegen/CPU/Passes.h.inc"

namespace {

struct OutlineCpuKernels : impl::OutlineCpuKernelsBase<OutlineCpuKernels> {
  using Base::Base;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto b = OpBuilder::atBlockEnd(module.getBody());
    kernels = ModuleOp::create(b, module.getLoc(), kKernelModule);
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isDeclaration() && failed(outline(function)))
        return signalPassFailure();
  }

  LogicalResult outline(func::FuncOp function) {
    unsigned number = 0;
    for (Operation &op : function.getOps()) {
      std::string name = (function.getName() + "_" + Twine(number)).str();
      if (auto scan = dyn_cast<ssd::ChunkScanOp>(op)) {
        emitChunkScanKernel(scan, name, kernels);
      } else if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
        generic.emitRemark("becomes a loop of its own: it is not part of a "
                           "chunk program");
        if (failed(emitPointwiseKernel(generic, name, kernels)))
          return failure();
      } else {
        continue;
      }
      op.setAttr(kKernelAttr, FlatSymbolRefAttr::get(&getContext(), name));
      ++number;
    }
    return success();
  }

  ModuleOp kernels;
};

} // namespace
} // namespace mamba::codegen
