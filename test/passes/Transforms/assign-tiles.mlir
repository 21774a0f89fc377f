// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -ssd-assign-tiles -canonicalize -cse | FileCheck %s

// One chunk program, one kernel: the pipeline, the state in registers over the
// loop, its copy through shared memory, and four products.

// CHECK-LABEL: func.func @state_space(
// CHECK: ssd.chunk_scan
// CHECK: ssd.kernel = @kernels::@state_space_0
func.func @state_space(%a: tensor<?x?x4xf32>, %c: tensor<?x?x2x24xbf16>, %b: tensor<?x?x2x24xbf16>, %x: tensor<?x?x4x40xbf16>, %s0: tensor<?x4x40x24xf32>) -> (tensor<?x?x4x40xbf16>, tensor<?x4x40x24xf32>) {
  %y, %s = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, warps = 4, stages = 2>
      ins(%a as [batch, time, head] : tensor<?x?x4xf32>, %c as [batch, time, head, state] : tensor<?x?x2x24xbf16>,
          %b as [batch, time, head, state] : tensor<?x?x2x24xbf16>, %x as [batch, time, head, channel] : tensor<?x?x4x40xbf16>)
      inits(%s0 : tensor<?x4x40x24xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x40xbf16>)
      finals(tensor<?x4x40x24xf32>) {
  ^bb0(%at: tensor<64xf32>, %ct: tensor<64x24xbf16>, %bt: tensor<64x24xbf16>, %xt: tensor<64x40xbf16>, %st: tensor<40x24xf32>):
    %prefix = ssd.cumsum %at : tensor<64xf32>
    %suffix = ssd.cumsum %at exclusive reverse : tensor<64xf32>
    %total = ssd.reduce_sum %at : tensor<64xf32> -> tensor<f32>
    %e = math.exp %prefix : tensor<64xf32>
    %w = math.exp %suffix : tensor<64xf32>
    %d = math.exp %total : tensor<f32>
    %L = ssd.segment_decay %at sub_block 16 : (tensor<64xf32>) -> tensor<64x64xf32>
    %G = ssd.dot %ct, %bt contract [1, 1] : tensor<64x24xbf16>, tensor<64x24xbf16> -> tensor<64x64xf32>
    %M = arith.mulf %L, %G : tensor<64x64xf32>
    %Mb = arith.truncf %M : tensor<64x64xf32> to tensor<64x64xbf16>
    %sb = arith.truncf %st : tensor<40x24xf32> to tensor<40x24xbf16>
    %r = ssd.dot %ct, %sb contract [1, 1] : tensor<64x24xbf16>, tensor<40x24xbf16> -> tensor<64x40xf32>
    %ew = ssd.broadcast %e dims [1] : tensor<64xf32> -> tensor<64x40xf32>
    %re = arith.mulf %ew, %r : tensor<64x40xf32>
    %yt = ssd.dot %Mb, %xt contract [1, 0] init %re : tensor<64x64xbf16>, tensor<64x40xbf16>, tensor<64x40xf32> -> tensor<64x40xf32>
    %yb = arith.truncf %yt : tensor<64x40xf32> to tensor<64x40xbf16>
    %bf = arith.extf %bt : tensor<64x24xbf16> to tensor<64x24xf32>
    %ww = ssd.broadcast %w dims [1] : tensor<64xf32> -> tensor<64x24xf32>
    %bw = arith.mulf %bf, %ww : tensor<64x24xf32>
    %bb = arith.truncf %bw : tensor<64x24xf32> to tensor<64x24xbf16>
    %dw = ssd.broadcast %d dims [0, 1] : tensor<f32> -> tensor<40x24xf32>
    %sd = arith.mulf %dw, %st : tensor<40x24xf32>
    %sn = ssd.dot %xt, %bb contract [0, 0] init %sd : tensor<64x40xbf16>, tensor<64x24xbf16>, tensor<40x24xf32> -> tensor<40x24xf32>
    ssd.yield %yb, %sn : tensor<64x40xbf16>, tensor<40x24xf32>
  }
  return %y, %s : tensor<?x?x4x40xbf16>, tensor<?x4x40x24xf32>
}

// P = 40 and N = 24 are padded to whole fragments: 48×32 for a 1×4 warp grid.
// CHECK-LABEL: gpu.func @state_space_0(
// CHECK-SAME: kernel attributes {known_block_size = array<i32: 128, 1, 1>, nvvm.minctasm = 1 : i32, tile.slices = 1 : i64}
// CHECK-DAG: %[[C:.*]] = tile.alloc : !tile.buffer<64x32xbf16, stages = 2>
// CHECK-DAG: %[[X:.*]] = tile.alloc : !tile.buffer<64x48xbf16, stages = 2>
// CHECK-DAG: %[[STATE:.*]] = tile.alloc : !tile.buffer<48x32xbf16>
// CHECK-COUNT-3: tile.copy_async
// CHECK: tile.commit_copies
// CHECK: %[[S0:.*]] = tile.load_global %{{.*}} -> tensor<48x32xf32, #[[$STATE:.*]]>
// CHECK: scf.for {{.*}} iter_args(%[[S:.*]] = %[[S0]], %{{.*}} = %{{.*}}) -> (tensor<48x32xf32, #[[$STATE]]>, tensor<64xf32, #tile.lane>)
// CHECK: tile.wait_copies pending 0
// CHECK-NEXT: tile.barrier
// CHECK-COUNT-3: tile.copy_async
// CHECK: tile.commit_copies
// CHECK: tile.load_global {{.*}} -> tensor<64xf32, #tile.lane>
// The copy of the state that C sᵀ reads.
// CHECK: %[[SB:.*]] = arith.truncf %[[S]]
// CHECK: tile.store_shared %[[SB]], %[[STATE]]
// CHECK: tile.segment_decay
// CHECK: tile.mma {{.*}} transposed, {{.*}} result lower
// CHECK: tile.convert_layout {{.*}} -> tensor<64x64xbf16, #[[$A:operand_a.*]]>
// CHECK: tile.barrier
// CHECK: tile.mma {{.*}}, %[[STATE]] transposed
// CHECK: tile.mma {{.*}} a lower : tensor<64x64xbf16, #[[$A]]>
// CHECK: tile.copy_out
// The weights are on the keys, in the layout of a right operand.
// CHECK: tile.load_shared {{.*}} -> tensor<64x32xbf16, #operand_b>
// CHECK: %[[NEXT:.*]] = tile.mma {{.*}} transposed, %{{.*}}, %{{.*}} -> tensor<48x32xf32, #[[$STATE]]>
// CHECK: scf.yield %[[NEXT]]
// CHECK: tile.store_global
