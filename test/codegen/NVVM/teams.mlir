// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -convert-tile-to-nvvm -canonicalize -cse | FileCheck %s

#state = #tile.accumulator<warps = [2, 1]>
#right = #tile.operand_b<warps = [1, 2]>
#out = #tile.accumulator<warps = [1, 2]>
#all = #tile.accumulator<warps = [4, 2]>

gpu.module @kernels {
  // The number of the warp: what tells the teams apart.
  // CHECK-LABEL: gpu.func @number(
  // CHECK: %[[THREAD:.*]] = llvm.call_intrinsic "llvm.nvvm.read.ptx.sreg.tid.x"
  // CHECK: %[[WARP:.*]] = arith.shrui %[[THREAD]], %c5_i32 : i32
  // CHECK: arith.index_castui %[[WARP]] : i32 to index
  gpu.func @number(%y: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %warp = gpu.subgroup_id : index
    %number = arith.index_cast %warp : index to i64
    llvm.store %number, %y : i64, !llvm.ptr<1>
    gpu.return
  }

  // Two teams of two warps. 32 rows of 16 channels are 64 accesses of 16 bytes: one
  // a thread of a team, or half of the threads of the block.
  // CHECK-LABEL: gpu.func @copies(
  // CHECK: arith.andi %{{.*}}, %c63_i32 : i32
  // CHECK-COUNT-1: llvm.nvvm.cp.async.cg.shared.global.16
  // CHECK-NOT: cp.async.cg
  // CHECK-COUNT-1: cp.async.ca
  // CHECK-NOT: cp.async.ca
  // CHECK: gpu.return
  gpu.func @copies(%x: !llvm.ptr<1>, %n: index, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %b = tile.alloc : !tile.buffer<32x16xbf16>
    %v = tile.alloc : !tile.buffer<64xf32>
    tile.copy_async %x[%c0] stride %ld bounds [%n, %n] -> %b team 2
        : !llvm.ptr<1>, !tile.buffer<32x16xbf16>
    tile.copy_vector %x[%c0] stride %ld bound %n -> %v team 2
        : !llvm.ptr<1>, !tile.buffer<64xf32>
    gpu.return
  }

  // A layout over two of four warps is a team's: its first warp is number 0 or 2.
  // The state's rows are the columns of a right operand, in the same registers.
  // CHECK-LABEL: gpu.func @products(
  // CHECK: %[[WARP:.*]] = arith.shrui %{{.*}}, %c5_i32 : i32
  // CHECK: arith.andi %[[WARP]], %c1_i32 : i32
  // CHECK-NOT: shfl
  // CHECK: llvm.nvvm.mma.m16n8k16
  // CHECK: gpu.return
  gpu.func @products(%x: !llvm.ptr<1>, %n: index, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c = tile.alloc : !tile.buffer<16x16xbf16>
    %s = tile.load_global %x[%c0] strides [%ld, %c1] bounds [%n, %n]
        : !llvm.ptr<1> -> tensor<32x16xbf16, #state>
    %right = tile.convert_layout %s transposed
        : tensor<32x16xbf16, #state> -> tensor<16x32xbf16, #right>
    %zero = arith.constant 0.0 : f32
    %init = tile.splat %zero : f32 -> tensor<16x32xf32, #out>
    %read = tile.mma %c, %right, %init
        : !tile.buffer<16x16xbf16>, tensor<16x32xbf16, #right> -> tensor<16x32xf32, #out>
    tile.store_global %read -> %x[%c0] strides [%ld, %c1] bounds [%n, %n]
        : tensor<16x32xf32, #out>, !llvm.ptr<1>
    gpu.return
  }

  // The mask of one team by all warps, 16 rows and two blocks of 16 columns each.
  // The diagonal block comes before them: only zeros; is the first: 6
  // exponentials; the second: 2 and 4 for the factors of the first; comes behind
  // them: 2 and 8.
  // CHECK-LABEL: gpu.func @mask(
  // CHECK: scf.index_switch
  // CHECK: case 0 {
  // CHECK-NOT: ex2
  // CHECK: case 1 {
  // CHECK-COUNT-6: ex2.approx
  // CHECK-NOT: ex2
  // CHECK: case 2 {
  // CHECK-COUNT-12: ex2.approx
  // CHECK-NOT: ex2
  // CHECK: default {
  // CHECK-COUNT-10: ex2.approx
  // CHECK-NOT: ex2
  // CHECK: gpu.return
  gpu.func @mask(%x: !llvm.ptr<1>, %n: index, %ld: index) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %v = tile.alloc : !tile.buffer<64xf32>
    %scores = tile.load_global %x[%c0] strides [%ld, %c1] bounds [%n, %n]
        : !llvm.ptr<1> -> tensor<64x64xf32, #all>
    %l = tile.segment_decay %v scores %scores
        : (!tile.buffer<64xf32>, tensor<64x64xf32, #all>) -> tensor<64x64xf32, #all>
    tile.store_global %l -> %x[%c0] strides [%ld, %c1] bounds [%n, %n]
        : tensor<64x64xf32, #all>, !llvm.ptr<1>
    gpu.return
  }

  // The threads of a team store side by side: 16 bytes each, 64 threads.
  // CHECK-LABEL: gpu.func @packed(
  // CHECK: %[[THREAD:.*]] = llvm.call_intrinsic "llvm.nvvm.read.ptx.sreg.tid.x"
  // CHECK: %[[OWN:.*]] = arith.andi %[[THREAD]], %c63_i32 : i32
  // CHECK: arith.muli %[[OWN]], %c16_i32 : i32
  // CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
  // CHECK: llvm.getelementptr %{{.*}}[1024]
  // CHECK: gpu.return
  gpu.func @packed(%x: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %s = tile.load_packed %x[%n] : !llvm.ptr<1> -> tensor<32x16xf32, #state>
    tile.store_packed %s -> %x[%n] : tensor<32x16xf32, #state>, !llvm.ptr<1>
    gpu.return
  }
}
