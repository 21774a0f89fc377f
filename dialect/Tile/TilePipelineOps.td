// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Warp roles, and the pipelines and flags over which they hand over values.

#ifndef DIALECT_TILE_TILEPIPELINEOPS_TD
#define DIALECT_TILE_TILEPIPELINEOPS_TD

include "dialect/Tile/TileRegisterOps.td"

/// The mbarriers of pipelines.
def PipelineResource : Resource<"::mamba::tile::PipelineResource">;

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

def RolesOp : Tile_Op<"roles", [SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "Divide the warps of the CTA into roles that run side by side";
  let description = [{
    Holds `tile.role` ops only, which take the warps of the CTA in order. The
    CTA starts its roles together and goes on when all have finished. A role
    reads values from outside (pointers, sizes, buffers, pipelines), never from
    another role: what crosses is a buffer guarded by a pipeline.

    ```mlir
    func.func @kernel(%map: !llvm.ptr, %from: index, %to: index)
        attributes {known_block_size = array<i32: 256, 1, 1>} {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 3, panels>
      %p = tile.pipeline full 1 empty 4 : !tile.pipeline<stages = 3>
      tile.roles {
        tile.role "load" warps 1 registers 40 {
        ^bb0(%w: index):
          scf.for %i = %from to %to step %c1 {
            %n = arith.subi %i, %from : index
            %slot = tile.acquire %p iteration %n : !tile.pipeline<stages = 3>
            %x = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 3, panels>
            tile.expect %p[%slot] bytes 8192 : !tile.pipeline<stages = 3>
            tile.copy_bulk %map[%c0, %c0, %i, %c0] -> %x on %p[%slot]
                : !tile.buffer<64x64xbf16, panels>, !tile.pipeline<stages = 3>
          }
        }
        tile.role "idle" warps 1 instances 3 registers 40 {
        ^bb0(%w: index):
        }
        tile.role "consume" warps 4 registers 184 {
        ^bb0(%w: index):
          scf.for %i = %from to %to step %c1 {
            %n = arith.subi %i, %from : index
            %slot = tile.wait %p iteration %n : !tile.pipeline<stages = 3>
            %x = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 3, panels>
            %g = tile.wgmma %x, %x transposed
                : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
                -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
            %g1 = tile.wgmma_wait %g
                : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
            tile.release %p[%slot] after %g1 : !tile.pipeline<stages = 3>,
                tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
          }
        }
      }
      return
    }
    ```
    Rules: (C1) stands in the body of a function whose `known_block_size` is the
    threads of its roles, and a role of whole warpgroups starts at one; (C2) each
    warpgroup has one register budget, and together they fit what its threads
    start with, an equal share of 65536 registers rounded down to a multiple of
    8; warps behind the last whole warpgroup keep that share; (C3) every pipeline is
    used as `tile.pipeline` demands.
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$body attr-dict";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The roles in the order of their warps.
    ::llvm::SmallVector<::mamba::tile::RoleOp> getRoles();
  }];
}

def RoleOp : Tile_Op<"role", [SingleBlock, NoTerminator, HasParent<"RolesOp">]> {
  let summary = "What some warps of the CTA do";
  let description = [{
    `instances` groups of `warps` warps each run the region, with the number of
    their group as its argument. Layouts in the region are over the warps of one
    instance; `tile.barrier` is a barrier of one instance. `registers` is what a
    thread may use (`setmaxnreg`). Example in `tile.roles`.

    The region holds straight-line code, uniform counted loops (`scf.for`) and
    uniform `scf.if`.

    Rules: (C1) warps is 1, 2 or a multiple of 4, instances at least 1;
    (C2) registers is a multiple of 8 from 24 to 256; (C3) the region has one
    argument, an index; (C4) control flow is `scf.for` and `scf.if`.
  }];
  let arguments = (ins StrAttr:$name, I64Attr:$warps,
                       DefaultValuedAttr<I64Attr, "1">:$instances,
                       I64Attr:$registers);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $name `warps` $warps (`instances` $instances^)? `registers` $registers
    $body attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The number of the instance, an argument of the region.
    ::mlir::Value getInstance() { return getBody().getArgument(0); }
    /// Warps of all instances.
    int64_t getTotalWarps() { return getWarps() * getInstances(); }
    /// The first warp of the CTA that has this role.
    int64_t getFirstWarp();
    /// The role around an op; null outside of roles.
    static ::mamba::tile::RoleOp getEnclosing(::mlir::Operation *op);
  }];
}

