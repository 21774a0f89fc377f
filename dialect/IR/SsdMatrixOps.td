// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_DIALECT_IR_SSDMATRIXOPS_TD
#define MAMBA_DIALECT_IR_SSDMATRIXOPS_TD

include "dialect/IR/SsdAttrs.td"
include "dialect/IR/SsdInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ssd_FloatTensor : RankedTensorOf<[BF16, F16, F32, F64]>;

class Ssd_MatrixOpBase<string mnemonic, list<Trait> traits = []>
    : Ssd_Op<mnemonic, !listconcat([Pure,
        DeclareOpInterfaceMethods<StructuredMatrixOpInterface>], traits)> {
  let results = (outs Ssd_MatrixType:$result);
}

class Ssd_MatrixOp<string mnemonic>
    : Ssd_MatrixOpBase<mnemonic, [InferTypeOpAdaptor]>;

//===----------------------------------------------------------------------===//
// Constructors
//===----------------------------------------------------------------------===//

def Ssd_DecayOp : Ssd_MatrixOp<"decay"> {
  let summary = "1-semiseparable mask of log decays";
  let description = [{
    L_ij = exp(Σ_{k=j+1..i} α_k) for j ≤ i, else 0, with the natural logarithm
    α = `log_decay` (the segment-sum mask of SSD, Dao and Gu 2024, §2.3). α is
    finite and ≤ 0; α_1 acts on the initial state only. State size 1.

    `log_decay` is B×T×H, or H for a decay that is constant along time.

    Constraints:
    - (C1) `log_decay` has rank 3 (B×T×H) or 1 (H).
    - (C2) The head count is static and positive.
    - (C3) A constant `log_decay` is finite and ≤ 0.

    ```mlir
    func.func @f(%a: tensor<?x?x24xf32>, %x: tensor<?x?x24x1xf32>) -> tensor<?x?x24x1xf32> {
      %L = ssd.decay %a : tensor<?x?x24xf32>
      %y = ssd.apply %L, %x : !ssd.matrix<?x24x?, causal>, tensor<?x?x24x1xf32> -> tensor<?x?x24x1xf32>
      return %y : tensor<?x?x24x1xf32>
    }
    ```
  }];
  let arguments = (ins Ssd_FloatTensor:$log_decay);
  let assemblyFormat = "$log_decay attr-dict `:` type($log_decay)";
  let hasVerifier = 1;
}

