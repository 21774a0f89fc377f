// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_DIALECT_IR_SSDCHUNKOPS_TD
#define MAMBA_DIALECT_IR_SSDCHUNKOPS_TD

include "dialect/IR/SsdAttrs.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ssd_Tile : StaticShapeTensorOf<[BF16, F16, F32, F64]>;
def Ssd_ScanTensor : RankedTensorOf<[BF16, F16, F32, F64]>;
def Ssd_RolesArrayAttr : TypedArrayAttrBase<Ssd_RolesAttr, "array of roles">;

//===----------------------------------------------------------------------===//
// Chunk program
//===----------------------------------------------------------------------===//

def Ssd_ChunkScanOp : Ssd_Op<"chunk_scan", [Pure, IsolatedFromAbove,
    AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "A program over the chunks of a sequence with carried states";
  let description = [{
    Runs its body for every chunk of `chunk` tokens of every batch and head.
    Batches and heads are independent; the chunks of one (batch, head) follow
    each other, first to last, or last to first with `reverse`. The chunk grid
    starts at token 0, so only the last chunk may be partial.

    Body arguments: one tile per `ins` operand, then one carried state per
    state. The tile of an operand is its slice at the current batch and head
    (head h of H reads h·G/H of a G-headed operand) cut to the chunk along
    time; `roles` names what each of its dimensions ranges over. Rows past
    the end of the sequence read as zero. A state tile is [P, N] in f32,
    `inits` (B×H×P×N) before the first chunk, zero without them. The body
    yields one tile per `outs` result (rows past the end are not stored) and
    the next states; `finals` are the states after the last chunk.

    Constraints:
    - (C1) Every operand and output has one role per dimension, each role at
      most once, the batch, time and head roles in this order and first.
    - (C2) Head counts divide `heads`; outputs have exactly `heads`.
    - (C3) Body arguments have the tile types of the operands, then the
      state tiles.
    - (C4) The body yields tiles of the outputs, then the states.
    - (C5) There are as many `inits`, and as many `finals`, as states, or none.
    - (C6) One operand has batch and time dimensions; sizes agree.

    ```mlir
    func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %y = ssd.chunk_scan chunk 16 heads 4
          ins(%a as [batch, time, head] : tensor<?x?x4xf32>, %x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
          outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
      ^bb0(%at: tensor<16xf32>, %xt: tensor<16x8xf32>):
        %L = ssd.segment_decay %at sub_block 16 : (tensor<16xf32>) -> tensor<16x16xf32>
        %yt = ssd.dot %L, %xt contract [1, 0] : tensor<16x16xf32>, tensor<16x8xf32> -> tensor<16x8xf32>
        ssd.yield %yt : tensor<16x8xf32>
      }
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<Ssd_ScanTensor>:$ins,
                       Variadic<Ssd_ScanTensor>:$inits,
                       I64Attr:$chunk, I64Attr:$heads, UnitAttr:$reverse,
                       Ssd_RolesArrayAttr:$in_roles,
                       Ssd_RolesArrayAttr:$out_roles,
                       OptionalAttr<Ssd_ScheduleAttr>:$schedule);
  let results = (outs Variadic<Ssd_ScanTensor>:$outs,
                      Variadic<Ssd_ScanTensor>:$finals);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `chunk` $chunk `heads` $heads (`reverse` $reverse^)?
    (`schedule` $schedule^)?
    `ins` `(` custom<ScanInputs>($ins, type($ins), $in_roles) `)`
    (`inits` `(` $inits^ `:` type($inits) `)`)?
    `outs` `` custom<ScanOutputs>(type($outs), $out_roles)
    (`finals` `(` type($finals)^ `)`)?
    attr-dict-with-keyword $body
  }];
  let extraClassDeclaration = [{
    /// Tile type of a tensor with these roles: batch and head dropped, time
    /// cut to `chunk`.
    static ::mlir::RankedTensorType getTileType(::mlir::RankedTensorType type,
                                                RolesAttr roles, int64_t chunk);
    /// Number of carried states.
    unsigned getNumStates() {
      return getBody().getNumArguments() - getIns().size();
    }
    ::mlir::BlockArgument getStateArgument(unsigned i) {
      return getBody().getArgument(getIns().size() + i);
    }
    RolesAttr getInRole(unsigned i) {
      return ::llvm::cast<RolesAttr>(getInRoles()[i]);
    }
    RolesAttr getOutRole(unsigned i) {
      return ::llvm::cast<RolesAttr>(getOutRoles()[i]);
    }
    YieldOp getYield();
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Ssd_YieldOp : Ssd_Op<"yield", [Pure, Terminator, HasParent<"ChunkScanOp">]> {
  let summary = "Output tiles and next states of a chunk";
  let description = [{
    Ends the body of `ssd.chunk_scan`: the tiles of its outputs, then its next
    states.

    ```mlir
    func.func @f(%x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %y = ssd.chunk_scan chunk 16 heads 4
          ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
          outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
      ^bb0(%xt: tensor<16x8xf32>):
        ssd.yield %xt : tensor<16x8xf32>
      }
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<Ssd_Tile>:$tiles);
  let assemblyFormat = "($tiles^ `:` type($tiles))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, {}); }]>];
}

//===----------------------------------------------------------------------===//
// Tile operations
//===----------------------------------------------------------------------===//

class Ssd_TileOp<string mnemonic, list<Trait> traits = []>
    : Ssd_Op<mnemonic, !listconcat([Pure], traits)>;

def Ssd_DotOp : Ssd_TileOp<"dot"> {
  let summary = "Product of two matrix tiles";
  let description = [{
    Contracts dimension `contract[0]` of `lhs` with dimension `contract[1]` of
    `rhs`; the result has the other dimension of `lhs`, then that of `rhs`,
    plus `init`. Products of the operands' elements are accumulated in the
    result's type.

    Constraints:
    - (C1) Operands and result have rank 2, contracted dimensions agree, and
      the result has the remaining ones.
    - (C2) Operands have one element type.

    ```mlir
    func.func @f(%c: tensor<64x128xbf16>, %b: tensor<64x128xbf16>) -> tensor<64x64xf32> {
      %g = ssd.dot %c, %b contract [1, 1] : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
      return %g : tensor<64x64xf32>
    }
    ```
  }];
  let arguments = (ins Ssd_Tile:$lhs, Ssd_Tile:$rhs, Optional<Ssd_Tile>:$init,
                       DenseI64ArrayAttr:$contract);
  let results = (outs Ssd_Tile:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs `contract` $contract (`init` $init^)? attr-dict
    `:` type($lhs) `,` type($rhs) (`,` type($init)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def Ssd_BroadcastOp : Ssd_TileOp<"broadcast"> {
  let summary = "Repeat a tile along new axes";
  let description = [{
    `dims` are the axes of the result that the operand lacks, in increasing
    order.

    Constraints:
    - (C1) The result without `dims` has the operand's shape and element type.

    ```mlir
    func.func @f(%v: tensor<64xf32>) -> tensor<64x128xf32> {
      %m = ssd.broadcast %v dims [1] : tensor<64xf32> -> tensor<64x128xf32>
      return %m : tensor<64x128xf32>
    }
    ```
  }];
  let arguments = (ins Ssd_Tile:$input, DenseI64ArrayAttr:$dims);
  let results = (outs Ssd_Tile:$result);
  let assemblyFormat =
      "$input `dims` $dims attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Ssd_CumsumOp : Ssd_TileOp<"cumsum", [SameOperandsAndResultType]> {
  let summary = "Prefix sums of a vector tile";
  let description = [{
    r_i = Σ_{k ≤ i} v_k; with `exclusive` k < i; with `reverse` the sum runs
    over k ≥ i (k > i).

    Constraints:
    - (C1) The operand has rank 1.

    ```mlir
    func.func @f(%v: tensor<64xf32>) -> tensor<64xf32> {
      %w = ssd.cumsum %v exclusive reverse : tensor<64xf32>
      return %w : tensor<64xf32>
    }
    ```
  }];
  let arguments = (ins Ssd_Tile:$input, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs Ssd_Tile:$result);
  let assemblyFormat = [{
    $input (`exclusive` $exclusive^)? (`reverse` $reverse^)? attr-dict
    `:` type($input)
  }];
  let hasVerifier = 1;
}

def Ssd_ReduceSumOp : Ssd_TileOp<"reduce_sum"> {
  let summary = "Sum of a vector tile";
  let description = [{
    Constraints:
    - (C1) The operand has rank 1, the result rank 0, one element type.

    ```mlir
    func.func @f(%v: tensor<64xf32>) -> tensor<f32> {
      %s = ssd.reduce_sum %v : tensor<64xf32> -> tensor<f32>
      return %s : tensor<f32>
    }
    ```
  }];
  let arguments = (ins Ssd_Tile:$input);
  let results = (outs Ssd_Tile:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Ssd_RangeScaleOp : Ssd_TileOp<"range_scale"> {
  let summary = "Power of two that brings a tile into the range of f16";
  let description = [{
    r = 2^{−k} with the least k ≥ 0 for which every |v|·2^{−k} < 2^{15}. A state
    is multiplied by r before it is rounded to f16 and the product that reads
    it divided by r, so that a state beyond f16's range (65504) loses no
    accuracy; in range r is 1 and nothing changes.

    Constraints:
    - (C1) The operand has rank 2, the result rank 0, both f32.

    ```mlir
    func.func @f(%s: tensor<64x128xf32>) -> tensor<f32> {
      %r = ssd.range_scale %s : tensor<64x128xf32> -> tensor<f32>
      return %r : tensor<f32>
    }
    ```
  }];
  let arguments = (ins Ssd_Tile:$input);
  let results = (outs Ssd_Tile:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Ssd_SegmentDecayOp : Ssd_TileOp<"segment_decay"> {
  let summary = "Decay mask of one chunk";
  let description = [{
    L_ij = exp(Σ_{k=j+1..i} α_k) for j ≤ i, else 0 (exponents are sums of
    α ≤ 0, never differences that could be positive); without `log_decay`
    the mask of ones. `strict` puts zeros on the diagonal, `transposed`
    yields Lᵀ.

    Off the diagonal, sub-blocks of `sub_block` rows are rank one: with the
    pivot m, the last token before the row block,
    L_ij = exp(Σ_{k=m+1..i} α_k) · exp(Σ_{k=j+1..m} α_k), both factors ≤ 1
    (THEORY §2.2), so only diagonal sub-blocks take an exponential per element.

    Constraints:
    - (C1) The result is Q×Q; `log_decay` has Q elements.
    - (C2) `sub_block` is in 1…Q.

    ```mlir
    func.func @f(%a: tensor<64xf32>) -> tensor<64x64xf32> {
      %L = ssd.segment_decay %a sub_block 16 : (tensor<64xf32>) -> tensor<64x64xf32>
      return %L : tensor<64x64xf32>
    }
    ```
  }];
  let arguments = (ins Optional<Ssd_Tile>:$log_decay, I64Attr:$sub_block,
                       UnitAttr:$strict, UnitAttr:$transposed);
  let results = (outs Ssd_Tile:$result);
  let assemblyFormat = [{
    ($log_decay^)? `sub_block` $sub_block (`strict` $strict^)?
    (`transposed` $transposed^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Ssd_PadOp : Ssd_TileOp<"pad", [SameOperandsAndResultType]> {
  let summary = "Set rows past the end of the sequence";
  let description = [{
    Rows (axis 0) at or past the number of valid tokens of the current chunk
    become `value`; the other rows stay. Stated behind a prologue, because
    softplus(0 + bias) is not 0.

    Constraints:
    - (C1) The operand has rank 1 or 2.
    - (C2) Axis 0 is the chunk of the enclosing `ssd.chunk_scan`.

    ```mlir
    func.func @f(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
      %y = ssd.chunk_scan chunk 16 heads 4
          ins(%x as [batch, time, head] : tensor<?x?x4xf32>)
          outs([batch, time, head] : tensor<?x?x4xf32>) {
      ^bb0(%xt: tensor<16xf32>):
        %p = ssd.pad %xt with 0.0 : tensor<16xf32>
        ssd.yield %p : tensor<16xf32>
      }
      return %y : tensor<?x?x4xf32>
    }
    ```
  }];
  let arguments = (ins Ssd_Tile:$input, F64Attr:$value);
  let results = (outs Ssd_Tile:$result);
  let assemblyFormat =
      "$input `with` custom<PlainDouble>($value) attr-dict `:` type($input)";
  let hasVerifier = 1;
}

#endif // MAMBA_DIALECT_IR_SSDCHUNKOPS_TD
