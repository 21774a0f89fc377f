// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
#acc = #tile.accumulator<warps = [4, 1]>
func.func @commit_c1_after(%i: index, %t: tensor<64x64xbf16, #acc>)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      tile.commit %p[%s] : !p
      // expected-error @below {{(C1) works on a slot after its tile.commit}}
      tile.store_shared %t, %b : tensor<64x64xbf16, #acc>, !x
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!vs = !tile.buffer<64xf32, stages = 2>
!v = !tile.buffer<64xf32>
func.func @commit_c1_never(%i: index, %t: tensor<64xf32, #tile.lane>)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %vs = tile.alloc : !vs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      %b = tile.stage %vs[%s] : !vs
      tile.expect %p[%s] bytes 0 : !p
      // expected-error @below {{(C1) works on a slot that its role acquires and never commits}}
      tile.store_shared %t, %b : tensor<64xf32, #tile.lane>, !v
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!vs = !tile.buffer<64xf32, stages = 2>
!v = !tile.buffer<64xf32>
func.func @commit_c2_no_wait(%i: index, %x: !llvm.ptr<1>)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %vs = tile.alloc : !vs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      %b = tile.stage %vs[%s] : !vs
      // expected-error @below {{(C2) may be in flight at the tile.commit of its slot; needs tile.commit_copies and tile.wait_copies in front}}
      tile.copy_vector %x[%i] stride %i bound %i -> %b : !llvm.ptr<1>, !v
      tile.commit_copies
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!vs = !tile.buffer<64xf32, stages = 2>
!v = !tile.buffer<64xf32>
func.func @commit_c2_open(%i: index, %x: !llvm.ptr<1>)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %vs = tile.alloc : !vs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      %b = tile.stage %vs[%s] : !vs
      // expected-error @below {{(C2) may be in flight at the tile.commit of its slot; needs tile.commit_copies and tile.wait_copies in front}}
      tile.copy_vector %x[%i] stride %i bound %i -> %b : !llvm.ptr<1>, !v
      tile.wait_copies pending 0
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!vs = !tile.buffer<64xf32, stages = 2>
!v = !tile.buffer<64xf32>
func.func @commit_c2_pending(%i: index, %x: !llvm.ptr<1>)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %vs = tile.alloc : !vs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      %b = tile.stage %vs[%s] : !vs
      // expected-error @below {{(C2) may be in flight at the tile.commit of its slot; needs tile.commit_copies and tile.wait_copies in front}}
      tile.copy_vector %x[%i] stride %i bound %i -> %b : !llvm.ptr<1>, !v
      tile.commit_copies
      tile.commit_copies
      tile.wait_copies pending 2
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
func.func @copy_bulk_c4_expect_behind(%i: index, %map: !llvm.ptr)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      // expected-error @below {{(C4) needs a stage taken with its slot, and a tile.expect of the slot in front in its block}}
      tile.copy_bulk %map[%i, %i, %i] -> %b on %p[%s] : !x, !p
      tile.expect %p[%s] bytes 0 : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
func.func @copy_bulk_c4_no_expect(%i: index, %map: !llvm.ptr)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      // expected-error @below {{(C4) needs a stage taken with its slot, and a tile.expect of the slot in front in its block}}
      tile.copy_bulk %map[%i, %i, %i] -> %b on %p[%s] : !x, !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
func.func @copy_bulk_c4_stage(%i: index, %map: !llvm.ptr)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      %b = tile.stage %xs[%i] : !xs
      tile.expect %p[%s] bytes 8192 : !p
      // expected-error @below {{(C4) needs a stage taken with its slot, and a tile.expect of the slot in front in its block}}
      tile.copy_bulk %map[%i, %i, %i] -> %b on %p[%s] : !x, !p
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
func.func @copy_bulk_c4_block(%i: index, %map: !llvm.ptr, %c: i1)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !p
  tile.roles {
    tile.role "make" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      %b = tile.stage %xs[%s] : !xs
      tile.expect %p[%s] bytes 0 : !p
      scf.if %c {
        // expected-error @below {{(C4) needs a stage taken with its slot, and a tile.expect of the slot in front in its block}}
        tile.copy_bulk %map[%i, %i, %i] -> %b on %p[%s] : !x, !p
      }
    }
    tile.role "use" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c6_stages(%i: index)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 3, panels>
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
      // expected-error @below {{(C6) a slot is one of 2, the buffer has 3 stages}}
      %b = tile.stage %xs[%s] : !tile.buffer<64x64xbf16, stages = 3, panels>
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!g = !tile.pipeline<stages = 2, groups = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
func.func @pipeline_c6_groups(%i: index)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  %xs = tile.alloc : !xs
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 2 : !g
  tile.roles {
    tile.role "make" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !g
      tile.commit %p[%s] : !g
      %c1 = arith.constant 1 : index
      %t = tile.acquire %p[%c1] iteration %i : !g
      tile.commit %p[%t] : !g
    }
    tile.role "use" warps 2 instances 2 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p[%w] iteration %i : !g
      // expected-error @below {{(C6) a slot is one of 4, the buffer has 2 stages}}
      %b = tile.stage %xs[%s] : !xs
      tile.release %p[%s] : !g
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
func.func @pipeline_c6_unguarded(%i: index)
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
      // expected-error @below {{(C6) reaches a buffer without a slot of the pipeline that guards it}}
      %d = tile.stage %xs[%i] : !xs
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
!xs = !tile.buffer<64x64xbf16, stages = 2, panels>
!x = !tile.buffer<64x64xbf16, panels>
func.func @pipeline_c6_handed_on(%i: index)
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
      %c0 = arith.constant 0 : index
      // expected-error @below {{(C6) a stage of a slot is read and written where it is taken, not handed on}}
      %d = scf.for %j = %c0 to %i step %i iter_args(%d = %b) -> !x {
        scf.yield %d : !x
      }
      tile.release %p[%s] : !p
    }
  }
  return
}
