// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -convert-tile-to-nvvm=target=sm_90a -canonicalize -cse | FileCheck %s

#acc = #tile.accumulator<warps = [4, 1]>

gpu.module @kernels {
  // One branch a warpgroup, which sets the registers of its warps together, and
  // inside one a role. 384 threads start with 168 registers.
  // CHECK-LABEL: gpu.func @branches
  // CHECK-SAME: nvvm.minctasm = 1 : i32
  // CHECK: gpu.barrier
  // CHECK: %[[WARP:.*]] = arith.shrui %{{.*}}, %c5_i32
  // CHECK: %[[FIRST:.*]] = arith.cmpi ult, %[[WARP]], %c4_i32
  // CHECK: scf.if %[[FIRST]] {
  // CHECK: "llvm.nvvm.setmaxnreg.dec.sync.aligned.u32"(%{{.*}}) : (i32) -> ()
  // CHECK-NOT: setmaxnreg
  // CHECK: arith.cmpi ult, %[[WARP]], %c1_i32
  // CHECK: llvm.store %c0_i64
  // CHECK: } else {
  // CHECK: %[[AFTER:.*]] = arith.addi %[[WARP]], %c-1_i32
  // CHECK: %[[HELPER:.*]] = arith.index_castui %[[AFTER]] : i32 to index
  // CHECK: %[[HELPER_I64:.*]] = arith.index_cast %[[HELPER]] : index to i64
  // CHECK: llvm.store %[[HELPER_I64]]
  // CHECK: } else {
  // CHECK: "llvm.nvvm.setmaxnreg.inc.sync.aligned.u32"
  // CHECK: %[[REST:.*]] = arith.addi %[[WARP]], %c-4_i32
  // CHECK: %[[INSTANCE:.*]] = arith.shrui %[[REST]], %c2_i32
  // CHECK: arith.index_castui %[[INSTANCE]] : i32 to index
  // CHECK-NOT: gpu.barrier
  // CHECK: gpu.return
  gpu.func @branches(%p: !llvm.ptr) kernel
      attributes {known_block_size = array<i32: 384, 1, 1>} {
    tile.roles {
      tile.role "load" warps 1 registers 40 {
      ^bb0(%w: index):
        %i = arith.index_cast %w : index to i64
        llvm.store %i, %p : i64, !llvm.ptr
      }
      tile.role "help" warps 1 instances 3 registers 40 {
      ^bb0(%w: index):
        %i = arith.index_cast %w : index to i64
        llvm.store %i, %p : i64, !llvm.ptr
      }
      tile.role "consume" warps 4 instances 2 registers 184 {
      ^bb0(%w: index):
        %i = arith.index_cast %w : index to i64
        llvm.store %i, %p : i64, !llvm.ptr
      }
    }
    gpu.return
  }

  // Two warps are no warpgroup and keep their registers. The rest of the kernel
  // waits for all.
  // CHECK-LABEL: gpu.func @few
  // CHECK-NOT: setmaxnreg
  // CHECK: scf.if
  // CHECK: gpu.barrier
  // CHECK: llvm.store
  // CHECK: gpu.return
  gpu.func @few(%p: !llvm.ptr, %i: i64) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    tile.roles {
      tile.role "a" warps 1 registers 40 {
      ^bb0(%w: index):
        tile.barrier
      }
      tile.role "b" warps 1 registers 40 {
      ^bb0(%w: index):
      }
    }
    llvm.store %i, %p : i64, !llvm.ptr
    gpu.return
  }

  // A hardware barrier for each instance, none for a role of one warp.
  // CHECK-LABEL: gpu.func @barriers
  // CHECK: llvm.call_intrinsic "llvm.nvvm.bar.warp.sync"
  // CHECK: "llvm.nvvm.barrier.cta.sync.aligned.count"(%c1_i32, %c128_i32)
  // CHECK: %[[RELATIVE:.*]] = arith.addi %{{.*}}, %c-256_i32
  // CHECK: %[[INSTANCE:.*]] = arith.shrui %[[RELATIVE]], %c7_i32
  // CHECK: %[[ID:.*]] = arith.addi %[[INSTANCE]], %c2_i32
  // CHECK: "llvm.nvvm.barrier.cta.sync.aligned.count"(%[[ID]], %c128_i32)
  gpu.func @barriers() kernel
      attributes {known_block_size = array<i32: 512, 1, 1>} {
    tile.roles {
      tile.role "load" warps 1 instances 4 registers 40 {
      ^bb0(%w: index):
        tile.barrier
      }
      tile.role "mask" warps 4 registers 96 {
      ^bb0(%w: index):
        tile.barrier
      }
      tile.role "consume" warps 4 instances 2 registers 184 {
      ^bb0(%w: index):
        tile.barrier
      }
    }
    gpu.return
  }

  // Threads count from the first of the instance. A constant may come from
  // outside; lanes are the hardware's.
  // CHECK-LABEL: gpu.func @layouts
  // CHECK: %[[RELATIVE:.*]] = arith.addi %[[TID:.*]], %c-128_i32
  // CHECK: %[[THREAD:.*]] = arith.andi %[[RELATIVE]], %c127_i32
  // CHECK: %[[WARP:.*]] = arith.shrui %[[THREAD]], %c5_i32
  // CHECK: arith.muli %[[WARP]], %c16_i32
  gpu.func @layouts(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 384, 1, 1>} {
    %zero = arith.constant dense<0.0> : tensor<64x8xf32, #acc>
    tile.roles {
      tile.role "idle" warps 4 registers 40 {
      ^bb0(%w: index):
      }
      tile.role "store" warps 4 instances 2 registers 184 {
      ^bb0(%w: index):
        tile.store_global %zero -> %p[%w] strides [%n, %n] bounds [%n, %n]
            : tensor<64x8xf32, #acc>, !llvm.ptr<1>
      }
    }
    gpu.return
  }

  // Scratch of 128 bytes for each instance, behind a buffer of 1,152 bytes.
  // CHECK-LABEL: gpu.func @range_scale
  // CHECK-SAME: tile.shared_bytes = 1408 : i64
  // CHECK: %[[INSTANCE:.*]] = arith.shrui %{{.*}}, %c7_i32
  // CHECK: arith.muli %[[INSTANCE]], %c128_i32
  // CHECK: "llvm.nvvm.barrier.cta.sync.aligned.count"
  // CHECK: llvm.store
  // CHECK: "llvm.nvvm.barrier.cta.sync.aligned.count"
  // CHECK-COUNT-4: llvm.load
  // CHECK-NOT: llvm.load
  // CHECK: gpu.return
  gpu.func @range_scale(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %b = tile.alloc : !tile.buffer<72x8xbf16>
    tile.roles {
      tile.role "scale" warps 4 instances 2 registers 128 {
      ^bb0(%w: index):
        %v = arith.constant dense<1.0> : tensor<64x8xf32, #acc>
        %s = tile.range_scale %v : tensor<64x8xf32, #acc>
        %i = llvm.bitcast %s : f32 to i32
        llvm.store %i, %p : i32, !llvm.ptr<1>
      }
    }
    gpu.return
  }

  // Panels stand at multiples of 1,024 bytes.
  // CHECK-LABEL: gpu.func @alignment
  // CHECK-SAME: tile.shared_bytes = 17408 : i64
  // CHECK: llvm.getelementptr %{{.*}}[1024]
  gpu.func @alignment(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %b = tile.alloc : !tile.buffer<16x8xbf16>
    %x = tile.alloc : !tile.buffer<64x128xbf16, panels>
    tile.copy_out %x -> %p[%n] stride %n bounds [%n, %n]
        : !tile.buffer<64x128xbf16, panels>, !llvm.ptr<1>
    gpu.return
  }
}
