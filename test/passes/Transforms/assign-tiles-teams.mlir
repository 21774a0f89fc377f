// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -ssd-to-tiles="target=sm_80 weights=values chunk=64 segment=4" | FileCheck %s
// RUN: mamba-opt %s -ssd-to-tiles="target=sm_80 weights=values chunk=64" | FileCheck %s --check-prefix=ALL
// RUN: mamba-opt %s -ssd-to-tiles="target=sm_80 weights=values chunk=64 stages=1 segment=4" | FileCheck %s --check-prefix=ONE
// RUN: mamba-opt %s -ssd-to-tiles="target=sm_80 weights=values chunk=32 warps=2 segment=8" | FileCheck %s --check-prefix=SMALL

// Four heads share C and B: a thread block computes C Bᵀ once, with all of its eight
// warps, and each two of them carry one head's state, cut over the channels.

// ALL: ssd.alternatives = [@kernels::@mixer_0_segments4], ssd.kernel = @kernels::@mixer_0
// ALL-LABEL: gpu.func @mixer_0(
// ALL-SAME: tile.cost = array<i64:
// ALL-SAME: tile.segment_chunks = 0
// ALL-LABEL: gpu.func @mixer_0_segments4(
// ALL-SAME: tile.segment_chunks = 4
// CHECK: ssd.kernel = @kernels::@mixer_0
// CHECK-LABEL: gpu.func @mixer_0(
// CHECK-SAME: known_block_size = array<i32: 256, 1, 1>
// CHECK-SAME: tile.chunk = 64
// CHECK-SAME: tile.gang = 2
// CHECK-SAME: tile.segment_chunks = 4
// CHECK-SAME: tile.sets = 1
// CHECK-SAME: tile.workspaces = [tensor<?x4x64x64xf32>, tensor<?x4xf32>, tensor<?x2xi64>]
// C and B stand in shared memory once, x and the masks once a team.
// CHECK-DAG: tile.alloc : !tile.buffer<64x64xbf16, stages = 2>
// CHECK-DAG: %[[X:.*]] = tile.alloc : !tile.buffer<64x64xbf16, stages = 8>
// CHECK-DAG: %[[MASKS:.*]] = tile.alloc : !tile.buffer<64x64xbf16, stages = 4>
// CHECK: %[[WARP:.*]] = gpu.subgroup_id : index
// CHECK: %[[NUMBER:.*]] = arith.index_cast %[[WARP]] : index to i32
// CHECK: %[[TEAM:.*]] = arith.divui %[[NUMBER]], %{{.*}} : i32
// CHECK: scf.for

// The first pass of a split sequence needs neither C nor masks.
// CHECK: scf.if
// CHECK: tile.copy_async {{.*}} : !llvm.ptr<1>, !tile.buffer<64x64xbf16>
// CHECK-NEXT: arith
// CHECK: tile.copy_async {{.*}} team 2 : !llvm.ptr<1>, !tile.buffer<64x64xbf16>
// CHECK: tile.copy_vector {{.*}} team 2 : !llvm.ptr<1>, !tile.buffer<64xf32>
// CHECK-NOT: tile.segment_decay
// CHECK: tile.mma {{.*}} -> tensor<64x64xf32, #[[$STATE:.*]]>
// CHECK: tile.store_packed %{{.*}} : tensor<64x64xf32, #[[$STATE]]>
// CHECK: tile.signal

// The initial state: from segments before.
// CHECK: tile.await {{.*}} count
// CHECK: scf.for
// CHECK: tile.load_packed
// CHECK-NOT: tile.await

// A chunk: its operands are there, those of the next are on their way.
// CHECK: scf.for {{.*}} iter_args(%[[S:.*]] = %{{.*}}) -> (tensor<64x64xf32, #[[$STATE]]>)
// CHECK: tile.wait_copies pending 0
// CHECK-NEXT: tile.barrier
// CHECK: tile.copy_async
// CHECK: tile.commit_copies
// C Bᵀ once, then a mask for each team.
// CHECK: %[[G:.*]] = tile.mma %[[C:.*]], %{{.*}} transposed, %{{.*}} result lower
// CHECK-COUNT-4: tile.segment_decay {{.*}} scores %[[G]]
// CHECK-NOT: tile.segment_decay
// The state is a right operand where it is.
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[S]]
// CHECK: %[[RIGHT:.*]] = tile.convert_layout %[[ROUNDED]] transposed
// CHECK: %[[READ:.*]] = tile.mma %[[C]], %[[RIGHT]], %{{.*}} -> tensor<64x64xf32, #[[$OUT:.*]]>
// CHECK: %[[BEGIN:.*]] = arith.mulf %{{.*}}, %[[READ]]
// Vectors of the next chunk, then everybody has made its part of the masks.
// CHECK: tile.cumsum
// CHECK: tile.store_shared
// CHECK: tile.barrier
// CHECK-NOT: tile.barrier
// CHECK: tile.mma %{{.*}}, %{{.*}}, %[[BEGIN]] a lower
// CHECK: tile.store_global {{.*}} : tensor<64x64xbf16, #[[$OUT]]>
// CHECK: tile.load_shared %{{.*}} transposed
// CHECK: tile.mma %{{.*}} : tensor<64x64xbf16, #{{.*}}>, !tile.buffer<64x64xbf16> -> tensor<64x64xf32, #[[$STATE]]>
// CHECK: scf.yield

// With one stage nothing is copied ahead: a barrier more.
// ONE-LABEL: gpu.func @mixer_0(
// ONE: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (tensor<64x64xf32, #[[$STATE:.*]]>, f32)
// ONE: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (tensor<64x64xf32, #[[$STATE]]>)
// ONE: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (tensor<64x64xf32, #[[$STATE]]>)
// ONE-NEXT: arith
// ONE: tile.barrier
// ONE: tile.copy_async
// ONE: tile.wait_copies pending 0
// ONE-NEXT: tile.barrier
// ONE: tile.segment_decay

// One team of two warps: a gang of eight thread blocks reads the same C and B.
// SMALL-LABEL: gpu.func @mixer_0(
// SMALL-SAME: known_block_size = array<i32: 64, 1, 1>
// SMALL-SAME: tile.chunk = 32
// SMALL-SAME: tile.gang = 8
// SMALL-NOT: gpu.subgroup_id
// SMALL: tile.copy_async {{.*}} : !llvm.ptr<1>, !tile.buffer<32x64xbf16>
// SMALL-COUNT-1: tile.segment_decay
// SMALL-NOT: tile.segment_decay
func.func @mixer(%x: tensor<?x?x8x64xbf16>, %a: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %b: tensor<?x?x1x64xbf16>, %c: tensor<?x?x1x64xbf16>, %s0: tensor<?x8x64x64xf32>)
    -> (tensor<?x?x8x64xbf16>, tensor<?x8x64x64xf32>) {
  %L = ssd.decay %a : tensor<?x?x8xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x1x64xbf16>, tensor<?x?x1x64xbf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x8x?, causal>, !ssd.matrix<?x1x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x8x?, causal>, tensor<?x?x8xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x8x?, causal>, tensor<?x?x8x64xbf16>, tensor<?x8x64x64xf32>
      -> tensor<?x?x8x64xbf16>, tensor<?x8x64x64xf32>
  return %y, %s : tensor<?x?x8x64xbf16>, tensor<?x8x64x64xf32>
}
