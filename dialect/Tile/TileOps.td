// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers, asynchronous copies, barriers, and moves between memory and
// registers. Ops on register tiles alone are in TileRegisterOps.td.

#ifndef DIALECT_TILE_TILEOPS_TD
#define DIALECT_TILE_TILEOPS_TD

include "dialect/Tile/TileAttrs.td"
include "mlir/Dialect/LLVMIR/LLVMOpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Tile_Op<string mnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, mnemonic, traits>;

/// Shared memory of the CTA, and the queue of asynchronous copies.
def SharedResource : Resource<"::mamba::tile::SharedResource">;
def GlobalResource : Resource<"::mamba::tile::GlobalResource">;
def CopyQueueResource : Resource<"::mamba::tile::CopyQueueResource">;

def GlobalPointer : LLVM_PointerInAddressSpace<1>;
def RegisterTile : Type<
    CPred<"::mamba::tile::isRegisterTile($_self)">,
    "tensor with a register layout as its encoding", "::mlir::RankedTensorType">;
def RegisterTileOrBuffer : AnyTypeOf<[RegisterTile, Tile_BufferType]>;

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

def AllocOp : Tile_Op<"alloc", [MemoryEffects<[MemAlloc<SharedResource>]>]> {
  let summary = "A buffer in the CTA's shared memory";
  let description = [{
    Reserves the bytes of all stages for the whole kernel. Buffers do not
    overlap; each starts at a multiple of 128 bytes, with rows of 128 of 1024. The
    lowering checks the total against the limit of the target's row and leaves
    it as `tile.shared_bytes` on the function.

    ```mlir
    %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 2>
    ```
    Rule: (C1) stands in the entry block of a function.
  }];
  let results = (outs Tile_BufferType:$buffer);
  let assemblyFormat = "attr-dict `:` qualified(type($buffer))";
  let hasVerifier = 1;
}

def StageOp : Tile_Op<"stage", [Pure, InferTypeOpAdaptor]> {
  let summary = "One stage of a buffer";
  let description = [{
    ```mlir
    %x = tile.stage %xs[%i] : !tile.buffer<64x64xbf16, stages = 2>
    ```
    yields `!tile.buffer<64x64xbf16>`. The index is in [0, stages) and uniform
    over the role instance or CTA; outside that range the behaviour is undefined.
  }];
  let arguments = (ins Tile_BufferType:$buffer, Index:$index);
  let results = (outs Tile_BufferType:$stage);
  let assemblyFormat =
      "$buffer `[` $index `]` attr-dict `:` qualified(type($buffer))";
}

def CopyAsyncOp : Tile_Op<"copy_async", [MemoryEffects<[
    MemRead<GlobalResource>, MemWrite<SharedResource>,
    MemWrite<CopyQueueResource>]>]> {
  let summary = "Start copying a tile from global to shared memory";
  let description = [{
    Element (r, c) of the buffer becomes `source[offset + r·stride + c]` for
    r < rows and c < columns (`bounds`), and 0 elsewhere: the whole buffer is
    written. Nothing outside the bounds is read. The copy joins the group that
    the next `tile.commit_copies` closes.

    ```mlir
    tile.copy_async %x[%offset] stride %ld bounds [%rows, %columns] -> %buffer
        : !llvm.ptr<1>, !tile.buffer<64x64xbf16>
    ```
    Preconditions: source + offset and stride are multiples of 16 bytes, columns
    a multiple of 16 bytes; bounds may be negative (= 0) or larger than the
    buffer. No thread reads the buffer before `tile.wait_copies` for the group
    *and* a `tile.barrier`; no thread still reads older contents when the copy
    starts (a barrier after the last read).

    Lowering: `cp.async.cg` of 16 bytes with zero fill, units spread over the
    threads row by row; with `team W` over those of W neighbouring warps, each team
    with operands of its own.

    Rules: (C1) the buffer has one stage; (C2) a team has at least one warp.
  }];
  let arguments = (ins GlobalPointer:$source, Index:$offset, Index:$stride,
                       Index:$rows, Index:$columns,
                       Tile_BufferType:$buffer, OptionalAttr<I64Attr>:$team);
  let assemblyFormat = [{
    $source `[` $offset `]` `stride` $stride `bounds` `[` $rows `,` $columns `]`
    `->` $buffer (`team` $team^)? attr-dict `:` qualified(type($source)) `,` qualified(type($buffer))
  }];
  let hasVerifier = 1;
}

