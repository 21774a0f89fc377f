// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_PASSES_PASSES_TD
#define MAMBA_PASSES_PASSES_TD

include "mlir/Pass/PassBase.td"

def Decompose : Pass<"ssd-decompose", "::mlir::func::FuncOp"> {
  let summary = "Turn scheduled mixers into chunk programs";
  let description = [{
    Replaces every `ssd.apply` that carries a schedule by an `ssd.chunk_scan`
    whose body is built from the matrix's chunk generators:

        y_c = D x_c + U s_c,   s_{c+1} = W s_c + Vᵀ x_c

    Point-wise producers of its operands and point-wise consumers of its result
    (all-parallel `linalg.generic` operations with projected-permutation maps)
    are inlined into the body and computed in f32; `ssd.pad` follows a prologue.
    What cannot be inlined stays outside, with a remark.

    An `ssd.apply` without a schedule is an error.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %y = ssd.apply %L, %x schedule #ssd.schedule<form = chunked, chunk = 16, sub_block = 16, operand = f32>
          : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::mamba::ssd::SsdDialect"];
  let statistics = [
    Statistic<"numScans", "num-scans", "Mixers decomposed">,
    Statistic<"numFused", "num-fused", "Point-wise consumers fused">
  ];
}

def AssignTiles : Pass<"ssd-assign-tiles", "::mlir::ModuleOp"> {
  let summary = "Turn chunk programs into tile programs (mma.sync family)";
  let description = [{
    Emits a kernel for every `ssd.chunk_scan` with a schedule: one thread block
    a batch, head and headdim slice; operands pass through a multi-stage
    pipeline of asynchronous copies into swizzled shared memory; token rows are
    split over the warps, the state over a warp grid, where it stays in f32
    accumulators for the whole sequence; a copy of it in the operand type goes
    through shared memory for the read C sᵀ. The chunk program keeps its body
    and names its kernel in the attribute `ssd.kernel`.

    Headdim and state sizes are multiples of 8 up to 256; a chunk has 16 tokens
    a warp or a multiple. Anything else is an error that names the limit.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %b: tensor<?x?x1x32xbf16>, %c: tensor<?x?x1x32xbf16>, %x: tensor<?x?x4x16xbf16>) -> tensor<?x?x4x16xbf16> {
      %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x32xbf16>, tensor<?x?x1x32xbf16>, tensor<?x?x4xf32>
      %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, warps = 4, stages = 2>
          : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x16xbf16> -> tensor<?x?x4x16xbf16>
      return %y : tensor<?x?x4x16xbf16>
    }
    ```
  }];
  let dependentDialects = [
    "::mamba::tile::TileDialect", "::mlir::gpu::GPUDialect",
    "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect"
  ];
  let statistics = [Statistic<"numKernels", "num-kernels", "Kernels emitted">];
}

#endif // MAMBA_PASSES_PASSES_TD