//===----------------------------------------------------------------------===//
// Pipelines
//===----------------------------------------------------------------------===//

def PipelineOp : Tile_Op<"pipeline",
    [MemoryEffects<[MemAlloc<PipelineResource>]>]> {
  let summary = "Stages that producers fill and consumers empty in turn";
  let description = [{
    A pair of mbarriers, full and empty, for each of `stages` stages of each of
    `groups` groups. A slot is group·stages + stage, and counts the stages of the
    buffers that the pipeline guards. Iteration i uses stage i % stages; all slots
    start empty.

    `full` and `empty` are the arrivals that complete a phase of one slot: of
    producers (`tile.expect` counts one, `tile.commit` one for each warp that
    executes it) and of consumers (`tile.release`, one for each warp).

    ```mlir
    %p = tile.pipeline full 1 empty 12 : !tile.pipeline<stages = 3>
    ```
    Protocol, checked by `tile.roles`: (C1) in each block that uses a group of
    the pipeline, a role either produces or consumes. A producer takes one slot
    by `tile.acquire` and arrives on it by one `tile.expect`, one `tile.commit` or
    both; a consumer takes one by `tile.wait` and arrives by one `tile.release`.
    The arrivals stand in the block of the acquire or wait. (C2) The arrivals of
    all roles on a group, in a phase, are exactly `full` and `empty`: an instance
    counts on the groups that it takes slots of, and a role that takes slots in
    several blocks makes the same arrivals in each. (C3) Every group has a
    producer and a consumer; a role names its group by a constant, by its
    instance when there are as many of both, or by the induction variable of an
    `scf.for` right around, from 0 to the groups in steps of one. (C4) Stands in
    the entry block of a function. (C5) The iteration changes in every loop
    around within the role but that over groups, where it must not, and where all
    others are constant the roles take equally many slots. (C6) A buffer of which a stage is
    taken with a slot has as many stages as there are slots, and roles reach it
    only by slots of this pipeline, without handing the stage on.
  }];
  let arguments = (ins I64Attr:$full, I64Attr:$empty);
  let results = (outs Tile_PipelineType:$pipeline);
  let assemblyFormat = [{
    `full` $full `empty` $empty attr-dict `:` qualified(type($pipeline))
  }];
  let hasVerifier = 1;
}

class Tile_SlotOp<string mnemonic, string what>
    : Tile_Op<mnemonic, [MemoryEffects<[
        MemRead<PipelineResource>, MemWrite<PipelineResource>,
        MemRead<SharedResource>, MemWrite<SharedResource>]>]> {
  let summary = what;
  let arguments = (ins Tile_PipelineType:$pipeline, Optional<Index>:$group,
                       Index:$iteration);
  let results = (outs Index:$slot);
  let assemblyFormat = [{
    $pipeline (`[` $group^ `]`)? `iteration` $iteration attr-dict
    `:` qualified(type($pipeline))
  }];
  let hasVerifier = 1;
}

def AcquireOp : Tile_SlotOp<"acquire", "Wait until a slot is empty"> {
  let description = [{
    For the producer of iteration `iteration`, a count from 0 on that every role
    that uses the pipeline counts alike. Yields the slot, an index into
    the stages of the guarded buffers. The group defaults to 0. Example in
    `tile.roles`.

    ```mlir
    %slot = tile.acquire %p[%w] iteration %i : !tile.pipeline<stages = 3, groups = 2>
    %x = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 6>
    ```
    Rules: (C1) a constant group is inside the groups; (C2) stands in a role.
  }];
}

def WaitOp : Tile_SlotOp<"wait", "Wait until a slot is full"> {
  let description = [{
    For a consumer; otherwise as `tile.acquire`. What the producers wrote into
    the slot's buffers is visible afterwards. Example in `tile.roles`.

    ```mlir
    %slot = tile.wait %p iteration %i : !tile.pipeline<stages = 3>
    ```
  }];
}

