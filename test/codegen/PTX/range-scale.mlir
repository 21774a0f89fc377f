// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s --print-ptx=target=sm_80 -o /dev/null | FileCheck %s

// The largest magnitude of the block, through one word of shared memory a warp.

// CHECK-LABEL: .entry largest(
// CHECK: redux.sync.max.u32
// CHECK: bar.sync
// CHECK: st.shared
// CHECK: bar.sync
// CHECK-COUNT-4: ld.shared
// CHECK: max.s32 {{.*}}, 141
// CHECK: shl.b32 {{.*}}, 23
// CHECK: largest: 128 threads, 128 bytes of shared memory
gpu.module @kernels {
  gpu.func @largest(%s0: !llvm.ptr<1>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %s = tile.load_global %s0[%c0] strides [%n, %c1] bounds [%n, %n] : !llvm.ptr<1> -> tensor<16x64xf32, #tile.accumulator<warps = [1, 4]>>
    %r = tile.range_scale %s : tensor<16x64xf32, #tile.accumulator<warps = [1, 4]>>
    %w = tile.splat %r : f32 -> tensor<16x64xf32, #tile.accumulator<warps = [1, 4]>>
    tile.store_global %w -> %s0[%c0] strides [%n, %c1] bounds [%n, %n] : tensor<16x64xf32, #tile.accumulator<warps = [1, 4]>>, !llvm.ptr<1>
    gpu.return
  }
}
