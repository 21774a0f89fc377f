// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
#acc = #tile.accumulator<warps = [4, 1]>
func.func @release_c1_product(%i: index)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      %0 = tile.wgmma %b, %b : !x, !x -> !tile.pending<tensor<64x64xf32, #acc>>
      // expected-error @below {{(C1) a product that reads the slot is pending; needs its tile.wgmma_wait in front}}
      tile.release %p[%s] : !p
      %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #acc>>
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
#acc = #tile.accumulator<warps = [4, 1]>
func.func @release_c1_newest(%i: index, %y: !x)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      %0 = tile.wgmma %y, %y : !x, !x -> !tile.pending<tensor<64x64xf32, #acc>>
      %1 = tile.wgmma %b, %b : !x, !x -> !tile.pending<tensor<64x64xf32, #acc>>
      %2 = tile.wgmma_wait %0 pending 1 : !tile.pending<tensor<64x64xf32, #acc>>
      // expected-error @below {{(C1) a product that reads the slot is pending; needs its tile.wgmma_wait in front}}
      tile.release %p[%s] after %2 : !p, tensor<64x64xf32, #acc>
      %3 = tile.wgmma_wait %1 : !tile.pending<tensor<64x64xf32, #acc>>
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
func.func @release_c1_store(%i: index, %map: !llvm.ptr)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      tile.store_bulk %b -> %map[%i, %i, %i] : !x
      // expected-error @below {{(C1) a bulk store that reads the slot is in flight; needs tile.wait_stores in front}}
      tile.release %p[%s] : !p
      tile.wait_stores
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
#a = #tile.operand_a<warps = [4, 1]>
func.func @release_c2_load(%i: index)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      tile.release %p[%s] : !p
      // expected-error @below {{(C2) reads a slot after its tile.release}}
      %0 = tile.load_shared %b : !x -> tensor<64x64xbf16, #a>
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
#acc = #tile.accumulator<warps = [4, 1]>
func.func @release_c2_product(%i: index)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      tile.release %p[%s] : !p
      // expected-error @below {{(C2) reads a slot after its tile.release}}
      %0 = tile.wgmma %b, %b : !x, !x -> !tile.pending<tensor<64x64xf32, #acc>>
      %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #acc>>
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!vs = !tile.buffer<64xf32, stages = 2>
!v = !tile.buffer<64xf32>
func.func @release_c3_after(%i: index, %y: !v)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %vs = tile.alloc : !vs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %vs[%s] : !vs
      // expected-error @below {{(C3) loads from a slot what nothing surely consumes before its tile.release, which may overtake it; name the value in `after`}}
      %0 = tile.load_shared %b : !v -> tensor<64xf32, #tile.lane>
      tile.release %p[%s] : !p
      %1 = math.exp %0 : tensor<64xf32, #tile.lane>
      tile.store_shared %1, %y : tensor<64xf32, #tile.lane>, !v
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!vs = !tile.buffer<64xf32, stages = 2>
!v = !tile.buffer<64xf32>
func.func @release_c3_arithmetic_in_front(%i: index, %y: !v)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %vs = tile.alloc : !vs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      // Nothing keeps the exponential in front.
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %vs[%s] : !vs
      // expected-error @below {{(C3) loads from a slot what nothing surely consumes before its tile.release, which may overtake it; name the value in `after`}}
      %0 = tile.load_shared %b : !v -> tensor<64xf32, #tile.lane>
      %1 = math.exp %0 : tensor<64xf32, #tile.lane>
      tile.release %p[%s] : !p
      tile.store_shared %1, %y : tensor<64xf32, #tile.lane>, !v
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>
func.func @release_c3_product(%i: index, %y: !x)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      // The product's operand comes from the slot, and the product may not have begun.
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      // expected-error @below {{(C3) loads from a slot what nothing surely consumes before its tile.release, which may overtake it; name the value in `after`}}
      %0 = tile.load_shared %b : !x -> tensor<64x64xbf16, #a>
      %1 = arith.mulf %0, %0 : tensor<64x64xbf16, #a>
      %2 = tile.wgmma %1, %y : tensor<64x64xbf16, #a>, !x -> !tile.pending<tensor<64x64xf32, #acc>>
      tile.release %p[%s] : !p
      %3 = tile.wgmma_wait %2 : !tile.pending<tensor<64x64xf32, #acc>>
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!vs = !tile.buffer<64xf32, stages = 2>
!v = !tile.buffer<64xf32>
func.func @release_c3_element(%i: index, %y: !v)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %vs = tile.alloc : !vs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %vs[%s] : !vs
      // expected-error @below {{(C3) loads from a slot what nothing surely consumes before its tile.release, which may overtake it; name the value in `after`}}
      %0 = tile.load_element %b[0] : !v
      tile.release %p[%s] : !p
      %1 = tile.splat %0 : f32 -> tensor<64xf32, #tile.lane>
      tile.store_shared %1, %y : tensor<64xf32, #tile.lane>, !v
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!vs = !tile.buffer<64xf32, stages = 2>
!v = !tile.buffer<64xf32>
func.func @release_c3_one_register(%i: index, %y: !v)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %vs = tile.alloc : !vs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      // The scalar depends on one register of the vector only.
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %vs[%s] : !vs
      // expected-error @below {{(C3) loads from a slot what nothing surely consumes before its tile.release, which may overtake it; name the value in `after`}}
      %0 = tile.load_shared %b : !v -> tensor<64xf32, #tile.lane>
      %e = tile.extract %0[0] : tensor<64xf32, #tile.lane>
      %s32 = tile.splat %e : f32 -> tensor<32xf32, #tile.lane>
      tile.release %p[%s] after %s32 : !p, tensor<32xf32, #tile.lane>
      %1 = math.exp %0 : tensor<64xf32, #tile.lane>
      tile.store_shared %1, %y : tensor<64xf32, #tile.lane>, !v
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!vs = !tile.buffer<64xf32, stages = 2>
!v = !tile.buffer<64xf32>
func.func @release_c3_next_iteration(%i: index, %t: tensor<64xf32, #tile.lane>)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %vs = tile.alloc : !vs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %r = scf.for %j = %c0 to %i step %c1 iter_args(%old = %t) -> tensor<64xf32, #tile.lane> {
        %s = tile.wait %p iteration %j : !p
        %b = tile.stage %vs[%s] : !vs
        // expected-error @below {{(C3) loads from a slot what nothing surely consumes before its tile.release, which may overtake it; name the value in `after`}}
        %0 = tile.load_shared %b : !v -> tensor<64xf32, #tile.lane>
        tile.release %p[%s] : !p
        scf.yield %0 : tensor<64xf32, #tile.lane>
      }
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
#acc = #tile.accumulator<warps = [4, 1]>
func.func @release_c3_mma(%i: index, %y: !x, %t: tensor<64x64xf32, #acc>)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      // expected-error @below {{(C3) loads from a slot what nothing surely consumes before its tile.release, which may overtake it; name the value in `after`}}
      %0 = tile.mma %b, %b, %t : !x, !x -> tensor<64x64xf32, #acc>
      tile.release %p[%s] : !p
      %1 = arith.truncf %0 : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
      tile.store_shared %1, %y : tensor<64x64xbf16, #acc>, !x
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
#acc = #tile.accumulator<warps = [4, 1]>
func.func @release_c4(%i: index, %t: tensor<64x64xbf16, #acc>)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      // expected-error @below {{(C4) writes to a slot that its role waits for; consumers only read}}
      tile.store_shared %t, %b : tensor<64x64xbf16, #acc>, !x
      tile.release %p[%s] : !p
    }
  }
  return
}
