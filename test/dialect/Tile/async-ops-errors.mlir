// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

func.func @wgmma_c1(%a: !tile.buffer<64x64xbf16, panels>, %b: !tile.buffer<64x64xbf16, panels>)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  tile.roles {
    tile.role "a" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C1) stands in a role of four warps, got 1}}
      %0 = tile.wgmma %a, %b
          : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
            -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
      %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
    }
  }
  return
}

// -----
func.func @wgmma_c2(%a: !tile.buffer<64x64xbf16, panels>, %b: !tile.buffer<64x64xbf16, panels>) {
  // expected-error @below {{(C2) needs M = 64, K a multiple of 16 and N one of 8 up to 256, got M = 128, N = 64, K = 64}}
  %0 = tile.wgmma %a, %b
      : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
        -> !tile.pending<tensor<128x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %1 = tile.wgmma_wait %0 : !tile.pending<tensor<128x64xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @wgmma_c3(%a: !tile.buffer<64x64xbf16, panels>, %b: !tile.buffer<64x64xbf16, panels>) {
  // expected-error @below {{(C3) the result is f32 in accumulator<warps = [4, 1]>, got}}
  %0 = tile.wgmma %a, %b
      : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
        -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [1, 4]>>>
  %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [1, 4]>>>
  return
}

// -----
func.func @wgmma_c3_accumulator(%a: !tile.buffer<64x64xbf16, panels>, %b: !tile.buffer<64x64xbf16, panels>, %c: tensor<64x128xf32, #tile.accumulator<warps = [4, 1]>>) {
  // expected-error @below {{(C3) the accumulator is of type}}
  %0 = tile.wgmma %a, %b, %c
      : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>, tensor<64x128xf32, #tile.accumulator<warps = [4, 1]>>
        -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @wgmma_c4(%a: !tile.buffer<64x64xbf16, panels>, %b: !tile.buffer<64x64xf16, panels>) {
  // expected-error @below {{(C4) operands are both f16 or both bf16, got 'bf16' and 'f16'}}
  %0 = tile.wgmma %a, %b
      : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xf16, panels>
        -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @wgmma_c4_stages(%a: !tile.buffer<64x64xbf16, panels>, %b: !tile.buffer<64x64xbf16, stages = 2, panels>) {
  // expected-error @below {{(C4) works on one stage of 16-bit elements in panels or rows of 128 bytes}}
  %0 = tile.wgmma %a, %b
      : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, stages = 2, panels>
        -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @wgmma_c4_rows(%a: !tile.buffer<64x64xbf16, panels>, %b: !tile.buffer<64x128xbf16>) {
  // expected-error @below {{(C4) works on one stage of 16-bit elements in panels or rows of 128 bytes}}
  %0 = tile.wgmma %a, %b
      : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x128xbf16>
        -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @wgmma_c4_layout(%a: tensor<64x64xbf16, #tile.operand_a<warps = [1, 4]>>, %b: !tile.buffer<64x64xbf16, panels>) {
  // expected-error @below {{(C4) a register operand has the layout operand_a<warps = [4, 1]>, got}}
  %0 = tile.wgmma %a, %b
      : tensor<64x64xbf16, #tile.operand_a<warps = [1, 4]>>, !tile.buffer<64x64xbf16, panels>
        -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @wgmma_c5(%a: tensor<64x64xbf16, #tile.operand_a<warps = [4, 1]>>, %b: !tile.buffer<64x64xbf16, panels>) {
  // expected-error @below {{(C5) only buffers are read transposed}}
  %0 = tile.wgmma %a transposed, %b
      : tensor<64x64xbf16, #tile.operand_a<warps = [4, 1]>>, !tile.buffer<64x64xbf16, panels>
        -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @wgmma_c6(%a: !tile.buffer<64x64xbf16, panels>, %b: !tile.buffer<64x64xbf16, panels>) {
  // expected-error @below {{(C6) operands are too small for a product of M = 64, N = 128, K = 64: a has 64 rows, b is 64x64}}
  %0 = tile.wgmma %a, %b
      : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
        -> !tile.pending<tensor<64x128xf32, #tile.accumulator<warps = [4, 1]>>>
  %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x128xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @wgmma_c7(%a: !tile.buffer<64x64xbf16, panels>, %b: !tile.buffer<64x64xbf16, panels>) {
  // expected-error @below {{(C7) the result is waited for}}
  %0 = tile.wgmma %a, %b
      : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
        -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @wgmma_wait_c1(%a: !tile.buffer<64x64xbf16, panels>, %c: i1) {
  %0 = tile.wgmma %a, %a : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
      -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  scf.if %c {
    // expected-error @below {{(C1) waits for a product of the same block}}
    %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  }
  return
}

// -----
func.func @wgmma_wait_c2(%a: !tile.buffer<64x64xbf16, panels>) {
  %0 = tile.wgmma %a, %a : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
      -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %1 = tile.wgmma %a, %a : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
      -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %2 = tile.wgmma %a, %a : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
      -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  // expected-error @below {{(C2) leaves 1 products pending, but 2 were started after this one}}
  %3 = tile.wgmma_wait %0 pending 1 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %4 = tile.wgmma_wait %1 pending 1 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %5 = tile.wgmma_wait %2 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @wgmma_wait_c3(%a: !tile.buffer<64x64xbf16, panels>) {
  %0 = tile.wgmma %a, %a : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
      -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  // expected-error @below {{(C3) a pending tile is waited for once}}
  %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  %2 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
  return
}

// -----
func.func @copy_bulk_c1(%i: index, %map: !llvm.ptr, %b: !tile.buffer<64x64xbf16, panels>)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 2, groups = 2>
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !tile.pipeline<stages = 2, groups = 2>
      // expected-error @below {{(C1) stands in a role of one warp}}
      tile.copy_bulk %map[%i, %i, %i] -> %b on %p[%s] : !tile.buffer<64x64xbf16, panels>, !tile.pipeline<stages = 2, groups = 2>
    }
  }
  return
}

// -----
func.func @copy_bulk_c2(%i: index, %map: !llvm.ptr, %b: !tile.buffer<64x64xbf16, panels>)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 2, groups = 2>
  tile.roles {
    tile.role "a" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !tile.pipeline<stages = 2, groups = 2>
      // expected-error @below {{(C2) a box has three to five coordinates, got 2}}
      tile.copy_bulk %map[%i, %i] -> %b on %p[%s] : !tile.buffer<64x64xbf16, panels>, !tile.pipeline<stages = 2, groups = 2>
    }
  }
  return
}

// -----
func.func @copy_bulk_c3(%i: index, %map: !llvm.ptr, %b: !tile.buffer<64x32xf32>)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 2, groups = 2>
  tile.roles {
    tile.role "a" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !tile.pipeline<stages = 2, groups = 2>
      // expected-error @below {{(C3) works on one stage of 16-bit elements in panels or rows of 128 bytes}}
      tile.copy_bulk %map[%i, %i, %i] -> %b on %p[%s] : !tile.buffer<64x32xf32>, !tile.pipeline<stages = 2, groups = 2>
    }
  }
  return
}

// -----
func.func @store_bulk_c1(%b: !tile.buffer<64x64xbf16, panels>, %map: !llvm.ptr, %i: index) {
  // expected-error @below {{(C1) a box has three to five coordinates, got 6}}
  tile.store_bulk %b -> %map[%i, %i, %i, %i, %i, %i] : !tile.buffer<64x64xbf16, panels>
  return
}

// -----
func.func @store_bulk_c2(%b: !tile.buffer<64x64xbf16, stages = 2>, %map: !llvm.ptr, %i: index) {
  // expected-error @below {{(C2) works on one stage of 16-bit elements in panels or rows of 128 bytes}}
  tile.store_bulk %b -> %map[%i, %i, %i] : !tile.buffer<64x64xbf16, stages = 2>
  return
}

// -----
func.func @store_bulk_c3(%b: !tile.buffer<64x64xbf16, panels>, %map: !llvm.ptr, %i: index) {
  // expected-error @below {{(C3) pending is at least 0, got -1}}
  tile.store_bulk %b -> %map[%i, %i, %i] pending -1 : !tile.buffer<64x64xbf16, panels>
  return
}

// -----
func.func @copy_vector_c1(%x: !llvm.ptr<1>, %i: index, %b: !tile.buffer<64xbf16>) {
  // expected-error @below {{(C1) works on one stage of a vector of f32, got '!tile.buffer<64xbf16>'}}
  tile.copy_vector %x[%i] stride %i bound %i -> %b : !llvm.ptr<1>, !tile.buffer<64xbf16>
  return
}

// -----
func.func @copy_vector_c2(%x: !llvm.ptr<1>, %i: index, %b: !tile.buffer<64xf32>) {
  // expected-error @below {{(C2) a team has at least one warp, got 0}}
  tile.copy_vector %x[%i] stride %i bound %i -> %b team 0 : !llvm.ptr<1>, !tile.buffer<64xf32>
  return
}

// -----
func.func @load_element_c1(%b: !tile.buffer<64xf32, stages = 2>) {
  // expected-error @below {{(C1) works on one stage of a vector of f32, got '!tile.buffer<64xf32, stages = 2>'}}
  %0 = tile.load_element %b[0] : !tile.buffer<64xf32, stages = 2>
  return
}

// -----
func.func @load_element_c2(%b: !tile.buffer<64xf32>) {
  // expected-error @below {{(C2) element 64 is outside of '!tile.buffer<64xf32>'}}
  %0 = tile.load_element %b[64] : !tile.buffer<64xf32>
  return
}

// -----
func.func @store_packed_c1(%t: tensor<64x64xbf16, #tile.accumulator<warps = [4, 1]>>, %p: !llvm.ptr<1>, %i: index) {
  // expected-error @below {{(C1) the tile must have f32 elements, a multiple of 4 a thread, and no copies, got 'tensor<64x64xbf16}}
  tile.store_packed %t -> %p[%i] : tensor<64x64xbf16, #tile.accumulator<warps = [4, 1]>>, !llvm.ptr<1>
  return
}

// -----
func.func @load_packed_c1(%p: !llvm.ptr<1>, %i: index) {
  // expected-error @below {{(C1) the tile must have f32 elements, a multiple of 4 a thread, and no copies, got 'tensor<64xf32}}
  %0 = tile.load_packed %p[%i] : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
  return
}