class Tile_ArriveOp<string mnemonic, string what>
    : Tile_Op<mnemonic, [MemoryEffects<[
        MemRead<PipelineResource>, MemWrite<PipelineResource>,
        MemRead<SharedResource>, MemWrite<SharedResource>]>]> {
  let summary = what;
}

def ExpectOp : Tile_ArriveOp<"expect", "Arrive, and announce bytes of copies"> {
  let description = [{
    One arrival on the slot's full barrier, whose phase then also waits for
    `bytes` bytes of `tile.copy_bulk` on this slot. Example in `tile.roles`.

    ```mlir
    tile.expect %p[%slot] bytes 32768 : !tile.pipeline<stages = 3>
    ```
    Rules: (C1) the role has one warp; (C2) bytes are those of the
    `tile.copy_bulk` ops on this slot that follow in the block.
  }];
  let arguments = (ins Tile_PipelineType:$pipeline, Index:$slot, I64Attr:$bytes);
  let assemblyFormat = [{
    $pipeline `[` $slot `]` `bytes` $bytes attr-dict
    `:` qualified(type($pipeline))
  }];
  let hasVerifier = 1;
}

def CommitOp : Tile_ArriveOp<"commit", "Arrive on full: the slot is written"> {
  let description = [{
    Every warp of the role arrives once, when its stores to shared memory are
    visible to all readers, tensor cores and bulk copies included.

    ```mlir
    tile.commit %p[%slot] : !tile.pipeline<stages = 2, groups = 2>
    ```
    Rules: (C1) whatever the role does with the slot's buffers, but for bulk
    copies, stands in front of it; (C2) other asynchronous copies into them have
    been waited for.
  }];
  let arguments = (ins Tile_PipelineType:$pipeline, Index:$slot);
  let assemblyFormat =
      "$pipeline `[` $slot `]` attr-dict `:` qualified(type($pipeline))";
}

def ReleaseOp : Tile_ArriveOp<"release", "Arrive on empty: the slot is read"> {
  let description = [{
    Every warp of the role arrives once. `after` are values whose computation
    has read the slot, and which must be complete before: a release behind a
    load, but in front of the first instruction that needs the loaded registers,
    has been seen to let the next copy overtake the load.

    ```mlir
    tile.release %p[%slot] after %y
        : !tile.pipeline<stages = 3>, tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
    ```
    Rules: (C1) no product and no bulk store that reads a buffer stage of this
    slot is pending; (C2) no op reads one behind the release; (C3) what was loaded
    from one into registers is consumed: it, or a value computed from it, is in
    `after`, or an operand of an op in front of the release that has effects, as a
    store, or of a product that is complete; (C4) no op of the role writes to one.
  }];
  let arguments = (ins Tile_PipelineType:$pipeline, Index:$slot,
                       Variadic<RegisterTile>:$after);
  let assemblyFormat = [{
    $pipeline `[` $slot `]` (`after` $after^)? attr-dict
    `:` qualified(type($pipeline)) (`,` type($after)^)?
  }];
}

//===----------------------------------------------------------------------===//
// Between CTAs
//===----------------------------------------------------------------------===//

def FlagsOp : Tile_Op<"flags", [MemoryEffects<[
    MemRead<GlobalResource>, MemWrite<GlobalResource>]>]> {
  let summary = "Open the flags of this launch";
  let description = [{
    Makes flags, none of which is set, of a flag area: memory of one 64-bit word
    more than it has flags, which was zero before its first launch. Whatever
    launches before have left there does not count, and nobody has to clear it;
    launches that overlap in time have areas of their own.

    The first word counts: in each launch all that open the area (the CTAs, or
    the instances of a role in all CTAs) add 2¹⁶ to it together, so that the bits
    above those 16 number the launch. A flag is set while it holds that number,
    plus one. Numbers have 48 bits, and do not come again.

    ```mlir
    %flags = tile.flags %workspace : !llvm.ptr<1>
    ```
    Rules: (C1) is executed once by each of them: it stands in the body of a
    function or of a role, not in a loop or branch; (C2) nothing else in the
    function opens the same pointer. At most 2¹⁶ open it, in a grid of one
    dimension.
  }];
  let arguments = (ins GlobalPointer:$pointer);
  let results = (outs Tile_FlagsType:$flags);
  let assemblyFormat = "$pointer attr-dict `:` qualified(type($pointer))";
  let hasVerifier = 1;
}

