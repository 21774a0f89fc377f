// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs that keep the protocol of tile.pipeline.

// RUN: mamba-opt %s | FileCheck %s

!operand = !tile.buffer<64x64xbf16, panels>
!wide = !tile.buffer<64x128xbf16, panels>
#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>
#rows = #tile.slice<axis = 0, of = #acc>
#columns = #tile.slice<axis = 1, of = #a>
#tokens = #tile.slice<axis = 1, of = #acc>

// One warp copies tiles, another stores the second half of a chunk's loops; the
// loops of a role take slots one after another.
// CHECK-LABEL: func.func @two_roles
func.func @two_roles(%map: !llvm.ptr, %x: !llvm.ptr<1>, %n: index, %m: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 3, panels>
  %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 3>
  tile.roles {
    tile.role "load" warps 1 registers 40 {
    ^bb0(%w: index):
      // Sequences one after the other: the count is carried through both loops.
      %all = scf.for %i = %c0 to %m step %c1 iter_args(%count = %c0) -> index {
        %next = scf.for %j = %c0 to %n step %c1 iter_args(%k = %count) -> index {
          %slot = tile.acquire %p iteration %k : !tile.pipeline<stages = 3>
          %b = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 3, panels>
          tile.expect %p[%slot] bytes 8192 : !tile.pipeline<stages = 3>
          tile.copy_bulk %map[%c0, %c0, %j, %i] -> %b on %p[%slot]
              : !operand, !tile.pipeline<stages = 3>
          %k1 = arith.addi %k, %c1 : index
          scf.yield %k1 : index
        }
        scf.yield %next : index
      }
    }
    tile.role "store" warps 1 registers 40 {
    ^bb0(%w: index):
      scf.for %i = %c0 to %m step %c1 {
        %first = arith.muli %i, %n : index
        scf.for %j = %c0 to %n step %c1 {
          %k = arith.addi %first, %j : index
          %slot = tile.wait %p iteration %k : !tile.pipeline<stages = 3>
          %b = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 3, panels>
          tile.store_bulk %b -> %map[%c0, %c0, %j, %i] : !operand
          tile.wait_stores
          tile.release %p[%slot] : !tile.pipeline<stages = 3>
        }
      }
    }
    tile.role "idle" warps 2 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// A role may take slots in several blocks, with the same arrivals in each.
// CHECK-LABEL: func.func @several_loops
func.func @several_loops(%n: index, %flag: i1)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %vs = tile.alloc : !tile.buffer<64xf32, stages = 2>
  %p = tile.pipeline full 1 empty 2 : !tile.pipeline<stages = 2>
  tile.roles {
    tile.role "make" warps 1 registers 40 {
    ^bb0(%w: index):
      scf.if %flag {
        scf.for %i = %c0 to %n step %c1 {
          %slot = tile.acquire %p iteration %i : !tile.pipeline<stages = 2>
          tile.commit %p[%slot] : !tile.pipeline<stages = 2>
        }
      }
      %first = arith.select %flag, %n, %c0 : index
      scf.for %i = %c0 to %n step %c1 {
        %k = arith.addi %first, %i : index
        %slot = tile.acquire %p iteration %k : !tile.pipeline<stages = 2>
        tile.commit %p[%slot] : !tile.pipeline<stages = 2>
      }
    }
    tile.role "use" warps 2 registers 40 {
    ^bb0(%w: index):
      %twice = arith.addi %n, %n : index
      %end = arith.select %flag, %twice, %n : index
      %zero = arith.constant 0.0 : f32
      %sum = scf.for %i = %c0 to %end step %c1 iter_args(%s = %zero) -> f32 {
        %slot = tile.wait %p iteration %i : !tile.pipeline<stages = 2>
        %b = tile.stage %vs[%slot] : !tile.buffer<64xf32, stages = 2>
        // One load is consumed in front of the release, the other named.
        %v = tile.load_shared %b : !tile.buffer<64xf32> -> tensor<64xf32, #tile.lane>
        %e = tile.load_element %b[0] : !tile.buffer<64xf32>
        %es = tile.splat %e : f32 -> tensor<32xf32, #tile.lane>
        tile.release %p[%slot] after %v, %es
            : !tile.pipeline<stages = 2>, tensor<64xf32, #tile.lane>,
              tensor<32xf32, #tile.lane>
        %part = tile.reduce_sum %v : tensor<64xf32, #tile.lane>
        %part1 = arith.mulf %part, %e : f32
        %s1 = arith.addf %s, %part1 : f32
        scf.yield %s1 : f32
      }
    }
    tile.role "idle" warps 1 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// Two heads that share B and C: Yᵀ = S Cᵀ ∘ e + Xᵀ Mᵀ, S' = d S + (Xᵀ w) B with
// the state in registers. Two roles fill a slot of the head's pipeline.
// CHECK-LABEL: gpu.func @two_heads
gpu.module @kernels {
  gpu.func @two_heads(%dt: !llvm.ptr<1>, %n: index, %h: index, %maps: !llvm.ptr)
      kernel attributes {known_block_size = array<i32: 512, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %bs = tile.alloc : !tile.buffer<64x128xbf16, stages = 3, panels>
    %cs = tile.alloc : !tile.buffer<64x128xbf16, stages = 3, panels>
    %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 6, panels>
    %es = tile.alloc : !tile.buffer<64xf32, stages = 6>
    %ms = tile.alloc : !tile.buffer<64x64xbf16, stages = 4, panels>
    %ys = tile.alloc : !tile.buffer<64x64xbf16, stages = 4, panels>
    %ring = tile.alloc : !tile.buffer<64xf32, stages = 2>
    %pbc = tile.pipeline full 1 empty 12 : !tile.pipeline<stages = 3>
    %px = tile.pipeline full 2 empty 8 : !tile.pipeline<stages = 3, groups = 2>
    %pm = tile.pipeline full 4 empty 4 : !tile.pipeline<stages = 2, groups = 2>
    tile.roles {
      tile.role "load" warps 1 registers 40 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %t = arith.muli %i, %c64 : index
          %bc = tile.acquire %pbc iteration %i : !tile.pipeline<stages = 3>
          tile.expect %pbc[%bc] bytes 32768 : !tile.pipeline<stages = 3>
          %b = tile.stage %bs[%bc] : !tile.buffer<64x128xbf16, stages = 3, panels>
          %c = tile.stage %cs[%bc] : !tile.buffer<64x128xbf16, stages = 3, panels>
          tile.copy_bulk %maps[%c0, %c0, %t, %c0] -> %b on %pbc[%bc]
              : !wide, !tile.pipeline<stages = 3>
          tile.copy_bulk %maps[%c0, %c0, %t, %c0] -> %c on %pbc[%bc]
              : !wide, !tile.pipeline<stages = 3>
          %s0 = tile.acquire %px iteration %i : !tile.pipeline<stages = 3, groups = 2>
          tile.expect %px[%s0] bytes 8192 : !tile.pipeline<stages = 3, groups = 2>
          %x0 = tile.stage %xs[%s0] : !tile.buffer<64x64xbf16, stages = 6, panels>
          tile.copy_bulk %maps[%c0, %c0, %t, %c0] -> %x0 on %px[%s0]
              : !operand, !tile.pipeline<stages = 3, groups = 2>
          %s1 = tile.acquire %px[%c1] iteration %i : !tile.pipeline<stages = 3, groups = 2>
          tile.expect %px[%s1] bytes 8192 : !tile.pipeline<stages = 3, groups = 2>
          %x1 = tile.stage %xs[%s1] : !tile.buffer<64x64xbf16, stages = 6, panels>
          tile.copy_bulk %maps[%c0, %c1, %t, %c0] -> %x1 on %px[%s1]
              : !operand, !tile.pipeline<stages = 3, groups = 2>
        }
      }
      tile.role "vectors" warps 1 instances 2 registers 40 {
      ^bb0(%w: index):
        %raw = tile.stage %ring[%w] : !tile.buffer<64xf32, stages = 2>
        scf.for %i = %c0 to %n step %c1 {
          tile.copy_vector %dt[%i] stride %h bound %c64 -> %raw
              : !llvm.ptr<1>, !tile.buffer<64xf32>
          tile.commit_copies
          tile.wait_copies pending 0
          %d = tile.load_shared %raw : !tile.buffer<64xf32> -> tensor<64xf32, #tile.lane>
          %cum = tile.cumsum %d : tensor<64xf32, #tile.lane>
          %slot = tile.acquire %px[%w] iteration %i : !tile.pipeline<stages = 3, groups = 2>
          %v = tile.stage %es[%slot] : !tile.buffer<64xf32, stages = 6>
          tile.store_shared %cum, %v : tensor<64xf32, #tile.lane>, !tile.buffer<64xf32>
          tile.commit %px[%slot] : !tile.pipeline<stages = 3, groups = 2>
        }
      }
      tile.role "idle" warps 1 registers 40 {
      ^bb0(%w: index):
      }
      tile.role "mask" warps 4 registers 96 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %bc = tile.wait %pbc iteration %i : !tile.pipeline<stages = 3>
          %b = tile.stage %bs[%bc] : !tile.buffer<64x128xbf16, stages = 3, panels>
          %c = tile.stage %cs[%bc] : !tile.buffer<64x128xbf16, stages = 3, panels>
          %pending = tile.wgmma %c, %b transposed : !wide, !wide
              -> !tile.pending<tensor<64x64xf32, #acc>>
          %g = tile.wgmma_wait %pending : !tile.pending<tensor<64x64xf32, #acc>>
          tile.release %pbc[%bc] after %g : !tile.pipeline<stages = 3>, tensor<64x64xf32, #acc>
          // Head 0.
          %s0 = tile.wait %px iteration %i : !tile.pipeline<stages = 3, groups = 2>
          %v0 = tile.stage %es[%s0] : !tile.buffer<64xf32, stages = 6>
          %e0 = tile.load_shared %v0 : !tile.buffer<64xf32> -> tensor<64xf32, #tile.lane>
          %l0 = tile.segment_decay %e0 : (tensor<64xf32, #tile.lane>) -> tensor<64x64xf32, #acc>
          %m0 = arith.mulf %g, %l0 : tensor<64x64xf32, #acc>
          %h0 = arith.truncf %m0 : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
          %t0 = tile.acquire %pm[%c0] iteration %i : !tile.pipeline<stages = 2, groups = 2>
          %b0 = tile.stage %ms[%t0] : !tile.buffer<64x64xbf16, stages = 4, panels>
          tile.store_shared %h0, %b0 : tensor<64x64xbf16, #acc>, !operand
          tile.commit %pm[%t0] : !tile.pipeline<stages = 2, groups = 2>
          tile.release %px[%s0] : !tile.pipeline<stages = 3, groups = 2>
          // Head 1, whose vector is released before it is used.
          %s1 = tile.wait %px[%c1] iteration %i : !tile.pipeline<stages = 3, groups = 2>
          %v1 = tile.stage %es[%s1] : !tile.buffer<64xf32, stages = 6>
          %e1 = tile.load_shared %v1 : !tile.buffer<64xf32> -> tensor<64xf32, #tile.lane>
          tile.release %px[%s1] after %e1
              : !tile.pipeline<stages = 3, groups = 2>, tensor<64xf32, #tile.lane>
          %l1 = tile.segment_decay %e1 : (tensor<64xf32, #tile.lane>) -> tensor<64x64xf32, #acc>
          %m1 = arith.mulf %g, %l1 : tensor<64x64xf32, #acc>
          %h1 = arith.truncf %m1 : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
          %t1 = tile.acquire %pm[%c1] iteration %i : !tile.pipeline<stages = 2, groups = 2>
          %b1 = tile.stage %ms[%t1] : !tile.buffer<64x64xbf16, stages = 4, panels>
          tile.store_shared %h1, %b1 : tensor<64x64xbf16, #acc>, !operand
          tile.commit %pm[%t1] : !tile.pipeline<stages = 2, groups = 2>
        }
      }
      tile.role "consume" warps 4 instances 2 registers 184 {
      ^bb0(%w: index):
        %c2 = arith.constant 2 : index
        %zero = arith.constant 0.0 : f32
        %start = tile.splat %zero : f32 -> tensor<64x128xf32, #acc>
        %base = arith.muli %w, %c2 : index
        %final = scf.for %i = %c0 to %n step %c1
            iter_args(%s = %start) -> tensor<64x128xf32, #acc> {
          %s16 = arith.truncf %s : tensor<64x128xf32, #acc> to tensor<64x128xbf16, #acc>
          %sa = tile.convert_layout %s16 : tensor<64x128xbf16, #acc> -> tensor<64x128xbf16, #a>
          %bc = tile.wait %pbc iteration %i : !tile.pipeline<stages = 3>
          %b = tile.stage %bs[%bc] : !tile.buffer<64x128xbf16, stages = 3, panels>
          %c = tile.stage %cs[%bc] : !tile.buffer<64x128xbf16, stages = 3, panels>
          %y0 = tile.wgmma %sa, %c transposed : tensor<64x128xbf16, #a>, !wide
              -> !tile.pending<tensor<64x64xf32, #acc>>
          %sx = tile.wait %px[%w] iteration %i : !tile.pipeline<stages = 3, groups = 2>
          %x = tile.stage %xs[%sx] : !tile.buffer<64x64xbf16, stages = 6, panels>
          %v = tile.stage %es[%sx] : !tile.buffer<64xf32, stages = 6>
          %xt = tile.load_shared %x transposed : !operand -> tensor<64x64xbf16, #a>
          %cum = tile.load_shared %v : !tile.buffer<64xf32> -> tensor<64xf32, #tile.lane>
          %last = tile.load_element %v[63] : !tile.buffer<64xf32>
          %w16 = arith.truncf %cum : tensor<64xf32, #tile.lane> to tensor<64xbf16, #tile.lane>
          %wc = tile.convert_layout %w16 : tensor<64xbf16, #tile.lane> -> tensor<64xbf16, #columns>
          %wa = tile.broadcast %wc : tensor<64xbf16, #columns> -> tensor<64x64xbf16, #a>
          %xw = arith.mulf %xt, %wa : tensor<64x64xbf16, #a>
          %decay = tile.splat %last : f32 -> tensor<64x128xf32, #acc>
          %sd = arith.mulf %s, %decay : tensor<64x128xf32, #acc>
          %y1 = tile.wgmma_wait %y0 : !tile.pending<tensor<64x64xf32, #acc>>
          %ec = tile.convert_layout %cum : tensor<64xf32, #tile.lane> -> tensor<64xf32, #tokens>
          %e = tile.broadcast %ec : tensor<64xf32, #tokens> -> tensor<64x64xf32, #acc>
          %ye = arith.mulf %y1, %e : tensor<64x64xf32, #acc>
          %sm = tile.wait %pm[%w] iteration %i : !tile.pipeline<stages = 2, groups = 2>
          %m = tile.stage %ms[%sm] : !tile.buffer<64x64xbf16, stages = 4, panels>
          %y2 = tile.wgmma %xt, %m transposed, %ye : tensor<64x64xbf16, #a>, !operand,
              tensor<64x64xf32, #acc> -> !tile.pending<tensor<64x64xf32, #acc>>
          %s1 = tile.wgmma %xw, %b, %sd : tensor<64x64xbf16, #a>, !wide,
              tensor<64x128xf32, #acc> -> !tile.pending<tensor<64x128xf32, #acc>>
          %y = tile.wgmma_wait %y2 pending 1 : !tile.pending<tensor<64x64xf32, #acc>>
          // The product of the state still reads B, but neither M nor X: what
          // it got from X's slot has been loaded, as the other product's
          // operands and a scalar show.
          tile.release %pm[%sm] after %y : !tile.pipeline<stages = 2, groups = 2>, tensor<64x64xf32, #acc>
          %one = tile.splat %last : f32 -> tensor<32xf32, #tile.lane>
          tile.release %px[%sx] after %y, %one : !tile.pipeline<stages = 3, groups = 2>,
              tensor<64x64xf32, #acc>, tensor<32xf32, #tile.lane>
          %parity = arith.remui %i, %c2 : index
          %own = arith.addi %base, %parity : index
          %out = tile.stage %ys[%own] : !tile.buffer<64x64xbf16, stages = 4, panels>
          %y16 = arith.truncf %y : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
          tile.store_shared %y16, %out transposed : tensor<64x64xbf16, #acc>, !operand
          %s2 = tile.wgmma_wait %s1 : !tile.pending<tensor<64x128xf32, #acc>>
          tile.release %pbc[%bc] after %s2 : !tile.pipeline<stages = 3>, tensor<64x128xf32, #acc>
          %t = arith.muli %i, %c64 : index
          tile.store_bulk %out -> %maps[%c0, %w, %t, %c0] : !operand
          scf.yield %s2 : tensor<64x128xf32, #acc>
        }
        tile.wait_stores
      }
    }
    gpu.return
  }
}
