// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_DIALECT_IR_SSDATTRS_TD
#define MAMBA_DIALECT_IR_SSDATTRS_TD

include "dialect/IR/SsdDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

def Ssd_Support : I32EnumAttr<"Support", "Where a T×T matrix may be non-zero", [
  I32EnumAttrCase<"Causal", 0, "causal">,
  I32EnumAttrCase<"AntiCausal", 1, "anticausal">,
  I32EnumAttrCase<"Full", 2, "full">
]> {
  let cppNamespace = "::mamba::ssd";
}

def Ssd_DimRole : I32EnumAttr<"DimRole", "What a tensor dimension ranges over", [
  I32EnumAttrCase<"Batch", 0, "batch">,
  I32EnumAttrCase<"Time", 1, "time">,
  I32EnumAttrCase<"Head", 2, "head">,
  I32EnumAttrCase<"Channel", 3, "channel">,
  I32EnumAttrCase<"State", 4, "state">
]> {
  let cppNamespace = "::mamba::ssd";
}

def Ssd_Form : I32EnumAttr<"Form", "Block decomposition of a mixer", [
  I32EnumAttrCase<"Recurrent", 0, "recurrent">,
  I32EnumAttrCase<"Chunked", 1, "chunked">,
  I32EnumAttrCase<"Quadratic", 2, "quadratic">
]> {
  let cppNamespace = "::mamba::ssd";
}

def Ssd_WeightSide : I32EnumAttr<"WeightSide",
    "Which dot operand takes the weights of a chunk state", [
  I32EnumAttrCase<"Values", 0, "values">,
  I32EnumAttrCase<"Keys", 1, "keys">
]> {
  let cppNamespace = "::mamba::ssd";
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Ssd_MatrixType : TypeDef<Ssd_Dialect, "Matrix"> {
  let mnemonic = "matrix";
  let summary = "A structured T×T matrix for every batch and head";
  let description = [{
    `!ssd.matrix<B x H x T, support>`: one T×T matrix along time for each of B
    batches and H heads. `support` is `causal` (zero above the diagonal),
    `anticausal` (zero below it) or `full`; a following `strict` drops the
    diagonal. B and T may be dynamic (`?`), H is static. A matrix has no
    element type: its values are real numbers.

    Matrix values are confined to one block: they are results of `ssd` matrix
    operations and operands of `ssd` operations, nothing else.

    ```mlir
    !ssd.matrix<?x24x?, causal>
    !ssd.matrix<2x4x100, anticausal, strict>
    ```
  }];
  let parameters = (ins "int64_t":$batch, "int64_t":$heads, "int64_t":$length,
                        "::mamba::ssd::Support":$support, "bool":$strict);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def Ssd_RolesAttr : AttrDef<Ssd_Dialect, "Roles"> {
  let mnemonic = "roles";
  let summary = "What each dimension of a tensor ranges over";
  let parameters = (ins ArrayRefParameter<"::mamba::ssd::DimRole">:$roles);
  let hasCustomAssemblyFormat = 1;
}

def Ssd_WeightParameter : EnumParameter<Ssd_WeightSide> {
  let defaultValue = "::mamba::ssd::WeightSide::Values";
}

/// A list in brackets, absent when it is empty: [consumers 2 segment 8, …].
def Ssd_AlternativesParameter
    : OptionalArrayRefParameter<"::mamba::ssd::Alternative"> {
  let parser = "::mamba::ssd::parseAlternatives($_parser)";
  let printer = "::mamba::ssd::printAlternatives($_printer, $_self)";
}

def Ssd_ScheduleAttr : AttrDef<Ssd_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "How a mixer is decomposed and placed";
  let description = [{
    Written by `ssd-select-schedule` (or by the user, who may force any part)
    and applied by `ssd-decompose` and the back ends:

    - `form`: `recurrent` (chunks of one token), `chunked`, `quadratic` (one
      chunk holds the sequence);
    - `chunk`: tokens a chunk (Q);
    - `sub_block`: side q of the sub-blocks of a decay mask; only diagonal
      sub-blocks take q² exponentials, the others are rank one;
    - `operand`: element type that dot operands are rounded to;
    - `weights`: whether the state weights (decay to the chunk's end, column
      scales) multiply the values x or the write keys B before the chunk-state
      product (THEORY R13);
    - `channels`: headdim slice P' a thread block owns (GPU; 0: all);
    - `warps`, `stages`: warps a thread block and shared-memory pipeline
      stages (GPU);
    - `consumers`: warpgroups of a thread block that each carry the state of
      one head (or slice of 64 of its headdim) in a warp-specialised kernel, whose
      other warps copy and make masks; 0: every warp does everything (GPU);
    - `segment`: fewest chunks of a segment of a sequence; gangs of thread blocks
      walk the segments side by side, summing them up first; 0: every gang
      walks an equal range of all sequences' chunks (GPU, with consumers or with
      teams);
    - `alternatives`: consumers and segments of further kernels of the same
      chunk program, as `[consumers 2 segment 8, consumers 1]`; what is left out
      is 0. Which kernel is fastest depends on sizes that only a launch knows; it
      runs the one with the least predicted time (GPU).

    ```mlir
    #ssd.schedule<form = chunked, chunk = 64, sub_block = 16, operand = bf16,
                  channels = 64, warps = 4, stages = 2>
    ```
  }];
  let parameters = (ins
    EnumParameter<Ssd_Form>:$form,
    "int64_t":$chunk,
    "int64_t":$sub_block,
    "::mlir::Type":$operand,
    Ssd_WeightParameter:$weights,
    DefaultValuedParameter<"int64_t", "0">:$channels,
    DefaultValuedParameter<"int64_t", "0">:$warps,
    DefaultValuedParameter<"int64_t", "0">:$stages,
    DefaultValuedParameter<"int64_t", "0">:$consumers,
    DefaultValuedParameter<"int64_t", "0">:$segment,
    Ssd_AlternativesParameter:$alternatives);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // MAMBA_DIALECT_IR_SSDATTRS_TD
