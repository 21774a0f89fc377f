// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef CODEGEN_NVVM_PASSES_TD
#define CODEGEN_NVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertTileToNVVM
    : Pass<"convert-tile-to-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Distribute tile kernels over the threads of a CTA";
  let description = [{
    Turns register tiles into one vector a thread, buffers into addresses in
    dynamic shared memory, tile ops into NVVM intrinsics, and expands `math`
    ops. Leaves scf, arith, gpu and llvm ops. Each function gets
    `tile.shared_bytes`, the dynamic shared memory to launch it with; more than
    the target has is an error.

    Roles become branches on the number of the warp, in which threads and warps
    count from the first of the role instance. A kernel has them once, at most
    15 instances of several warps, and a target with setmaxnreg (sm_90a). Its
    grid has one dimension.

    ```mlir
    gpu.module @kernels {
      gpu.func @zero(%p: !llvm.ptr<1>, %n: index) kernel
          attributes {known_block_size = array<i32: 128, 1, 1>} {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %z = arith.constant dense<0.0> : tensor<64xf32, #tile.lane>
        tile.store_global %z -> %p[%c0] strides [%c1] bounds [%n]
            : tensor<64xf32, #tile.lane>, !llvm.ptr<1>
        gpu.return
      }
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::gpu::GPUDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"",
           "Name of the target row (sm_80, sm_90a, …)">
  ];
}

def PrintPtx : Pass<"print-ptx", "::mlir::ModuleOp"> {
  let summary = "Print the PTX of every gpu.module, for tests";
  let description = [{
    Writes what the compiler emits for the target to standard output, or the
    optimised LLVM IR before it, and leaves the module as it is.

    ```mlir
    gpu.module @kernels {
      gpu.func @nothing() kernel
          attributes {known_block_size = array<i32: 128, 1, 1>} {
        gpu.return
      }
    }
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"",
           "Name of the target row (sm_80, sm_90a, …)">,
    Option<"llvmIR", "llvm-ir", "bool", "false",
           "Print the optimised LLVM IR instead">
  ];
}

#endif // CODEGEN_NVVM_PASSES_TD
