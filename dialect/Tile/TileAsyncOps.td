// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asynchronous products of a warpgroup and asynchronous copies: bulk copies of
// tensor boxes (TMA) and vectors of tokens.

#ifndef DIALECT_TILE_TILEASYNCOPS_TD
#define DIALECT_TILE_TILEASYNCOPS_TD

include "dialect/Tile/TilePipelineOps.td"

/// The products of a warpgroup in flight.
def ProductQueueResource : Resource<"::mamba::tile::ProductQueueResource">;

def TensorMap : LLVM_PointerInAddressSpace<0>;

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def WgmmaOp : Tile_Op<"wgmma", [MemoryEffects<[
    MemRead<SharedResource>, MemRead<ProductQueueResource>,
    MemWrite<ProductQueueResource>]>]> {
  let summary = "Start result = a · b + accumulator on a warpgroup";
  let description = [{
    a is M×K, b is K×N. a is a register tile in the `operand_a` layout or a
    buffer; b is a buffer. `a transposed` and `b transposed` say that a buffer
    holds K×M, N×K. Without accumulator the product starts from zero. A buffer
    may have more rows and columns than the product reads.

    The op starts one group of instructions and yields a pending tile; only
    `tile.wgmma_wait` turns it into values. Until then the operands' buffers and
    registers are being read.

    ```mlir
    // Yᵀ = S Cᵀ: the state from registers
    %y = tile.wgmma %s16, %cs transposed
        : tensor<64x128xbf16, #tile.operand_a<warps = [4, 1]>>,
          !tile.buffer<64x128xbf16, panels>
          -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
    // S' = S + Xᵀ B
    %s1 = tile.wgmma %xt, %bs, %s
        : tensor<64x64xbf16, #tile.operand_a<warps = [4, 1]>>,
          !tile.buffer<64x128xbf16, panels>,
          tensor<64x128xf32, #tile.accumulator<warps = [4, 1]>>
          -> !tile.pending<tensor<64x128xf32, #tile.accumulator<warps = [4, 1]>>>
    %y1 = tile.wgmma_wait %y pending 1
        : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
    %s2 = tile.wgmma_wait %s1
        : !tile.pending<tensor<64x128xf32, #tile.accumulator<warps = [4, 1]>>>
    ```
    Rules: (C1) stands in a role of four warps or a kernel of four; (C2) M is 64,
    K a multiple of 16, N of 8 and at most 256; (C3) the result is f32 in
    `accumulator<warps = [4, 1]>`; (C4) a and b have the same element type, f16
    or bf16, buffers one stage and `panels` or a row of 128 bytes; (C5)
    `transposed` is for buffers; (C6) the operands have at least the extents of
    the product; (C7) the result is waited for.
  }];
  let arguments = (ins RegisterTileOrBuffer:$a, Tile_BufferType:$b,
                       Optional<RegisterTile>:$accumulator,
                       UnitAttr:$transpose_a, UnitAttr:$transpose_b);
  let results = (outs Tile_PendingType:$result);
  let assemblyFormat = [{
    $a (`transposed` $transpose_a^)? `,` $b (`transposed` $transpose_b^)?
    (`,` $accumulator^)? attr-dict
    `:` qualified(type($a)) `,` qualified(type($b)) (`,` type($accumulator)^)?
    `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def WgmmaWaitOp : Tile_Op<"wgmma_wait", [InferTypeOpAdaptor, MemoryEffects<[
    MemRead<SharedResource>, MemRead<ProductQueueResource>,
    MemWrite<ProductQueueResource>]>]> {
  let summary = "Wait for a product";
  let description = [{
    Waits until at most `pending` of the newest products are in flight, and
    yields the values of one that no longer is.

    ```mlir
    %y = tile.wgmma %a, %b
        : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
          -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
    %y1 = tile.wgmma_wait %y
        : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
    ```
    Rules: (C1) the product was started in the same block; (C2) at most
    `pending` products were started after it; (C3) a pending tile is waited for
    once.
  }];
  let arguments = (ins Tile_PendingType:$source,
                       DefaultValuedAttr<I64Attr, "0">:$pending);
  let results = (outs RegisterTile:$result);
  let assemblyFormat = [{
    $source (`pending` $pending^)? attr-dict `:` qualified(type($source))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

def CopyBulkOp : Tile_Op<"copy_bulk", [MemoryEffects<[
    MemRead<GlobalResource>, MemWrite<SharedResource>,
    MemRead<PipelineResource>, MemWrite<PipelineResource>]>]> {
  let summary = "Start copying a box of a tensor to shared memory";
  let description = [{
    Copies the box whose corner is at `coordinates` (innermost dimension first)
    of the tensor that the map describes; what lies outside of the tensor is
    zero. The innermost dimension runs along the columns of the buffer, 64
    elements an instruction, and one of the others along its rows. The bytes
    count on the full barrier of the slot. Example in `tile.roles`.

    ```mlir
    tile.copy_bulk %map[%c0, %h, %t, %b] -> %x on %p[%slot]
        : !tile.buffer<64x64xbf16, panels>, !tile.pipeline<stages = 3>
    ```
    Rules: (C1) the role has one warp; (C2) three to five coordinates; (C3) the
    buffer has one stage of 16-bit elements and `panels`, or rows of 128 bytes;
    (C4) the buffer is a stage taken with the slot, and a `tile.expect` of the slot
    stands in front, in the same block.
  }];
  let arguments = (ins TensorMap:$map, Variadic<Index>:$coordinates,
                       Tile_BufferType:$buffer, Tile_PipelineType:$pipeline,
                       Index:$slot);
  let assemblyFormat = [{
    $map `[` $coordinates `]` `->` $buffer `on` $pipeline `[` $slot `]` attr-dict
    `:` qualified(type($buffer)) `,` qualified(type($pipeline))
  }];
  let hasVerifier = 1;
}

def StoreBulkOp : Tile_Op<"store_bulk", [MemoryEffects<[
    MemRead<SharedResource>, MemWrite<SharedResource>,
    MemWrite<GlobalResource>, MemRead<CopyQueueResource>,
    MemWrite<CopyQueueResource>]>]> {
  let summary = "Start copying a buffer to a box of a tensor";
  let description = [{
    Once all warps of the role instance have stored to the buffer, one thread
    starts the copy; elements outside of the tensor are left out. At most
    `pending` older copies of the instance are still reading their buffers when
    the op returns, so that a buffer of S stages, stored in turn, is free for
    the next store with `pending` S − 2.

    ```mlir
    tile.store_bulk %y -> %map[%c0, %h, %t, %b] pending 0
        : !tile.buffer<64x64xbf16, panels>
    ```
    Rules: (C1) three to five coordinates; (C2) the buffer as in
    `tile.copy_bulk`; (C3) pending is at least 0.
  }];
  let arguments = (ins Tile_BufferType:$buffer, TensorMap:$map,
                       Variadic<Index>:$coordinates,
                       DefaultValuedAttr<I64Attr, "0">:$pending);
  let assemblyFormat = [{
    $buffer `->` $map `[` $coordinates `]` (`pending` $pending^)? attr-dict
    `:` qualified(type($buffer))
  }];
  let hasVerifier = 1;
}

def WaitStoresOp : Tile_Op<"wait_stores", [MemoryEffects<[
    MemRead<CopyQueueResource>, MemWrite<CopyQueueResource>]>]> {
  let summary = "Wait until the bulk stores of the role instance are complete";
  let description = [{
    At the end of a role that used `tile.store_bulk`: the CTA's shared memory
    must outlive the copies.

    ```mlir
    tile.wait_stores
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def CopyVectorOp : Tile_Op<"copy_vector", [MemoryEffects<[
    MemRead<GlobalResource>, MemWrite<SharedResource>,
    MemWrite<CopyQueueResource>]>]> {
  let summary = "Start copying a strided vector to shared memory";
  let description = [{
    Element e of the buffer becomes `source[offset + e·stride]` for e < bound,
    and 0 elsewhere. Groups, waits and barriers as for `tile.copy_async`; in a
    role of one warp `tile.wait_copies` alone makes the elements visible to the
    lane that reads them in the `lane` layout.

    ```mlir
    tile.copy_vector %dt[%offset] stride %h bound %rows -> %v
        : !llvm.ptr<1>, !tile.buffer<64xf32>
    ```
    With `team W` as for `tile.copy_async`.

    Rules: (C1) the buffer has rank 1, one stage and 4-byte elements; (C2) a team
    has at least one warp.
  }];
  let arguments = (ins GlobalPointer:$source, Index:$offset, Index:$stride,
                       Index:$bound, Tile_BufferType:$buffer,
                       OptionalAttr<I64Attr>:$team);
  let assemblyFormat = [{
    $source `[` $offset `]` `stride` $stride `bound` $bound `->` $buffer
    (`team` $team^)? attr-dict `:` qualified(type($source)) `,` qualified(type($buffer))
  }];
  let hasVerifier = 1;
}

def LoadElementOp : Tile_Op<"load_element",
    [MemoryEffects<[MemRead<SharedResource>]>]> {
  let summary = "One element of a vector in shared memory, known to all threads";
  let description = [{
    ```mlir
    %last = tile.load_element %v[0] : !tile.buffer<8xf32>
    ```
    Rules: (C1) the buffer has rank 1 and one stage; (C2) the index is inside.
  }];
  let arguments = (ins Tile_BufferType:$buffer, I64Attr:$index);
  let results = (outs F32:$result);
  let assemblyFormat =
      "$buffer `[` $index `]` attr-dict `:` qualified(type($buffer))";
  let hasVerifier = 1;
}

#endif // DIALECT_TILE_TILEASYNCOPS_TD
