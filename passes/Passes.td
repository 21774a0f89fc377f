// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_PASSES_PASSES_TD
#define MAMBA_PASSES_PASSES_TD

include "mlir/Pass/PassBase.td"

def Normalize : Pass<"ssd-normalize", "::mlir::func::FuncOp"> {
  let summary = "Bring matrix expressions to their core forms";
  let description = [{
    Rewrites structured-matrix algebra in one direction, towards
    `scale_rows(scale_columns(core))` with a core of `state_space`, `decay` or
    a transpose of them, and sums of such. Rules (THEORY §10):

    | rule | rewrite |
    |---|---|
    | duality | `hadamard(decay or causal, low_rank)` → `state_space`, strict if the mask is |
    | R4a | `decay ∘ decay` → decay of the added logarithms; `decay` or `causal` on a `state_space` joins it; `causal` drops out of a causal product |
    | R4 | products associate to the right with masks first; a product with a sum is distributed |
    | R2 | transposes move to the leaves |
    | R3 | scalings move out of products, sums and each other, rows outside columns; neighbours are multiplied |
    | R15 | a sum of two `state_space` with one decay and a shared key adds the other keys |
    | R1 | a full sum is applied in parts, so that causal + anti-causal is executed |

    A rule that would change the basis of a state (R15; R4 on a sum right of
    several states) does not fire where an initial or final state is used.
    Added logarithms, multiplied scales and added keys are point-wise
    `linalg.generic` operations, which `ssd-decompose` fuses.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %b: tensor<?x?x1x16xf32>, %c: tensor<?x?x1x16xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %G = ssd.low_rank %c, %b : tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>
      %M = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x1x?, full>
      %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mamba::ssd::SsdDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def SelectSchedule : Pass<"ssd-select-schedule", "::mlir::func::FuncOp"> {
  let summary = "Choose how every mixer is decomposed";
  let description = [{
    Writes a `#ssd.schedule` on every `ssd.apply` and changes nothing else.
    Candidates are the recurrent form, the chunked form with 16 to 256 tokens
    a chunk and, for a static length, the quadratic form. Each is decomposed
    on a copy of the function; the work counted on the resulting chunk program
    (bytes, flops, element-wise operations, exponentials, chunks) over the
    rates of the target's row is its predicted time. The legal candidate with
    the least time is chosen.

    Every candidate is a remark of the category `ssd-select-schedule`: the
    chosen one `passed`, the others `missed` with their time or the number
    that rejected them; predicted registers and shared memory are `analysis`.

    A schedule that is already there is kept after a check that the target can
    run it; fields left at 0 are filled in. Options force single fields.

    On GPUs the times of a mixer with dynamic batch or length are geometric means
    over the assumed sizes and 16 times as many of each.

    Where the batch or the length is dynamic, persistent kernels get
    `alternatives` between which a launch chooses: both numbers of consumers, each
    with ranges and with segments (if there are sizes for which sequences are
    split), unless `consumers` or `segment` is forced. Where both are static, the
    fastest is chosen.

    A full matrix, sizes and element types that the target does not support,
    and a problem without a legal candidate are errors.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %L = ssd.decay %a : tensor<?x?x4xf32>
      %y = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::mamba::ssd::SsdDialect"];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"cpu\"",
           "Name of a target row: cpu, or a GPU such as sm_90a">,
    Option<"form", "form", "std::string", /*default=*/"",
           "Force the form: recurrent, chunked or quadratic">,
    Option<"chunk", "chunk", "int64_t", /*default=*/"0",
           "Force the tokens a chunk (0: chosen)">,
    Option<"subBlock", "sub-block", "int64_t", /*default=*/"0",
           "Force the side of a mask's sub-blocks (0: chosen)">,
    Option<"weights", "weights", "std::string", /*default=*/"",
           "Force the side of the state weights: values or keys (on GPUs "
           "without consumers: kernels with teams, or plain ones)">,
    Option<"channels", "channels", "int64_t", /*default=*/"0",
           "Force the headdim slice of a thread block (0: chosen)">,
    Option<"warps", "warps", "int64_t", /*default=*/"0",
           "Force the warps of a thread block (0: chosen)">,
    Option<"stages", "stages", "int64_t", /*default=*/"0",
           "Force the shared-memory pipeline stages (0: chosen)">,
    Option<"consumers", "consumers", "int64_t", /*default=*/"-1",
           "Force the consumer warpgroups of a thread block (0: a kernel "
           "without roles, -1: chosen)">,
    Option<"segment", "segment", "int64_t", /*default=*/"-1",
           "Force the fewest chunks of a segment of a sequence (0: ranges "
           "instead of segments, -1: chosen)">,
    Option<"assumeBatch", "assume-batch", "int64_t", /*default=*/"1",
           "Batch size to assume where it is dynamic">,
    Option<"assumeLength", "assume-length", "int64_t", /*default=*/"2048",
           "Sequence length to assume where it is dynamic">
  ];
  let statistics = [
    Statistic<"numSelected", "num-selected", "Schedules chosen">,
    Statistic<"numKept", "num-kept", "Schedules kept as written">
  ];
}

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
      %y = ssd.apply %L, %x schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
          : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::mamba::ssd::SsdDialect"];
  let statistics = [
    Statistic<"numScans", "num-scans", "Mixers decomposed">
  ];
}

def AssignTiles : Pass<"ssd-assign-tiles", "::mlir::ModuleOp"> {
  let summary = "Turn chunk programs into tile programs";
  let description = [{
    Emits a kernel for every `ssd.chunk_scan` with a schedule. With `consumers` it
    is a warp-specialised one of persistent thread blocks (`tile.roles`): producers
    copy, the mask maker computes the time×time tiles, once for all heads of a
    block where they share operands, and each consumer carries the state of one
    head or slice of 64 of its headdim; outputs are computed transposed, so that
    the state stays in registers. Sequences are cut into ranges or segments that
    fill the multiprocessors, with states passed through workspaces.

    Without consumers it is one of the mma.sync family. With state weights on the
    values it has teams: groups of warps that each carry the state of one head or
    slice, cut over its channels, while all warps of the thread block make the
    time×time tiles, and C Bᵀ once where the heads share it. Thread blocks are
    persistent, and sequences are cut, as with roles.

    With weights on the keys it is plain: one thread block a batch, head and
    headdim slice; operands pass through a multi-stage
    pipeline of asynchronous copies into swizzled shared memory; token rows are
    split over the warps, the state over a warp grid, where it stays in f32
    accumulators for the whole sequence; a copy of it in the operand type goes
    through shared memory for the read C sᵀ. The chunk program keeps its body
    and names its kernel in the attribute `ssd.kernel`, and those of the
    schedule's alternatives in `ssd.alternatives`.

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