def CommitCopiesOp : Tile_Op<"commit_copies", [MemoryEffects<[
    MemRead<CopyQueueResource>, MemWrite<CopyQueueResource>]>]> {
  let summary = "Close the group of the copies started since the last commit";
  let description = [{
    Groups complete in order. An empty group is fine, and keeps the counting of
    `tile.wait_copies` uniform in the last iterations of a pipeline.

    ```mlir
    tile.commit_copies
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def WaitCopiesOp : Tile_Op<"wait_copies", [MemoryEffects<[
    MemRead<CopyQueueResource>, MemWrite<CopyQueueResource>,
    MemWrite<SharedResource>]>]> {
  let summary = "Wait until at most `pending` of the newest groups are open";
  let description = [{
    Afterwards the calling thread sees its *own* copies of all older groups; a
    `tile.barrier` makes them visible to the CTA.

    ```mlir
    tile.wait_copies pending 1
    ```
    Rule: (C1) pending is at least 0.
  }];
  let arguments = (ins I64Attr:$pending);
  let assemblyFormat = "`pending` $pending attr-dict";
  let hasVerifier = 1;
}

def BarrierOp : Tile_Op<"barrier", [MemoryEffects<[
    MemRead<SharedResource>, MemWrite<SharedResource>]>]> {
  let summary = "Barrier of all threads of the role instance or CTA";
  let description = [{
    Shared-memory accesses before it happen before those after it. It stands in
    control flow that is uniform over the role instance, outside of roles over
    the CTA.

    ```mlir
    tile.barrier
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def WarpBarrierOp : Tile_Op<"warp_barrier", [MemoryEffects<[
    MemRead<SharedResource>, MemWrite<SharedResource>]>]> {
  let summary = "Barrier of the threads of each warp";
  let description = [{
    Orders shared-memory accesses within a warp. Enough between a
    `tile.store_shared` and a `tile.copy_out` of the same buffer when the warp
    stored exactly the rows that it copies out (see `tile.copy_out`).

    ```mlir
    tile.warp_barrier
    ```
  }];
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Shared memory and registers
//===----------------------------------------------------------------------===//

def LoadSharedOp : Tile_Op<"load_shared",
    [MemoryEffects<[MemRead<SharedResource>]>]> {
  let summary = "Read a buffer into registers";
  let description = [{
    result(i, j) = buffer(i, j), or buffer(j, i) with `transposed`.

    ```mlir
    %c = tile.load_shared %cs : !tile.buffer<64x128xbf16>
        -> tensor<64x128xbf16, #tile.operand_a<warps = [4, 1]>>
    %xt = tile.load_shared %xs transposed : !tile.buffer<64x32xbf16>
        -> tensor<32x64xbf16, #tile.operand_a<warps = [1, 4]>>
    ```
    16-bit elements in `operand_a`, `operand_b` and `accumulator` layouts are
    read with `ldmatrix` (`.trans` as the layout asks), the rest element pairs
    at a time. A buffer of rank 1 is read into a `lane` or `slice` layout.

    Rules: (C1) the buffer has one stage; (C2) shapes agree (after
    transposition) and element types are equal; (C3) `transposed` needs a 16-bit
    element type.
  }];
  let arguments = (ins Tile_BufferType:$buffer, UnitAttr:$transposed);
  let results = (outs RegisterTile:$result);
  let assemblyFormat = [{
    $buffer (`transposed` $transposed^)? attr-dict
    `:` qualified(type($buffer)) `->` type($result)
  }];
  let hasVerifier = 1;
}

def StoreSharedOp : Tile_Op<"store_shared",
    [MemoryEffects<[MemWrite<SharedResource>]>]> {
  let summary = "Write registers into a buffer";
  let description = [{
    buffer(i, j) = tile(i, j), or buffer(j, i) with `transposed`. Copies of a
    replicated layout write the same values. A vector in the `lane` layout is
    stored to a buffer of rank 1.

    ```mlir
    tile.store_shared %sb, %buffer
        : tensor<64x128xbf16, #tile.accumulator<warps = [1, 4]>>,
          !tile.buffer<64x128xbf16>
    ```
    Lowering: `stmatrix` for 16-bit accumulators where the target has it,
    4-byte (16-bit types) or 8-byte (f32) stores elsewhere.

    Rules: (C1) the buffer has one stage; (C2) shapes (after transposition) and
    element types agree;
    (C3) the layout is `accumulator` or `operand_a`, of a vector `lane`; (C4)
    `transposed` needs a 16-bit element type and a target with `stmatrix`.
  }];
  let arguments = (ins RegisterTile:$tile, Tile_BufferType:$buffer,
                       UnitAttr:$transposed);
  let assemblyFormat = [{
    $tile `,` $buffer (`transposed` $transposed^)? attr-dict `:` type($tile) `,` qualified(type($buffer))
  }];
  let hasVerifier = 1;
}

def CopyOutOp : Tile_Op<"copy_out", [MemoryEffects<[
    MemRead<SharedResource>, MemWrite<GlobalResource>]>]> {
  let summary = "Copy a buffer to global memory";
  let description = [{
    `destination[offset + r·stride + c] = buffer(r, c)` for r < rows and
    c < columns; nothing else is written. 16 bytes a thread, coalesced. Warp w of
    W copies the rows w·R/W … (w+1)·R/W − 1 when W divides R, so that after a
    `tile.store_shared` of an accumulator over `[W, 1]` a `tile.warp_barrier` is
    enough; otherwise use a `tile.barrier`.

    ```mlir
    tile.copy_out %buffer -> %y[%offset] stride %ld bounds [%rows, %columns]
        : !tile.buffer<64x64xbf16>, !llvm.ptr<1>
    ```
    Preconditions as `tile.copy_async`. Rule: (C1) the buffer has one stage.
  }];
  let arguments = (ins Tile_BufferType:$buffer, GlobalPointer:$destination,
                       Index:$offset, Index:$stride, Index:$rows,
                       Index:$columns);
  let assemblyFormat = [{
    $buffer `->` $destination `[` $offset `]` `stride` $stride
    `bounds` `[` $rows `,` $columns `]`
    attr-dict `:` qualified(type($buffer)) `,` qualified(type($destination))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Global memory and registers
//===----------------------------------------------------------------------===//

def LoadGlobalOp : Tile_Op<"load_global",
    [AttrSizedOperandSegments, MemoryEffects<[MemRead<GlobalResource>]>]> {
  let summary = "Read a tile from global memory into registers";
  let description = [{
    result(i…) = source[offset + Σ i_d·stride_d] where i_d < bound_d for every
    axis, and 0 elsewhere; nothing outside the bounds is read. Any layout.

    ```mlir
    %dt = tile.load_global %p[%offset] strides [%h] bounds [%n]
        : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    %s = tile.load_global %s0[%o] strides [%ld, %c1] bounds [%rows, %ld]
        : !llvm.ptr<1> -> tensor<64x128xf32, #tile.accumulator<warps = [1, 4]>>
    ```
    Where the last stride is the constant 1 and a thread holds two (four)
    neighbours along the last axis, they come in one access; then the offset, the
    other strides and the last bound are multiples of two (four).

    Rules: (C1) one stride and one bound an axis.
  }];
  let arguments = (ins GlobalPointer:$source, Index:$offset,
                       Variadic<Index>:$strides, Variadic<Index>:$bounds);
  let results = (outs RegisterTile:$result);
  let assemblyFormat = [{
    $source `[` $offset `]` `strides` `[` $strides `]` `bounds` `[` $bounds `]`
    attr-dict `:` qualified(type($source)) `->` type($result)
  }];
  let hasVerifier = 1;
}

def StoreGlobalOp : Tile_Op<"store_global",
    [AttrSizedOperandSegments, MemoryEffects<[MemWrite<GlobalResource>]>]> {
  let summary = "Write a tile from registers to global memory";
  let description = [{
    destination[offset + Σ i_d·stride_d] = tile(i…) inside the bounds. Copies of
    a replicated layout store once. Neighbours as in `tile.load_global`; where
    the offset, the other strides and the last bound are seen to be multiples of
    eight (four), lanes swap 16-bit elements until each has as many neighbours.
    The pointer is a multiple of 16 bytes.

    ```mlir
    tile.store_global %s -> %sT[%o] strides [%n, %c1] bounds [%p, %n]
        : tensor<64x128xf32, #tile.accumulator<warps = [1, 4]>>, !llvm.ptr<1>
    ```
    Rules: (C1) one stride and one bound an axis.
  }];
  let arguments = (ins RegisterTile:$tile, GlobalPointer:$destination,
                       Index:$offset, Variadic<Index>:$strides,
                       Variadic<Index>:$bounds);
  let assemblyFormat = [{
    $tile `->` $destination `[` $offset `]` `strides` `[` $strides `]`
    `bounds` `[` $bounds `]` attr-dict `:` type($tile) `,` qualified(type($destination))
  }];
  let hasVerifier = 1;
}

#endif // DIALECT_TILE_TILEOPS_TD
