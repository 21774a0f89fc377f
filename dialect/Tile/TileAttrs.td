// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef DIALECT_TILE_TILEATTRS_TD
#define DIALECT_TILE_TILEATTRS_TD

include "dialect/Tile/TileDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"

//===----------------------------------------------------------------------===//
// Register layouts
//===----------------------------------------------------------------------===//

def RegisterLayoutAttrInterface : AttrInterface<"RegisterLayoutAttrInterface"> {
  let cppNamespace = "::mamba::tile";
  let description = [{
    A tensor encoding that says which thread holds which element in which of its
    registers. The answer is data (`RegisterLayout`), computed in plain C++.
  }];
  let methods = [
    InterfaceMethod<
      "The layout of a tile of this shape; the shape must have been verified.",
      "::mamba::tile::RegisterLayout", "getRegisterLayout",
      (ins "::llvm::ArrayRef<int64_t>":$shape)>,
    InterfaceMethod<
      "Warps that the layout is distributed over, copies included; 0 if any "
      "number of warps can hold it.",
      "int64_t", "getNumWarps", (ins)>,
  ];
}

class Tile_Layout<string name, string attrMnemonic>
    : AttrDef<Tile_Dialect, name,
              [DeclareAttrInterfaceMethods<RegisterLayoutAttrInterface>,
               DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = attrMnemonic;
}

class Tile_WarpGridLayout<string name, string attrMnemonic>
    : Tile_Layout<name, attrMnemonic> {
  let parameters = (ins ArrayRefParameter<"int64_t">:$warps,
                        DefaultValuedParameter<"int64_t", "1">:$copies);
  let assemblyFormat =
      "`<` `warps` `=` `[` $warps `]` (`,` `copies` `=` $copies^)? `>`";
  let genVerifyDecl = 1;
  let genMnemonicAlias = 1;
}

def Tile_AccumulatorAttr
    : Tile_WarpGridLayout<"Accumulator", "accumulator"> {
  let summary = "Accumulator of the m16n8 tensor-core instructions";
  let description = [{
    An M×N tile cut into a grid of warps `[wm, wn]`: warp (i, j) owns rows
    i·M/wm … and columns j·N/wn …, contiguous, as 16×8 fragments, fragment rows
    first. Lane l of the warp holds of each fragment the rows l/4 and l/4 + 8
    and the columns 2(l%4) and 2(l%4) + 1. Warp number = (i·wn + j)·copies + c:
    `copies` neighbouring warps hold the same elements.

    The wgmma accumulator of a warpgroup is this layout with `warps = [4, 1]`.

    Element types: f32, f16, bf16, i32, i1.

    Rules:
    * (C1) two grid factors and `copies`, all at least 1;
    * (C2) M is a multiple of 16·wm and N of 8·wn.
  }];
}

def Tile_OperandAAttr : Tile_WarpGridLayout<"OperandA", "operand_a"> {
  let summary = "Left operand (M×K) of the m16n8k16 instructions";
  let description = [{
    The left operand of a product whose accumulator has the same warp grid: warp
    (i, j) holds rows i·M/wm … and all K columns, as 16×16 fragments, fragment
    rows first. Lane l holds the rows l/4 and l/4 + 8 and, of each 8 columns,
    2(l%4) and 2(l%4) + 1. Two neighbouring accumulator fragments are exactly one
    such fragment, so an accumulator over `[w, 1]` becomes an operand by renaming
    registers.

    Element types: f16, bf16, and f32 (before rounding). Rules: (C1) as
    `accumulator`; (C2) M is a multiple of 16·wm and K of 16.
  }];
}

def Tile_OperandBAttr : Tile_WarpGridLayout<"OperandB", "operand_b"> {
  let summary = "Right operand (K×N) of the m16n8k16 instructions";
  let description = [{
    The right operand of a product whose accumulator has the same warp grid: warp
    (i, j) holds columns j·N/wn … and all K rows, as 16×8 fragments, rows (K)
    first. Lane l holds column l/4 and, of each 8 rows, 2(l%4) and 2(l%4) + 1.

    Element types: f16, bf16, and f32 (before rounding). Rules: (C1) as
    `accumulator`; (C2) K is a multiple of 16 and N of 8·wn.
  }];
}

def Tile_CoalescedAttr
    : Tile_WarpGridLayout<"Coalesced", "coalesced"> {
  let summary = "Rows in pieces of 32 columns, for tiles that only pass through";
  let description = [{
    An M×N tile cut over warps as in `accumulator`, as 4×32 fragments: lane l
    holds of each fragment the columns 4(l%8) to 4(l%8) + 3 of row l/8. A warp
    reads or writes f32 in four pieces of 128 bytes an access, and sums over
    columns take three shuffles. No product has operands in this layout.

    Rules: (C1) as `accumulator`; (C2) M is a multiple of 4·wm and N of 32·wn.
  }];
}

def Tile_LaneAttr : Tile_Layout<"Lane", "lane"> {
  let summary = "One element per lane, replicated in every warp";
  let description = [{
    A 1-D tile of at most 1024 elements: element e is in register e/32 of lane
    e%32 of *every* warp, so scans, reductions and look-ups need only shuffles,
    no barrier. Registers past the end hold unspecified values.

    Rule: (C1) rank 1 and 1 to 1024 elements.
  }];
  let assemblyFormat = "";
}

