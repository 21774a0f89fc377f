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

#endif // MAMBA_PASSES_PASSES_TD
