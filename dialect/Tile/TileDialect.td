// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef DIALECT_TILE_TILEDIALECT_TD
#define DIALECT_TILE_TILEDIALECT_TD

include "mlir/IR/OpBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let summary = "Where and when the values of a GPU kernel live";
  let description = [{
    The `tile` dialect is the GPU level of the compiler: a kernel for one
    thread block (CTA) in which every value says where it lives.

    * A **register tile** is a ranked tensor whose encoding is the register
      layout, e.g. `tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>`.
      It has value semantics; all threads of the CTA hold it together. Point
      by point code on register tiles is `arith` and `math`; `tensor` and
      `linalg` ops never meet them. Each becomes one `vector` a thread.
    * A **buffer** (`!tile.buffer<64x128xbf16, stages = 2>`) is swizzled shared
      memory, filled by asynchronous copies or by stores.
    * Global memory is a bare `!llvm.ptr<1>` with an element offset.

    A kernel is an upstream `gpu.func` in a `gpu.module`, with `scf.for` and
    `scf.if` (uniform over the CTA) and `arith` on `index`. The function carries
    `known_block_size = array<i32: W*32, 1, 1>`; W is the number of warps, and
    the warp grid of every layout in it must multiply to W.

    Ops that touch shared memory or the copy queue carry memory effects, so CSE
    and loop-invariant code motion leave them in place. See README.md of
    `dialect/Tile` for the contracts between copies, waits and barriers and for
    how the Hopper family (TMA, mbarriers, wgmma, roles) extends the dialect.
  }];
  let cppNamespace = "::mamba::tile";
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // DIALECT_TILE_TILEDIALECT_TD