def Tile_SliceAttr : Tile_Layout<"Slice", "slice"> {
  let summary = "A 1-D tile laid out like the rows or columns of a 2-D tile";
  let description = [{
    The layout of a vector that varies along `axis` of a tile with layout `of`:
    a thread holds the elements at its own rows (`axis = 0`) or columns
    (`axis = 1`), each once. `tile.broadcast` to the 2-D tile is then free.

    Rules: (C1) `axis` is 0 or 1 and `of` is a 2-D layout; (C2) the length fits
    the axis of the parent as in its rule (C2).
  }];
  let parameters = (ins "int64_t":$axis, "::mlir::Attribute":$of);
  let assemblyFormat = "`<` `axis` `=` $axis `,` `of` `=` $of `>`";
  let genVerifyDecl = 1;
  let genMnemonicAlias = 1;
}

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

def Tile_Support : I32EnumAttr<"Support", "which part of a square tile counts", [
    I32EnumAttrCase<"Full", 0, "full">,
    I32EnumAttrCase<"Lower", 1, "lower">,
    I32EnumAttrCase<"Upper", 2, "upper">]> {
  let cppNamespace = "::mamba::tile";
  let genSpecializedAttr = 0;
}
def Tile_SupportAttr : EnumAttr<Tile_Dialect, Tile_Support, "support"> {
  let assemblyFormat = "`<` $value `>`";
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Tile_BufferType : TypeDef<Tile_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "A swizzled tile in shared memory, with stages";
  let description = [{
    `!tile.buffer<R×C×T>`, or `!tile.buffer<R×C×T, stages = S>` for S tiles one
    after the other, of which `tile.stage` selects one. `!tile.buffer<E×T>` is a
    vector: element e at byte e·sizeof(T).

    Address of element (r, c): the row pitch is C·sizeof(T) rounded up to 16, 32,
    64 or a multiple of 128 bytes. The 16-byte unit u of row r lies at unit
    `u ^ swizzle(r)` of its 128-byte group, where swizzle(r) = r % 8 for pitches
    of 128 and more, (r / 2) % 4 for 64, (r / 4) % 2 for 32, 0 for 16: eight
    rows of one column of units always fall into different banks.

    With `panels`, as bulk copies and products of a warpgroup want it, the tile is
    cut into panels of 128-byte rows, one panel of R rows after the other, each
    swizzled as above: `!tile.buffer<64x128xbf16, stages = 3, panels>`.

    Rules: (C1) rank 1 or 2, static; (C2) of rank 2, C·sizeof(T) is a multiple of
    16 bytes and R of 8, of rank 1 E·sizeof(T) of 16 bytes; (C3) element type f32,
    f16 or bf16; (C4) stages ≥ 1; (C5) `panels` is for rank 2 and columns that
    fill 128-byte rows.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType,
                        DefaultValuedParameter<"int64_t", "1">:$stages,
                        DefaultValuedParameter<"bool", "false">:$panels);
  let builders = [TypeBuilder<(ins "::llvm::ArrayRef<int64_t>":$shape,
                                   "::mlir::Type":$elementType,
                                   "int64_t":$stages), [{
    return $_get($_ctxt, shape, elementType, stages, /*panels=*/false);
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Address arithmetic of one stage.
    ::mamba::tile::SharedLayout getSharedLayout() const;
    /// Bytes of all stages, of one, and what each buffer's address divides by.
    int64_t getBytes() const;
    int64_t getStageBytes() const;
    int64_t getAlignment() const;
    /// The type of one stage.
    BufferType getStageType() const;
  }];
}

def Tile_PendingType : TypeDef<Tile_Dialect, "Pending"> {
  let mnemonic = "pending";
  let summary = "A register tile that a product in flight will yield";
  let description = [{
    `!tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>`: the
    registers belong to the tensor cores until `tile.wgmma_wait`.

    Rule: (C1) the tile is a register tile in an `accumulator` layout.
  }];
  let parameters = (ins "::mlir::RankedTensorType":$tile);
  let assemblyFormat = "`<` $tile `>`";
  let genVerifyDecl = 1;
}

def Tile_PipelineType : TypeDef<Tile_Dialect, "Pipeline"> {
  let mnemonic = "pipeline";
  let summary = "Full and empty barriers of the stages of some buffers";
  let description = [{
    `!tile.pipeline<stages = 3>`, or `!tile.pipeline<stages = 3, groups = 2>` for
    two independent pipelines of three stages. Slot = group·stages + stage.

    Rules: (C1) stages and groups are at least 1.
  }];
  let parameters = (ins "int64_t":$stages,
                        DefaultValuedParameter<"int64_t", "1">:$groups);
  let assemblyFormat =
      "`<` `stages` `=` $stages (`,` `groups` `=` $groups^)? `>`";
  let genVerifyDecl = 1;
}

def Tile_FlagsType : TypeDef<Tile_Dialect, "Flags"> {
  let mnemonic = "flags";
  let summary = "Flags in global memory, as one launch of a kernel sees them";
  let description = [{
    `!tile.flags`: what `tile.flags` makes of a flag area. Flags that earlier
    launches have set are not set.
  }];
}

#endif // DIALECT_TILE_TILEATTRS_TD