def Ssd_CausalOp : Ssd_MatrixOpBase<"causal"> {
  let summary = "Mask of ones on and below the diagonal";
  let description = [{
    1 for j ≤ i (j < i when its type is `strict`), else 0. State size 1.

    Constraints:
    - (C1) The result's support is causal.

    ```mlir
    func.func @f(%b: tensor<?x?x4x16xf32>, %c: tensor<?x?x4x16xf32>, %x: tensor<?x?x4x32xf32>) -> tensor<?x?x4x32xf32> {
      %I = ssd.causal : !ssd.matrix<?x1x?, causal>
      %G = ssd.low_rank %c, %b : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>
      %M = ssd.hadamard %I, %G : !ssd.matrix<?x1x?, causal>, !ssd.matrix<?x4x?, full>
      %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x32xf32> -> tensor<?x?x4x32xf32>
      return %y : tensor<?x?x4x32xf32>
    }
    ```
  }];
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ssd_LowRankOp : Ssd_MatrixOp<"low_rank"> {
  let summary = "C Bᵀ of read and write keys";
  let description = [{
    M_ij = C_i · B_j, a full matrix of rank N. `read` (C) and `write` (B) are
    B×T×G×N; their group counts unify, so that multi-value, multi-query and
    multi-key head patterns (Dao and Gu 2024, §7.2) are all of this form.
    State size N.

    Constraints:
    - (C1) `read` and `write` have rank 4 (B×T×G×N).
    - (C2) Both have the same static N ≥ 1.
    - (C3) Batch, time and group counts agree (groups: one divides the other).

    ```mlir
    func.func @f(%c: tensor<?x?x1x128xbf16>, %b: tensor<?x?x1x128xbf16>, %a: tensor<?x?x24xf32>, %x: tensor<?x?x24x64xbf16>) -> tensor<?x?x24x64xbf16> {
      %G = ssd.low_rank %c, %b : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>
      %L = ssd.decay %a : tensor<?x?x24xf32>
      %M = ssd.hadamard %L, %G : !ssd.matrix<?x24x?, causal>, !ssd.matrix<?x1x?, full>
      %y = ssd.apply %M, %x : !ssd.matrix<?x24x?, causal>, tensor<?x?x24x64xbf16> -> tensor<?x?x24x64xbf16>
      return %y : tensor<?x?x24x64xbf16>
    }
    ```
  }];
  let arguments = (ins Ssd_FloatTensor:$read, Ssd_FloatTensor:$write);
  let assemblyFormat =
      "$read `,` $write attr-dict `:` type($read) `,` type($write)";
}

def Ssd_StateSpaceOp : Ssd_MatrixOp<"state_space"> {
  let summary = "Scalar-decay state-space mixer, the core normal form";
  let description = [{
    M_ij = (C_i · B_j) exp(Σ_{k=j+1..i} α_k) for j ≤ i (j < i with `strict`),
    else 0: the normal form of `hadamard(decay, low_rank)`, the state-space
    duality read as a rewrite. Without `log_decay`, α = 0 (linear attention).
    State size N.

    Constraints:
    - (C1) `read` and `write` as in `ssd.low_rank` (C1)–(C3).
    - (C2) `log_decay` as in `ssd.decay` (C1)–(C3), head counts unify.

    ```mlir
    func.func @f(%c: tensor<?x?x1x128xf32>, %b: tensor<?x?x1x128xf32>, %a: tensor<?x?x24xf32>, %x: tensor<?x?x24x64xf32>) -> tensor<?x?x24x64xf32> {
      %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x128xf32>, tensor<?x?x1x128xf32>, tensor<?x?x24xf32>
      %y = ssd.apply %M, %x : !ssd.matrix<?x24x?, causal>, tensor<?x?x24x64xf32> -> tensor<?x?x24x64xf32>
      return %y : tensor<?x?x24x64xf32>
    }
    ```
  }];
  let arguments = (ins Ssd_FloatTensor:$read, Ssd_FloatTensor:$write,
                       Optional<Ssd_FloatTensor>:$log_decay,
                       UnitAttr:$strict);
  let assemblyFormat = [{
    $read `,` $write (`decay` $log_decay^)? (`strict` $strict^)? attr-dict
    `:` type($read) `,` type($write) (`,` type($log_decay)^)?
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

def Ssd_HadamardOp : Ssd_MatrixOp<"hadamard"> {
  let summary = "Element-wise product of two matrices";
  let description = [{
    M_ij = A_ij · B_ij. Supports intersect; the result is strict when either
    operand is. State sizes multiply (THEORY R4), the left factor's index
    being the slower one.

    Constraints:
    - (C1) Batch, head and time counts of the operands agree.
    - (C2) The supports are not causal on one side and anti-causal on the
      other: such a product is diagonal, use `ssd.scale_rows`.
    - (C3) In a causal or anti-causal product, a full factor has no causal or
      anti-causal part: such a sum is to be distributed.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %b: tensor<4xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %R = ssd.decay %b : tensor<4xf32>
      %M = ssd.hadamard %L, %R : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
      %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
  let arguments = (ins Ssd_MatrixType:$lhs, Ssd_MatrixType:$rhs);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)";
  let hasVerifier = 1;
}

def Ssd_AddOp : Ssd_MatrixOp<"add"> {
  let summary = "Sum of two matrices";
  let description = [{
    M = A + B. Supports unite; the result is strict when both operands are.
    The state is the concatenation of the operands' states along N (THEORY R1).

    Constraints:
    - (C1) Batch, head and time counts of the operands agree.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %b: tensor<4xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %R = ssd.decay %b : tensor<4xf32>
      %M = ssd.add %L, %R : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
      %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
  let arguments = (ins Ssd_MatrixType:$lhs, Ssd_MatrixType:$rhs);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)";
}

def Ssd_TransposeOp : Ssd_MatrixOp<"transpose"> {
  let summary = "Transpose along time";
  let description = [{
    M_ij = A_ji; the support is mirrored. The realisation is the adjoint one
    (THEORY §1, R2): the initial state enters after the last token and is not
    decayed on the way in; the final state leaves before the first token and
    has been decayed by every α_k, α_1 included. So (x, S_in) → (y, S_out) of
    the transpose is the adjoint of that of the operand.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %M = ssd.transpose %L : !ssd.matrix<?x4x?, causal>
      %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, anticausal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
  let arguments = (ins Ssd_MatrixType:$matrix);
  let assemblyFormat = "$matrix attr-dict `:` type($matrix)";
  let hasFolder = 1;
}

class Ssd_ScaleOp<string mnemonic> : Ssd_MatrixOp<mnemonic> {
  let arguments = (ins Ssd_MatrixType:$matrix, Ssd_FloatTensor:$scale);
  let assemblyFormat =
      "$matrix `,` $scale attr-dict `:` type($matrix) `,` type($scale)";
  let hasFolder = 1;
}

def Ssd_ScaleRowsOp : Ssd_ScaleOp<"scale_rows"> {
  let summary = "diag(d) M";
  let description = [{
    M_ij = d_i A_ij with `scale` d of shape B×T×H. The state is unchanged
    (THEORY R3).

    Constraints:
    - (C1) `scale` has rank 3 (B×T×H) and agrees with the matrix.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %d: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %M = ssd.scale_rows %L, %d : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
      %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
}

def Ssd_ScaleColumnsOp : Ssd_ScaleOp<"scale_columns"> {
  let summary = "M diag(d)";
  let description = [{
    M_ij = A_ij d_j with `scale` d of shape B×T×H: Mamba-2's time step dt is a
    column scale (THEORY R13). The state is unchanged.

    Constraints:
    - (C1) `scale` has rank 3 (B×T×H) and agrees with the matrix.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %M = ssd.scale_columns %L, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
      %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Application
//===----------------------------------------------------------------------===//

def Ssd_ApplyOp : Ssd_Op<"apply", [Pure]> {
  let summary = "y = M x along time, with optional states";
  let description = [{
    y[b,i,h,p] = Σ_j M[b,h,i,j] x[b,j,h,p] for `x` of shape B×T×Hx×P and a
    result of B×T×H×P, where H unifies the matrix's heads and Hx. `init` and
    `final` are the states before the first and after the last token of the
    matrix's realisation, B×H×P×N in f32; without `init` the state starts at
    zero. `schedule` is written by `ssd-select-schedule`, or by hand to force
    a decomposition.

    Causal and anti-causal matrices are executed; a full one is rejected by
    `ssd-select-schedule`.

    Constraints:
    - (C1) `x` and `y` have rank 4 (B×T×H×P) and agree with the matrix.
    - (C2) P is static and positive.
    - (C3) `init` and `final` are B×H×P×N tensors of f32 or f64, N the
      matrix's state size.
    - (C4) A full matrix has no states.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>, %s0: tensor<?x4x8x1xf32>) -> (tensor<?x?x4x8xf32>, tensor<?x4x8x1xf32>) {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %y, %s = ssd.apply %L, %x init %s0 : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>, tensor<?x4x8x1xf32>
          -> tensor<?x?x4x8xf32>, tensor<?x4x8x1xf32>
      return %y, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x1xf32>
    }
    ```
  }];
  let arguments = (ins Ssd_MatrixType:$matrix, Ssd_FloatTensor:$x,
                       Optional<Ssd_FloatTensor>:$init,
                       OptionalAttr<Ssd_ScheduleAttr>:$schedule);
  let results = (outs Ssd_FloatTensor:$y, Optional<Ssd_FloatTensor>:$final);
  let assemblyFormat = [{
    $matrix `,` $x (`init` $init^)? (`schedule` $schedule^)? attr-dict
    `:` type($matrix) `,` type($x) (`,` type($init)^)?
    `->` type($y) (`,` type($final)^)?
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

#endif // MAMBA_DIALECT_IR_SSDMATRIXOPS_TD
