// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s | FileCheck %s
// RUN: mamba-opt %s | mamba-opt | FileCheck %s
// RUN: mamba-opt %s --mlir-print-op-generic | mamba-opt | FileCheck %s

#acc = #tile.accumulator<warps = [4, 1]>
#split = #tile.accumulator<warps = [1, 4]>
#a = #tile.operand_a<warps = [4, 1]>
#rows = #tile.slice<axis = 0, of = #acc>
// CHECK-DAG: #[[$ACC:.*]] = #tile.accumulator<warps = [4, 1]>
// CHECK-DAG: #[[$SPLIT:.*]] = #tile.accumulator<warps = [1, 4]>
// CHECK-DAG: #[[$A:.*]] = #tile.operand_a<warps = [4, 1]>
// CHECK-DAG: #[[$ROWS:.*]] = #tile.slice<axis = 0, of = #[[$ACC]]>

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @memory
  gpu.func @memory(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>, %ld: index,
                   %rows: index, %columns: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    // CHECK: %[[XS:.*]] = tile.alloc : !tile.buffer<64x64xbf16, stages = 2>
    %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 2>
    // CHECK: %[[X:.*]] = tile.stage %[[XS]][%{{.*}}] : !tile.buffer<64x64xbf16, stages = 2>
    %x0 = tile.stage %xs[%c1] : !tile.buffer<64x64xbf16, stages = 2>
    // CHECK: tile.copy_async %{{.*}}[%{{.*}}] stride %{{.*}} bounds[%{{.*}}, %{{.*}}] -> %[[X]] : !llvm.ptr<1>, !tile.buffer<64x64xbf16>
    tile.copy_async %x[%c0] stride %ld bounds [%rows, %columns] -> %x0
        : !llvm.ptr<1>, !tile.buffer<64x64xbf16>
    // CHECK: tile.commit_copies
    tile.commit_copies
    // CHECK: tile.wait_copies pending 0
    tile.wait_copies pending 0
    // CHECK: tile.barrier
    tile.barrier
    // CHECK: tile.load_shared %[[X]] : !tile.buffer<64x64xbf16> -> tensor<64x64xbf16, #[[$A]]>
    %0 = tile.load_shared %x0
        : !tile.buffer<64x64xbf16> -> tensor<64x64xbf16, #a>
    // CHECK: tile.load_shared %[[X]] transposed : !tile.buffer<64x64xbf16> -> tensor<64x64xbf16, #[[$A]]>
    %1 = tile.load_shared %x0 transposed
        : !tile.buffer<64x64xbf16> -> tensor<64x64xbf16, #a>
    // CHECK: tile.store_shared %{{.*}}, %[[X]] : tensor<64x64xbf16, #[[$A]]>, !tile.buffer<64x64xbf16>
    tile.store_shared %1, %x0
        : tensor<64x64xbf16, #a>, !tile.buffer<64x64xbf16>
    // CHECK: tile.warp_barrier
    tile.warp_barrier
    // CHECK: tile.copy_out %[[X]] -> %{{.*}}[%{{.*}}] stride %{{.*}} bounds[%{{.*}}, %{{.*}}] : !tile.buffer<64x64xbf16>, !llvm.ptr<1>
    tile.copy_out %x0 -> %y[%c0] stride %ld bounds [%rows, %columns]
        : !tile.buffer<64x64xbf16>, !llvm.ptr<1>
    // CHECK: tile.copy_async {{.*}} -> %[[X]] team 2 : !llvm.ptr<1>, !tile.buffer<64x64xbf16>
    tile.copy_async %x[%c0] stride %ld bounds [%rows, %columns] -> %x0 team 2
        : !llvm.ptr<1>, !tile.buffer<64x64xbf16>
    // CHECK: tile.load_global %{{.*}}[%{{.*}}] strides[%{{.*}}] bounds[%{{.*}}] : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    %2 = tile.load_global %x[%c0] strides [%ld] bounds [%rows]
        : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    %3 = tile.load_global %x[%c0] strides [%ld, %c1] bounds [%rows, %columns]
        : !llvm.ptr<1> -> tensor<64x64xf32, #split>
    // CHECK: tile.store_global %{{.*}} -> %{{.*}}[%{{.*}}] strides[%{{.*}}, %{{.*}}] bounds[%{{.*}}, %{{.*}}] : tensor<64x64xf32, #[[$SPLIT]]>, !llvm.ptr<1>
    tile.store_global %3 -> %y[%c0] strides [%ld, %c1] bounds [%rows, %columns]
        : tensor<64x64xf32, #split>, !llvm.ptr<1>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @registers
  gpu.func @registers(%s: f32, %c: tensor<64x128xbf16, #a>,
                      %b: !tile.buffer<64x128xbf16>,
                      %m: tensor<64x64xbf16, #acc>,
                      %alpha: tensor<64xf32, #tile.lane>) {
    // CHECK: tile.splat %{{.*}} : f32 -> tensor<64x64xf32, #[[$ACC]]>
    %zero = tile.splat %s : f32 -> tensor<64x64xf32, #acc>
    // CHECK: tile.mma %{{.*}}, %{{.*}} transposed, %{{.*}} result lower : tensor<64x128xbf16, #[[$A]]>, !tile.buffer<64x128xbf16> -> tensor<64x64xf32, #[[$ACC]]>
    %g = tile.mma %c, %b transposed, %zero result lower
        : tensor<64x128xbf16, #a>, !tile.buffer<64x128xbf16>
          -> tensor<64x64xf32, #acc>
    // CHECK: tile.convert_layout %{{.*}} : tensor<64x64xbf16, #[[$ACC]]> -> tensor<64x64xbf16, #[[$A]]>
    %ma = tile.convert_layout %m
        : tensor<64x64xbf16, #acc> -> tensor<64x64xbf16, #a>
    // CHECK: tile.convert_layout %{{.*}} transposed : tensor<64x64xbf16, #[[$ACC]]> -> tensor<64x64xbf16, #{{.*}}>
    %mt = tile.convert_layout %m transposed : tensor<64x64xbf16, #acc>
        -> tensor<64x64xbf16, #tile.operand_b<warps = [1, 4]>>
    // CHECK: tile.cumsum %{{.*}} exclusive reverse : tensor<64xf32, #tile.lane>
    %cum = tile.cumsum %alpha exclusive reverse : tensor<64xf32, #tile.lane>
    // CHECK: tile.reduce_sum %{{.*}} : tensor<64xf32, #tile.lane>
    %total = tile.reduce_sum %alpha : tensor<64xf32, #tile.lane>
    %wide = tile.splat %s : f32 -> tensor<64x128xf32, #tile.coalesced<warps = [4, 1]>>
    // CHECK: tile.reduce %{{.*}} axis 1 : tensor<64x128xf32, #coalesced> -> tensor<64xf32, #[[$SUMS:.*]]>
    %sums_of_rows = tile.reduce %wide axis 1
        : tensor<64x128xf32, #tile.coalesced<warps = [4, 1]>>
          -> tensor<64xf32, #tile.slice<axis = 0, of = #tile.coalesced<warps = [4, 1]>>>
    // CHECK: tile.extract %{{.*}}[63] : tensor<64xf32, #tile.lane>
    %last = tile.extract %alpha[63] : tensor<64xf32, #tile.lane>
    // CHECK: %[[E:.*]] = tile.convert_layout %{{.*}} : tensor<64xf32, #tile.lane> -> tensor<64xf32, #[[$ROWS]]>
    %e = tile.convert_layout %cum
        : tensor<64xf32, #tile.lane> -> tensor<64xf32, #rows>
    // CHECK: tile.broadcast %[[E]] : tensor<64xf32, #[[$ROWS]]> -> tensor<64x128xf32, #[[$ACC]]>
    %e2 = tile.broadcast %e
        : tensor<64xf32, #rows> -> tensor<64x128xf32, #acc>
    // CHECK: tile.iota axis 1 : tensor<64x64xi32, #[[$ACC]]>
    %i = tile.iota axis 1 : tensor<64x64xi32, #acc>
    // CHECK: tile.segment_decay %{{.*}} : (tensor<64xf32, #tile.lane>) -> tensor<64x64xf32, #[[$ACC]]>
    %l = tile.segment_decay %cum
        : (tensor<64xf32, #tile.lane>) -> tensor<64x64xf32, #acc>
    // CHECK: tile.segment_decay %{{.*}} scale %{{.*}} scores %{{.*}} : (tensor<64xf32, #tile.lane>, tensor<64xf32, #tile.lane>, tensor<64x64xf32, #[[$ACC]]>) -> tensor<64x64xf32, #[[$ACC]]>
    %scored = tile.segment_decay %cum scale %cum scores %l
        : (tensor<64xf32, #tile.lane>, tensor<64xf32, #tile.lane>, tensor<64x64xf32, #acc>)
        -> tensor<64x64xf32, #acc>
    %sums = tile.alloc : !tile.buffer<64xf32>
    // CHECK: tile.segment_decay %{{.*}} : (!tile.buffer<64xf32>) -> tensor<64x64xf32, #[[$ACC]]>
    %shared = tile.segment_decay %sums : (!tile.buffer<64xf32>) -> tensor<64x64xf32, #acc>
    // CHECK: tile.segment_decay %[[S:.*]] factors %[[S]], %[[S]], %[[S]] scores %{{.*}} : (!tile.buffer<64xf32>, !tile.buffer<64xf32>, !tile.buffer<64xf32>, !tile.buffer<64xf32>, tensor<64x64xf32, #[[$ACC]]>) -> tensor<64x64xf32, #[[$ACC]]>
    %table = tile.segment_decay %sums factors %sums, %sums, %sums scores %l
        : (!tile.buffer<64xf32>, !tile.buffer<64xf32>, !tile.buffer<64xf32>, !tile.buffer<64xf32>, tensor<64x64xf32, #acc>)
        -> tensor<64x64xf32, #acc>
    // CHECK: tile.segment_decay strict transposed : () -> tensor<64x64xf32, #[[$ACC]]>
    %t = tile.segment_decay strict transposed : () -> tensor<64x64xf32, #acc>
    gpu.return
  }
}
