// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops on register tiles that `arith` and `math` do not have.

#ifndef DIALECT_TILE_TILEREGISTEROPS_TD
#define DIALECT_TILE_TILEREGISTEROPS_TD

include "dialect/Tile/TileOps.td"

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def MmaOp : Tile_Op<"mma", [MemoryEffects<[MemRead<SharedResource>]>,
    AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "result = a · b + accumulator on the tensor cores, synchronous";
  let description = [{
    a is M×K, b is K×N; each is a register tile in the operand layout of the
    result's warp grid, or a buffer, whose fragments are then read with
    `ldmatrix` next to the instructions that use them (prefer a buffer unless the
    tile is computed or used twice: it costs no registers between uses).
    `a transposed` and `b transposed` say that a buffer holds K×M, N×K.

    ```mlir
    // G = C Bᵀ: rows split over 4 warps, nothing above the diagonal
    %g = tile.mma %c, %bs transposed, %zero result lower
        : tensor<64x128xbf16, #tile.operand_a<warps = [4, 1]>>,
          !tile.buffer<64x128xbf16>
          -> tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
    // Y += M X, M lower triangular
    %y1 = tile.mma %m, %xs, %y a lower
        : tensor<64x64xbf16, #tile.operand_a<warps = [4, 1]>>,
          !tile.buffer<64x32xbf16>
          -> tensor<64x32xf32, #tile.accumulator<warps = [4, 1]>>
    ```
    `result lower` (`upper`): fragments that lie wholly above (below) the
    diagonal are not computed and keep the accumulator's values. `a lower`
    (`upper`): K steps in which a's fragments lie wholly above (below) the
    diagonal are skipped; the caller promises that a is zero there. Both cost a
    branch that is uniform over each warp.

    Lowering: rows of the instruction table by element types, e.g.
    `sm80_m16n8k16_f32_bf16_bf16_f32`.

    Rules: (C1) shapes M×K, K×N, M×N agree; (C2) the accumulator is f32 in an
    `accumulator` layout; (C3) a and b have the same element type, f16 or bf16;
    (C4) a register operand has `operand_a` (`operand_b`) layout with the
    accumulator's warps and copies; (C5) `transposed` is for buffers;
    (C6) a buffer operand has one stage; its M, N, K obey the rule (C2) of the
    operand layouts; (C7) `result lower|upper` needs M = N, `a lower|upper`
    M = K.
  }];
  let arguments = (ins RegisterTileOrBuffer:$a, RegisterTileOrBuffer:$b,
      RegisterTile:$accumulator, UnitAttr:$transpose_a, UnitAttr:$transpose_b,
      DefaultValuedAttr<Tile_SupportAttr, "Support::Full">:$result_support,
      DefaultValuedAttr<Tile_SupportAttr, "Support::Full">:$a_support);
  let results = (outs RegisterTile:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

def ConvertLayoutOp : Tile_Op<"convert_layout", [Pure]> {
  let summary = "The same values in another register layout";
  let description = [{
    ```mlir
    %r = tile.convert_layout %cum : tensor<64xf32, #tile.lane>
        -> tensor<64xf32, #tile.slice<axis = 0, of = #tile.accumulator<warps = [4, 1]>>>
    %a = tile.convert_layout %m : tensor<64x64xbf16, #tile.accumulator<warps = [4, 1]>>
        -> tensor<64x64xbf16, #tile.operand_a<warps = [4, 1]>>
    ```
    Two kinds exist, both without barriers or memory: renaming registers, where
    every thread already holds the elements it needs, and `lane` to `slice` by
    warp shuffles. Other changes go through a buffer, explicitly. With
    `transposed` the result is the transpose: rows of an accumulator are columns
    of a right operand.

    ```mlir
    %b = tile.convert_layout %s transposed : tensor<64x128xbf16, #tile.accumulator<warps = [2, 1]>>
        -> tensor<128x64xbf16, #tile.operand_b<warps = [1, 2]>>
    ```
    Rules: (C1) same shape (after transposition) and element type; (C2) the
    source is `lane` and the result a `slice`, or each thread of the source holds
    what the result wants of it.
  }];
  let arguments = (ins RegisterTile:$source, UnitAttr:$transposed);
  let results = (outs RegisterTile:$result);
  let assemblyFormat = [{
    $source (`transposed` $transposed^)? attr-dict `:` type($source) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// For each register of the result the source's that it is; empty if threads
    /// do not hold what they want.
    std::vector<int64_t> getRenaming();
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def BroadcastOp : Tile_Op<"broadcast", [Pure]> {
  let summary = "Repeat a vector along the other axis of a 2-D tile";
  let description = [{
    With source layout `slice<axis = 0>`: result(i, j) = source(i); with
    `axis = 1`: result(i, j) = source(j). Costs nothing.

    ```mlir
    %e2 = tile.broadcast %e
        : tensor<64xf32, #tile.slice<axis = 0, of = #tile.accumulator<warps = [4, 1]>>>
        -> tensor<64x128xf32, #tile.accumulator<warps = [4, 1]>>
    ```
    Rules: (C1) the source layout is a slice of the result's; (C2) the length is
    the result's extent along the axis and element types are equal.
  }];
  let arguments = (ins RegisterTile:$source);
  let results = (outs RegisterTile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def SplatOp : Tile_Op<"splat", [Pure]> {
  let summary = "A tile with one scalar everywhere";
  let description = [{
    ```mlir
    %a = tile.splat %decay : f32 -> tensor<64xf32, #tile.lane>
    ```
    The scalar is uniform over the CTA. Rule: (C1) it has the element type.
  }];
  let arguments = (ins AnyType:$scalar);
  let results = (outs RegisterTile:$result);
  let assemblyFormat = "$scalar attr-dict `:` type($scalar) `->` type($result)";
  let hasVerifier = 1;
}

def IotaOp : Tile_Op<"iota", [Pure]> {
  let summary = "The index along an axis, as i32";
  let description = [{
    With `arith.cmpi` and `arith.select` this makes every mask.

    ```mlir
    %i = tile.iota axis 0 : tensor<64xi32, #tile.lane>
    ```
    Rules: (C1) element type i32; (C2) the axis is less than the rank.
  }];
  let arguments = (ins I64Attr:$axis);
  let results = (outs RegisterTile:$result);
  let assemblyFormat = "`axis` $axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Along the tokens
//===----------------------------------------------------------------------===//

def CumsumOp : Tile_Op<"cumsum", [Pure, SameOperandsAndResultType]> {
  let summary = "Prefix sums";
  let description = [{
    result(i) = Σ source(0..i); `exclusive` leaves out source(i), `reverse` sums
    over i.. instead. Fixed order: the same bits in every run and every warp.

    ```mlir
    %cum = tile.cumsum %alpha : tensor<64xf32, #tile.lane>
    %rest = tile.cumsum %alpha exclusive reverse : tensor<64xf32, #tile.lane>
    ```
    Rule: (C1) f32 elements in the `lane` layout, a multiple of 32 of them.
  }];
  let arguments = (ins RegisterTile:$source, UnitAttr:$exclusive,
                       UnitAttr:$reverse);
  let results = (outs RegisterTile:$result);
  let assemblyFormat = [{
    $source (`exclusive` $exclusive^)? (`reverse` $reverse^)? attr-dict
    `:` type($result)
  }];
  let hasVerifier = 1;
}

def ReduceSumOp : Tile_Op<"reduce_sum", [Pure]> {
  let summary = "The sum of a vector, as a scalar known to every thread";
  let description = [{
    ```mlir
    %total = tile.reduce_sum %alpha : tensor<64xf32, #tile.lane>
    ```
    Rules: (C1) f32 elements in the `lane` layout, a multiple of 32 of them, or
    in a `slice`; (C2) the warps do not divide a slice.

    Canonicalises to the last element of prefix sums of the vector that stand in
    front of it: a fetch instead of five exchanges.
  }];
  let arguments = (ins RegisterTile:$source);
  let results = (outs F32:$result);
  let assemblyFormat = "$source attr-dict `:` type($source)";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def ReduceOp : Tile_Op<"reduce", [Pure]> {
  let summary = "Sums along an axis of a 2-D tile";
  let description = [{
    With `axis 1`: result(i) = Σ_j source(i, j); with `axis 0`: result(j) =
    Σ_i source(i, j). Each thread adds what it holds, then the lanes that share
    the result exchange their sums by shuffles, in a fixed order.

    ```mlir
    %y = tile.reduce %t axis 1 : tensor<64x128xf32, #tile.coalesced<warps = [4, 1]>>
        -> tensor<64xf32, #tile.slice<axis = 0, of = #tile.coalesced<warps = [4, 1]>>>
    ```
    Rules: (C1) the source is a 2-D tile of f32 and the axis 0 or 1; (C2) the
    result is the vector of f32 along the other axis, in that slice of the
    source's layout; (C3) the warps do not divide the axis.
  }];
  let arguments = (ins RegisterTile:$source, I64Attr:$axis);
  let results = (outs RegisterTile:$result);
  let assemblyFormat =
      "$source `axis` $axis attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def RangeScaleOp : Tile_Op<"range_scale", [MemoryEffects<[
    MemRead<SharedResource>, MemWrite<SharedResource>]>]> {
  let summary = "Power of two that brings a tile into the range of f16";
  let description = [{
    2^{−k} with the least k ≥ 0 for which every |v|·2^{−k} < 2^{15} (finite v).
    The warps exchange their maxima through a word each of shared memory, with
    two barriers as `tile.barrier`, so the op stands in control flow that is
    uniform over the role instance or CTA.

    ```mlir
    %r = tile.range_scale %s : tensor<64x128xf32, #tile.accumulator<warps = [1, 4]>>
    ```
    Rule: (C1) f32 elements in an `accumulator` layout.
  }];
  let arguments = (ins RegisterTile:$source);
  let results = (outs F32:$result);
  let assemblyFormat = "$source attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def ExtractOp : Tile_Op<"extract", [Pure]> {
  let summary = "One element of a vector, as a scalar known to every thread";
  let description = [{
    ```mlir
    %last = tile.extract %cum[63] : tensor<64xf32, #tile.lane>
    ```
    Rules: (C1) f32 elements in the `lane` layout; (C2) the index is inside.
  }];
  let arguments = (ins RegisterTile:$source, I64Attr:$index);
  let results = (outs F32:$result);
  let assemblyFormat = "$source `[` $index `]` attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def SegmentDecayOp : Tile_Op<"segment_decay",
    [AlwaysSpeculatable, AttrSizedOperandSegments,
     DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "The decay mask of a chunk, from its prefix sums";
  let description = [{
    result(i, j) = exp(prefix(i) − prefix(j)) for j ≤ i and 0 above the diagonal,
    where `prefix` are inclusive prefix sums of log decays (natural logarithm,
    ≤ 0), hence exp(Σ α over j+1..i). `strict` makes the diagonal 0; `transposed`
    yields the transpose. Without prefix the result is 1 where it would be
    non-zero. `scale` multiplies column j by scale(j), and `scores` the whole mask
    element by element: then there is a code for each place that the diagonal has
    in a warp's part, behind a switch, in which what lies above the diagonal
    costs nothing.

    ```mlir
    %l = tile.segment_decay %cum : (tensor<64xf32, #tile.lane>)
        -> tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
    %m = tile.segment_decay %cum scale %dt scores %g
        : (tensor<64xf32, #tile.lane>, tensor<64xf32, #tile.lane>,
           tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>)
        -> tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
    ```
    Each block of 16 rows takes the last token before it as pivot p: left of the
    16×16 diagonal block the mask is exp(prefix(i) − prefix(p)) ·
    exp(prefix(p) − prefix(j)), both factors at most 1, and only the diagonal
    block takes an exponential an element (6 a thread for 64 rows and 4 warps,
    besides 2 a row block for each of the factors). `factors` are the second
    ones of each block but the first (transposed: but the last, whose own last
    token is p), scale(j) · exp(prefix(p) − prefix(j)), where another role has
    computed them for all warps; elements right of the block are not read.

    Rules: (C1) the result is square, f32, `accumulator` layout, with columns a
    warp a multiple of 16; (C2) prefix and scale are vectors of as many
    f32 as there are rows, both in the `lane` layout or both one stage of a
    buffer; (C3) scores have the result's type; (C4) factors are such stages,
    one a block of 16 rows but one, besides a prefix and scores.
  }];
  let arguments = (ins Optional<RegisterTileOrBuffer>:$prefix,
                       Optional<RegisterTileOrBuffer>:$scale,
                       Variadic<Tile_BufferType>:$factors,
                       Optional<RegisterTile>:$scores, UnitAttr:$strict,
                       UnitAttr:$transposed);
  let results = (outs RegisterTile:$result);
  let assemblyFormat = [{
    ($prefix^)? (`scale` $scale^)? (`factors` $factors^)? (`scores` $scores^)?
    (`strict` $strict^)? (`transposed` $transposed^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    mlir::LogicalResult verifyFactors();
  }];
}

#endif // DIALECT_TILE_TILEREGISTEROPS_TD
