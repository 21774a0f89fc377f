// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_DIALECT_IR_SSDDIALECT_TD
#define MAMBA_DIALECT_IR_SSDDIALECT_TD

include "mlir/IR/OpBase.td"

def Ssd_Dialect : Dialect {
  let name = "ssd";
  let summary = "Semiseparable sequence mixers and their chunk programs";
  let description = [{
    A sequence mixer is `y = M x` along time with a sequentially semiseparable
    matrix M (Dao and Gu, "Transformers are SSMs", 2024). The dialect states M
    as structured-matrix algebra (level L0) and, after `ssd-decompose`, as a
    program over one chunk of tokens with a carried state (level L1).

    Values are real numbers: a float type fixes only how a function's inputs
    and outputs are rounded. Tensors are token-major: inputs B×T×H×P, decays
    B×T×H, read and write keys B×T×G×N; states are B×H×P×N in f32. Head counts
    unify when one divides the other: head h of H reads head h·G/H of a
    G-headed operand.

    Function arguments and results may carry a string attribute `ssd.name`,
    by which the tools address them, and arguments a string attribute
    `ssd.init`, from which `mamba-run` draws their values where it is given no
    file ("normal", "uniform -16 -1", "constant 0").

    ```mlir
    func.func @mixer(%x: tensor<?x?x4x64xf32> {ssd.name = "x"},
                     %a: tensor<?x?x4xf32>) -> tensor<?x?x4x64xf32> {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %y = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>,
                              tensor<?x?x4x64xf32> -> tensor<?x?x4x64xf32>
      return %y : tensor<?x?x4x64xf32>
    }
    ```
  }];
  let cppNamespace = "::mamba::ssd";
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

class Ssd_Op<string mnemonic, list<Trait> traits = []>
    : Op<Ssd_Dialect, mnemonic, traits>;

#endif // MAMBA_DIALECT_IR_SSDDIALECT_TD