def SignalOp : Tile_Op<"signal", [MemoryEffects<[
    MemRead<GlobalResource>, MemWrite<GlobalResource>]>]> {
  let summary = "Set a flag in global memory after all earlier stores";
  let description = [{
    Sets `flags[index]`, after every earlier global store of the role instance
    (of the CTA outside of roles), for whoever awaits it.

    ```mlir
    tile.signal %flags[%i]
    ```
  }];
  let arguments = (ins Tile_FlagsType:$flags, Index:$index);
  let assemblyFormat = "$flags `[` $index `]` attr-dict";
}

def AwaitOp : Tile_Op<"await", [AttrSizedOperandSegments, MemoryEffects<[
    MemRead<GlobalResource>, MemWrite<GlobalResource>]>]> {
  let summary = "Wait until flags in global memory are set";
  let description = [{
    Returns when `flags[index]` is set; what the signalling CTA stored before is
    visible. With `count` and `stride`, when all of `flags[index + i · stride]`,
    i = 0 … count − 1, are: threads look at them side by side. The awaited CTAs
    have lower linear indices and all CTAs of the grid are resident together.

    ```mlir
    tile.await %flags[%i]
    tile.await %flags[%i] count %n stride %s
    ```
  }];
  let arguments = (ins Tile_FlagsType:$flags, Index:$index,
                       Optional<Index>:$count, Optional<Index>:$stride);
  let builders = [OpBuilder<(ins "mlir::Value":$flags, "mlir::Value":$index),
                            [{ build($_builder, $_state, flags, index,
                                     mlir::Value(), mlir::Value()); }]>];
  let assemblyFormat = [{
    $flags `[` $index `]` (`count` $count^ `stride` $stride)? attr-dict
  }];
}

def StorePackedOp : Tile_Op<"store_packed",
    [MemoryEffects<[MemWrite<GlobalResource>]>]> {
  let summary = "Leave a tile in global memory for another CTA";
  let description = [{
    Stores the registers of a tile from `pointer[offset]` (f32) on, in an order
    of its own, in which every access of a warp is 512 bytes in a row. Only
    `tile.load_packed` of the same tile type, in a role or team of as many
    warps, can read them.

    ```mlir
    tile.store_packed %state -> %workspace[%o]
        : tensor<64x128xf32, #tile.accumulator<warps = [4, 1]>>, !llvm.ptr<1>
    ```
    Rules: (C1) f32 elements, a multiple of four a thread, in a layout without
    copies. The offset is a multiple of 4.
  }];
  let arguments = (ins RegisterTile:$tile, GlobalPointer:$pointer,
                       Index:$offset);
  let assemblyFormat = [{
    $tile `->` $pointer `[` $offset `]` attr-dict `:` type($tile) `,`
    qualified(type($pointer))
  }];
  let hasVerifier = 1;
}

def LoadPackedOp : Tile_Op<"load_packed",
    [MemoryEffects<[MemRead<GlobalResource>]>]> {
  let summary = "Read a tile that another CTA has left in global memory";
  let description = [{
    Returns what `tile.store_packed` stored at `pointer[offset]` (f32).

    ```mlir
    %state = tile.load_packed %workspace[%o]
        : !llvm.ptr<1> -> tensor<64x128xf32, #tile.accumulator<warps = [4, 1]>>
    ```
    Rules: (C1) as of `tile.store_packed`.
  }];
  let arguments = (ins GlobalPointer:$pointer, Index:$offset);
  let results = (outs RegisterTile:$result);
  let assemblyFormat = [{
    $pointer `[` $offset `]` attr-dict `:` qualified(type($pointer)) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

#endif // DIALECT_TILE_TILEPIPELINEOPS_TD
