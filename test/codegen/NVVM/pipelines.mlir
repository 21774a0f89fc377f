// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -convert-tile-to-nvvm=target=sm_90a -canonicalize -cse | FileCheck %s

#acc = #tile.accumulator<warps = [4, 1]>
!tiles = !tile.pipeline<stages = 3>
!heads = !tile.pipeline<stages = 2, groups = 2>

gpu.module @kernels {
  // 3 full and 3 empty words behind 128 bytes of a buffer, then 4 and 4.
  // CHECK-LABEL: gpu.func @initialisation
  // CHECK-SAME: tile.shared_bytes = 240 : i64
  // CHECK: %[[TID:.*]] = llvm.call_intrinsic "llvm.nvvm.read.ptx.sreg.tid.x"
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[TID]], %c0_i32
  // CHECK: scf.if %[[FIRST]] {
  // CHECK-COUNT-3: "llvm.nvvm.mbarrier.init.shared"(%{{.*}}, %c1_i32)
  // CHECK-COUNT-3: "llvm.nvvm.mbarrier.init.shared"(%{{.*}}, %c12_i32)
  // CHECK-NOT: mbarrier.init.shared
  // CHECK: llvm.getelementptr %{{.*}}[176] : (!llvm.ptr<3>)
  // CHECK: scf.if
  // CHECK-COUNT-8: "llvm.nvvm.mbarrier.init.shared"(%{{.*}}, %c4_i32)
  // CHECK-NOT: mbarrier.init.shared
  // CHECK: scf.if
  // CHECK: "llvm.nvvm.fence.mbarrier_init.release.cluster"
  // CHECK: "llvm.nvvm.fence.proxy.async.shared_cta"
  // CHECK: gpu.barrier
  // CHECK: gpu.return
  gpu.func @initialisation() kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %p = tile.pipeline full 1 empty 12 : !tiles
    %q = tile.pipeline full 4 empty 4 : !heads
    %b = tile.alloc : !tile.buffer<8x8xbf16>
    tile.roles {
      tile.role "idle" warps 1 registers 40 {
      ^bb0(%w: index):
      }
    }
    gpu.return
  }

  // Iteration i waits at slot i % 3: a producer for the parity of phase i / 3
  // turned over, a consumer for the parity itself.
  // CHECK-LABEL: gpu.func @slots
  // CHECK: %[[P:.*]] = llvm.mlir.addressof @tile_shared
  // CHECK: gpu.barrier
  // CHECK: arith.cmpi ult
  // CHECK: %[[I:.*]] = arith.index_cast %{{.*}} : index to i32
  // CHECK: %[[STAGE:.*]] = arith.remui %[[I]], %c3_i32
  // CHECK: %[[TURN:.*]] = arith.divui %[[I]], %c3_i32
  // CHECK: %[[PHASE:.*]] = arith.andi %[[TURN]], %c1_i32
  // CHECK: %[[OFFSET:.*]] = arith.muli %[[STAGE]], %c8_i32
  // CHECK: %[[FULL:.*]] = llvm.getelementptr %[[P]][%[[OFFSET]]]
  // CHECK: %[[EMPTY:.*]] = llvm.getelementptr %[[FULL]][24]
  // CHECK: %[[PARITY:.*]] = arith.xori %[[PHASE]], %c1_i32
  // CHECK: llvm.inline_asm has_side_effects "{{.*}}mbarrier.try_wait.parity.shared::cta.b64 complete, [$0], $1;{{.*}}", "r,r,~{memory}" %[[EMPTY]], %[[PARITY]]
  // One lane announces the bytes, on the full barrier.
  // CHECK: %[[LANE:.*]] = arith.cmpi eq, %{{.*}}, %c0_i32
  // CHECK: llvm.inline_asm has_side_effects "@$2 mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;", "r,r,b,~{memory}" %{{.*}}, %c0_i32, %[[LANE]]
  // CHECK: } else {
  // CHECK: %[[C_PHASE:.*]] = arith.andi %{{.*}}, %c1_i32
  // CHECK: %[[C_FULL:.*]] = llvm.getelementptr %[[P]][%{{[0-9]+}}]
  // CHECK: llvm.inline_asm {{.*}}try_wait{{.*}} %[[C_FULL]], %[[C_PHASE]]
  // CHECK: "llvm.nvvm.bar.warp.sync"
  // CHECK: %[[ZERO:.*]] = arith.cmpi eq, %{{.*}}, %c0_i32
  // CHECK: llvm.inline_asm has_side_effects "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];", "r,b,~{memory}" %{{.*}}, %[[ZERO]] : (!llvm.ptr<3>, i1) -> ()
  gpu.func @slots(%n: index) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %p = tile.pipeline full 1 empty 1 : !tiles
    tile.roles {
      tile.role "load" warps 1 registers 40 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %slot = tile.acquire %p iteration %i : !tiles
          tile.expect %p[%slot] bytes 0 : !tiles
        }
      }
      tile.role "use" warps 1 registers 40 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %slot = tile.wait %p iteration %i : !tiles
          tile.release %p[%slot] : !tiles
        }
      }
    }
    gpu.return
  }

  // The slots of group g begin at g · 2.
  // CHECK-LABEL: gpu.func @commits
  // CHECK: %[[STAGE:.*]] = arith.andi %{{.*}}, %c1_i32
  // CHECK: %[[GROUP:.*]] = arith.muli %{{.*}}, %c2_i32
  // CHECK: %[[SLOT:.*]] = arith.addi %[[STAGE]], %[[GROUP]]
  // CHECK: try_wait
  // CHECK: %[[INDEX:.*]] = arith.index_castui %[[SLOT]] : i32 to index
  // CHECK: %[[SLOT2:.*]] = arith.index_cast %[[INDEX]] : index to i32
  // CHECK: arith.muli %[[SLOT2]], %c1024_i32
  // CHECK: stmatrix
  // CHECK-NOT: fence.proxy
  // CHECK: "llvm.nvvm.bar.warp.sync"
  // CHECK: mbarrier.arrive.shared::cta.b64
  gpu.func @commits(%n: index) kernel
      attributes {known_block_size = array<i32: 512, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %v = arith.constant dense<1.0> : tensor<64x8xbf16, #acc>
    %xs = tile.alloc : !tile.buffer<64x8xbf16, stages = 4>
    %p = tile.pipeline full 4 empty 4 : !heads
    tile.roles {
      tile.role "write" warps 4 instances 2 registers 128 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %slot = tile.acquire %p[%w] iteration %i : !heads
          %x = tile.stage %xs[%slot] : !tile.buffer<64x8xbf16, stages = 4>
          tile.store_shared %v, %x : tensor<64x8xbf16, #acc>, !tile.buffer<64x8xbf16>
          tile.commit %p[%slot] : !heads
        }
      }
      tile.role "read" warps 4 instances 2 registers 128 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %slot = tile.wait %p[%w] iteration %i : !heads
          tile.release %p[%slot] : !heads
        }
      }
    }
    gpu.return
  }

  // Stores are made visible to tensor cores before the arrival, if those read
  // them.
  // CHECK-LABEL: gpu.func @commits_operands
  // CHECK: stmatrix
  // CHECK: "llvm.nvvm.fence.proxy.async.shared_cta"
  // CHECK: "llvm.nvvm.bar.warp.sync"
  // CHECK: mbarrier.arrive.shared::cta.b64
  gpu.func @commits_operands(%n: index) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %v = arith.constant dense<1.0> : tensor<64x64xbf16, #acc>
    %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 3, panels>
    %p = tile.pipeline full 4 empty 4 : !tiles
    tile.roles {
      tile.role "write" warps 4 registers 128 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %slot = tile.acquire %p iteration %i : !tiles
          %x = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 3, panels>
          tile.store_shared %v, %x : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, panels>
          tile.commit %p[%slot] : !tiles
        }
      }
      tile.role "read" warps 4 registers 128 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %slot = tile.wait %p iteration %i : !tiles
          %x = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 3, panels>
          %started = tile.wgmma %x, %x transposed : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels> -> !tile.pending<tensor<64x64xf32, #acc>>
          %g = tile.wgmma_wait %started : !tile.pending<tensor<64x64xf32, #acc>>
          tile.release %p[%slot] after %g : !tiles, tensor<64x64xf32, #acc>
        }
      }
    }
    gpu.return
  }

  // The address of the arrival depends on all that has been read: four words of
  // pairs, then eight of f32.
  // CHECK-LABEL: gpu.func @releases
  // CHECK: ldmatrix
  // CHECK-COUNT-3: arith.ori
  // CHECK: llvm.bitcast %{{.*}} : f32 to i32
  // CHECK-COUNT-8: arith.ori
  // CHECK-NOT: arith.ori
  // CHECK: %[[UNKNOWN:.*]] = llvm.call_intrinsic "llvm.nvvm.read.ptx.sreg.ctaid.z"
  // CHECK: %[[ZERO:.*]] = arith.andi %{{.*}}, %[[UNKNOWN]]
  // CHECK: %[[WORD:.*]] = llvm.getelementptr %{{.*}}[%[[ZERO]]]
  // CHECK: mbarrier.arrive.shared::cta.b64 {{.*}} %[[WORD]],
  gpu.func @releases(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : index
    %x = tile.alloc : !tile.buffer<64x16xbf16>
    %q = tile.pipeline full 4 empty 4 : !tiles
    tile.roles {
      tile.role "read" warps 4 registers 128 {
      ^bb0(%w: index):
        %slot = tile.wait %q iteration %c0 : !tiles
        %v = tile.load_shared %x : !tile.buffer<64x16xbf16> -> tensor<64x16xbf16, #acc>
        %f = arith.extf %v : tensor<64x16xbf16, #acc> to tensor<64x16xf32, #acc>
        tile.release %q[%slot] after %v, %f : !tiles, tensor<64x16xbf16, #acc>, tensor<64x16xf32, #acc>
      }
      tile.role "write" warps 4 registers 128 {
      ^bb0(%w: index):
        %slot = tile.acquire %q iteration %c0 : !tiles
        tile.commit %q[%slot] : !tiles
      }
    }
    gpu.return
  }

  // Opened by two instances of each block. The first of all in n blocks adds what
  // the others leave of 65536: 65537 − 2n.
  // CHECK-LABEL: gpu.func @flags
  // CHECK-SAME: tile.shared_bytes = 8 : i64
  // CHECK: %[[WORD:.*]] = llvm.mlir.addressof @tile_shared
  // CHECK: %[[BLOCKS:.*]] = arith.index_cast %grid_dim_x
  // CHECK: %[[BLOCK:.*]] = arith.index_cast %block_id_x
  // CHECK: %[[ALL:.*]] = arith.muli %[[BLOCKS]], %c2_i64
  // CHECK: %[[BEFORE:.*]] = arith.muli %[[BLOCK]], %c2_i64
  // CHECK: %[[ONE:.*]] = arith.addi %[[BEFORE]], %{{.*}}
  // CHECK: %[[REST:.*]] = arith.subi %c65537_i64, %[[ALL]]
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[ONE]], %c0_i64
  // CHECK: %[[SHARE:.*]] = arith.select %[[FIRST]], %[[REST]], %c1_i64
  // CHECK: llvm.inline_asm {{.*}}"{{.*}}@$3 atom.relaxed.gpu.global.add.u64 number, [$0], $1;{{.*}}shr.u64 number, number, 16;{{.*}}add.u64 number, number, 1;{{.*}}@$3 st.shared.b64 [$2], number;{{.*}}", "l,l,r,b,~{memory}" %arg0, %[[SHARE]], %[[WORD]], %{{.*}} :
  // CHECK: "llvm.nvvm.bar.warp.sync"
  // The flags stand behind the counter.
  // CHECK: %[[INDEX:.*]] = arith.index_cast %{{.*}} : index to i64
  // CHECK: %[[BYTES:.*]] = arith.muli %[[INDEX]], %c8_i64
  // CHECK: %[[WHERE:.*]] = llvm.getelementptr %arg0[%[[BYTES]]]
  // CHECK: %[[FLAG:.*]] = llvm.getelementptr %[[WHERE]][8]
  // CHECK: scf.if
  // CHECK: %[[SET:.*]] = llvm.load %[[WORD]]
  // CHECK: scf.while
  // CHECK: %[[SEEN:.*]] = llvm.load %[[FLAG]] atomic syncscope("device") acquire {alignment = 8 : i64}
  // CHECK: %[[NOT_YET:.*]] = arith.cmpi ne, %[[SEEN]], %[[SET]]
  // CHECK: scf.condition(%[[NOT_YET]])
  // CHECK: "llvm.nvvm.nanosleep"
  // CHECK: "llvm.nvvm.barrier.cta.sync.aligned.count"
  // CHECK: "llvm.nvvm.barrier.cta.sync.aligned.count"
  // CHECK: scf.if
  // CHECK: llvm.fence syncscope("device") acq_rel
  // CHECK: %[[NOW:.*]] = llvm.load %[[WORD]]
  // CHECK: llvm.store %[[NOW]], %[[FLAG]] atomic syncscope("device") release {alignment = 8 : i64}
  gpu.func @flags(%area: !llvm.ptr<1>, %i: index) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    tile.roles {
      tile.role "pass" warps 4 instances 2 registers 128 {
      ^bb0(%w: index):
        %flags = tile.flags %area : !llvm.ptr<1>
        tile.await %flags[%i]
        tile.signal %flags[%i]
      }
    }
    gpu.return
  }

  // Outside of roles each block opens them once. Lane i of the first warp looks
  // at flags first + i · stride, first + (i + 32) · stride, …
  // CHECK-LABEL: gpu.func @many_flags
  // CHECK: %[[ALL:.*]] = arith.index_cast %grid_dim_x
  // CHECK: arith.subi %c65537_i64, %[[ALL]]
  // CHECK: %[[WARP:.*]] = arith.shrui %{{.*}}, %c5_i32
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[WARP]], %c0_i32
  // CHECK: scf.if %[[FIRST]] {
  // CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %c32_i64
  // CHECK: %[[OFFSET:.*]] = arith.muli %[[I]], %{{.*}} : i64
  // CHECK: arith.addi %[[OFFSET]], %{{.*}} : i64
  // CHECK: scf.while
  // CHECK: gpu.barrier
  gpu.func @many_flags(%area: !llvm.ptr<1>, %i: index, %n: index, %s: index)
      kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %flags = tile.flags %area : !llvm.ptr<1>
    tile.await %flags[%i] count %n stride %s
    gpu.return
  }

  // 16 bytes a thread, 2048 bytes of the 128 threads apart.
  // CHECK-LABEL: gpu.func @packed
  // CHECK: %[[FROM:.*]] = llvm.getelementptr %{{.*}}[%{{.*}}] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
  // CHECK: llvm.load %[[FROM]] {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
  // CHECK: %[[NEXT:.*]] = llvm.getelementptr %[[FROM]][2048]
  // CHECK: llvm.load %[[NEXT]] {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
  // CHECK: llvm.store %{{.*}}, %[[TO:.*]] {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
  // CHECK: llvm.getelementptr %[[TO]][2048]
  gpu.func @packed(%p: !llvm.ptr<1>, %i: index, %j: index)
      kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    tile.roles {
      tile.role "pass" warps 4 registers 128 {
      ^bb0(%w: index):
        %v = tile.load_packed %p[%i] : !llvm.ptr<1> -> tensor<64x16xf32, #acc>
        tile.store_packed %v -> %p[%j] : tensor<64x16xf32, #acc>, !llvm.ptr<1>
      }
    }
    gpu.return
  }
}
