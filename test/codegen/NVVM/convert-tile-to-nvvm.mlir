// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -convert-tile-to-nvvm=target=sm_80 -canonicalize -cse | FileCheck %s --check-prefixes=CHECK,SM80
// RUN: mamba-opt %s -convert-tile-to-nvvm=target=sm_90a -canonicalize -cse | FileCheck %s --check-prefixes=CHECK,SM90

#acc = #tile.accumulator<warps = [4, 1]>
#state = #tile.accumulator<warps = [1, 4]>
#a = #tile.operand_a<warps = [4, 1]>
#b = #tile.operand_b<warps = [1, 4]>
#rows = #tile.slice<axis = 0, of = #acc>
#columns = #tile.slice<axis = 1, of = #acc>

gpu.module @kernels {
  // CHECK: llvm.mlir.global external @tile_shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>

  // Two buffers, 2·64·128 + 64·64 bytes, and their places.
  // CHECK-LABEL: gpu.func @copies
  // CHECK-SAME: tile.shared_bytes = 20480 : i64
  // CHECK: %[[SHARED:.*]] = llvm.mlir.addressof @tile_shared : !llvm.ptr<3>
  // CHECK: llvm.getelementptr %[[SHARED]][16384]
  // A 64×64 tile of 16 bits is 512 units, four a thread.
  // CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.cp.async.cg.shared.global.16.s"
  // CHECK-NOT: cp.async.cg
  // CHECK: llvm.call_intrinsic "llvm.nvvm.cp.async.commit.group"
  // CHECK: llvm.call_intrinsic "llvm.nvvm.cp.async.wait.group"
  // CHECK: gpu.barrier
  // CHECK-COUNT-2: llvm.store {{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
  // CHECK-NOT: llvm.store
  // CHECK: gpu.return
  gpu.func @copies(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>, %ld: index, %n: index,
                   %i: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 2>
    %ys = tile.alloc : !tile.buffer<64x32xbf16>
    %x0 = tile.stage %xs[%i] : !tile.buffer<64x64xbf16, stages = 2>
    tile.copy_async %x[%c0] stride %ld bounds [%n, %n] -> %x0
        : !llvm.ptr<1>, !tile.buffer<64x64xbf16>
    tile.commit_copies
    tile.wait_copies pending 0
    tile.barrier
    tile.copy_out %ys -> %y[%c0] stride %ld bounds [%n, %n]
        : !tile.buffer<64x32xbf16>, !llvm.ptr<1>
    gpu.return
  }

  // G = C Bᵀ of 64×64 with K = 32: per warp 2 steps of 8 fragments where it is
  // full. The lower triangle has a code for each warp, of 2, 4, 6 and 8
  // fragments a step.
  // CHECK-LABEL: gpu.func @products
  // CHECK-COUNT-16: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"
  // CHECK-NOT: mma.m16n8k16
  // CHECK: scf.index_switch
  // CHECK: case 0
  // CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"
  // CHECK-NOT: mma.m16n8k16
  // CHECK: case 1
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"
  // CHECK-NOT: mma.m16n8k16
  // CHECK: case 2
  // CHECK-COUNT-12: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"
  // CHECK-NOT: mma.m16n8k16
  // CHECK: default
  // CHECK-COUNT-16: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"
  // CHECK-NOT: mma.m16n8k16
  // CHECK: gpu.return
  gpu.func @products(%p: !llvm.ptr<1>, %ld: index, %n: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %cs = tile.alloc : !tile.buffer<64x32xbf16>
    %bs = tile.alloc : !tile.buffer<64x32xbf16>
    %zero = arith.constant dense<0.0> : tensor<64x64xf32, #acc>
    %c = tile.load_shared %cs
        : !tile.buffer<64x32xbf16> -> tensor<64x32xbf16, #a>
    %g = tile.mma %c, %bs transposed, %zero
        : tensor<64x32xbf16, #a>, !tile.buffer<64x32xbf16>
          -> tensor<64x64xf32, #acc>
    %l = tile.mma %c, %bs transposed, %g result lower
        : tensor<64x32xbf16, #a>, !tile.buffer<64x32xbf16>
          -> tensor<64x64xf32, #acc>
    tile.store_global %l -> %p[%c0] strides [%ld, %c1] bounds [%n, %n]
        : tensor<64x64xf32, #acc>, !llvm.ptr<1>
    gpu.return
  }

  // The operands' four ways through shared memory: .trans where the fragment's
  // pairs run across the rows of the buffer.
  // CHECK-LABEL: gpu.func @operands
  // CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3"
  // CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16.p3"
  // CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16.p3"
  // CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3"
  // SM80-COUNT-16: llvm.store {{.*}} {alignment = 4 : i64} : vector<2xbf16>, !llvm.ptr<3>
  // SM90-COUNT-4: llvm.call_intrinsic "llvm.nvvm.stmatrix.sync.aligned.m8n8.x4.b16.p3"
  // CHECK: gpu.return
  gpu.func @operands() kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %s = tile.alloc : !tile.buffer<64x64xbf16>
    %0 = tile.load_shared %s : !tile.buffer<64x64xbf16> -> tensor<64x64xbf16, #a>
    %1 = tile.load_shared %s transposed
        : !tile.buffer<64x64xbf16> -> tensor<64x64xbf16, #a>
    %2 = tile.load_shared %s : !tile.buffer<64x64xbf16> -> tensor<64x64xbf16, #b>
    %3 = tile.load_shared %s transposed
        : !tile.buffer<64x64xbf16> -> tensor<64x64xbf16, #b>
    %4 = arith.addf %0, %1 : tensor<64x64xbf16, #a>
    tile.store_shared %4, %s : tensor<64x64xbf16, #a>, !tile.buffer<64x64xbf16>
    gpu.return
  }

  // A lane vector to the rows of a warp (one shuffle each, its register chosen
  // by the warp) and to its columns (register known).
  // CHECK-LABEL: gpu.func @slices
  // CHECK-COUNT-16: llvm.call_intrinsic "llvm.nvvm.shfl.sync.idx.f32"
  // CHECK-NOT: shfl
  // CHECK: %[[V:.*]] = arith.select
  // CHECK: llvm.call_intrinsic "llvm.nvvm.shfl.sync.idx.f32"(%{{.*}}, %[[V]]
  // CHECK: llvm.call_intrinsic "llvm.nvvm.shfl.sync.idx.f32"
  // CHECK-NOT: shfl
  // CHECK: gpu.return
  gpu.func @slices(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %v = tile.load_global %p[%c0] strides [%c1] bounds [%n]
        : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    %r = tile.convert_layout %v
        : tensor<64xf32, #tile.lane> -> tensor<64xf32, #rows>
    %c = tile.convert_layout %v
        : tensor<64xf32, #tile.lane> -> tensor<64xf32, #columns>
    %rb = tile.broadcast %r : tensor<64xf32, #rows> -> tensor<64x64xf32, #acc>
    %cb = tile.broadcast %c : tensor<64xf32, #columns> -> tensor<64x64xf32, #acc>
    %s = arith.addf %rb, %cb : tensor<64x64xf32, #acc>
    tile.store_global %s -> %p[%c0] strides [%n, %c1] bounds [%n, %n]
        : tensor<64x64xf32, #acc>, !llvm.ptr<1>
    gpu.return
  }

  // Five steps a register, then the carry.
  // CHECK-LABEL: gpu.func @scans
  // CHECK-COUNT-10: llvm.call_intrinsic "llvm.nvvm.shfl.sync.up.f32"
  // CHECK-NOT: shfl.sync.up
  // CHECK-COUNT-5: llvm.call_intrinsic "llvm.nvvm.shfl.sync.bfly.f32"
  // CHECK-COUNT-12: llvm.call_intrinsic "llvm.nvvm.shfl.sync.down.f32"
  // CHECK-NOT: shfl.sync.{{up|down|bfly}}
  // CHECK: gpu.return
  gpu.func @scans(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %v = tile.load_global %p[%c0] strides [%c1] bounds [%n]
        : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    %i = tile.cumsum %v : tensor<64xf32, #tile.lane>
    tile.store_global %i -> %p[%c0] strides [%c1] bounds [%n]
        : tensor<64xf32, #tile.lane>, !llvm.ptr<1>
    %e = tile.cumsum %v exclusive reverse : tensor<64xf32, #tile.lane>
    %s = tile.reduce_sum %v : tensor<64xf32, #tile.lane>
    %l = tile.extract %v[63] : tensor<64xf32, #tile.lane>
    %sl = arith.addf %s, %l : f32
    %b = tile.splat %sl : f32 -> tensor<64xf32, #tile.lane>
    %r = arith.addf %e, %b : tensor<64xf32, #tile.lane>
    tile.store_global %r -> %p[%c0] strides [%c1] bounds [%n]
        : tensor<64xf32, #tile.lane>, !llvm.ptr<1>
    gpu.return
  }

  // For 64 rows and four warps: 6 exponentials of the diagonal block, 2 + 2 of
  // the factors.
  // CHECK-LABEL: gpu.func @decay
  // CHECK-COUNT-10: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"
  // CHECK-NOT: ex2.approx
  // CHECK: gpu.return
  gpu.func @decay(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %v = tile.load_global %p[%c0] strides [%c1] bounds [%n]
        : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    %l = tile.segment_decay %v
        : (tensor<64xf32, #tile.lane>) -> tensor<64x64xf32, #acc>
    tile.store_global %l -> %p[%c0] strides [%n, %c1] bounds [%n, %n]
        : tensor<64x64xf32, #acc>, !llvm.ptr<1>
    gpu.return
  }

  // State in a loop: 64×128 over four warps is 64 registers.
  // CHECK-LABEL: gpu.func @loop
  // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<64xf32>)
  gpu.func @loop(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant dense<0.0> : tensor<64x128xf32, #state>
    %s = scf.for %i = %c0 to %n step %c1 iter_args(%a = %zero)
        -> (tensor<64x128xf32, #state>) {
      %x = tile.load_global %p[%i] strides [%n, %c1] bounds [%n, %n]
          : !llvm.ptr<1> -> tensor<64x128xf32, #state>
      %t = arith.addf %a, %x : tensor<64x128xf32, #state>
      scf.yield %t : tensor<64x128xf32, #state>
    }
    tile.store_global %s -> %p[%c0] strides [%n, %c1] bounds [%n, %n]
        : tensor<64x128xf32, #state>, !llvm.ptr<1>
    gpu.return
  }

  // A thread's 16 pairs of 16 bits become four pieces of 16 bytes, where
  // everything is a multiple of eight elements: four lanes swap words twice.
  // CHECK-LABEL: gpu.func @pieces
  // CHECK-COUNT-8: shfl.sync.bfly.i32"({{.*}}, %c1_i32,
  // CHECK-COUNT-8: shfl.sync.bfly.i32"({{.*}}, %c2_i32,
  // CHECK-NOT: shfl
  // CHECK-COUNT-4: llvm.store {{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
  // CHECK-NOT: llvm.store
  // CHECK: gpu.return
  gpu.func @pieces(%p: !llvm.ptr<1>, %n: index, %token: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c1 = arith.constant 1 : index
    %c40 = arith.constant 40 : index
    %c64 = arith.constant 64 : index
    %c320 = arith.constant 320 : index
    %zero = arith.constant dense<0.0> : tensor<64x64xbf16, #acc>
    %t = arith.muli %token, %c320 : index
    %o = arith.addi %t, %c40 : index
    %left = arith.subi %o, %c64 : index
    %width = arith.minsi %left, %c64 : index
    tile.store_global %zero -> %p[%o] strides [%c320, %c1] bounds [%n, %width]
        : tensor<64x64xbf16, #acc>, !llvm.ptr<1>
    gpu.return
  }

  // Multiples of four: pieces of 8 bytes. Of f32 the pairs of four lanes fill a
  // sector as they are, and nothing is known of %ld.
  // CHECK-LABEL: gpu.func @smaller_pieces
  // CHECK-COUNT-8: shfl.sync.bfly.i32"({{.*}}, %c1_i32,
  // CHECK-NOT: shfl
  // CHECK-COUNT-8: llvm.store {{.*}} {alignment = 8 : i64} : vector<2xi32>, !llvm.ptr<1>
  // CHECK-NOT: vector<2xi32>
  // CHECK-COUNT-16: llvm.store {{.*}} {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
  // CHECK-COUNT-16: llvm.store {{.*}} {alignment = 4 : i64} : vector<2xbf16>, !llvm.ptr<1>
  // CHECK: gpu.return
  gpu.func @smaller_pieces(%p: !llvm.ptr<1>, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %c68 = arith.constant 68 : index
    %zero = arith.constant dense<0.0> : tensor<64x64xbf16, #acc>
    %wide = arith.constant dense<0.0> : tensor<64x64xf32, #acc>
    tile.store_global %zero -> %p[%c0] strides [%c68, %c1] bounds [%c64, %c64]
        : tensor<64x64xbf16, #acc>, !llvm.ptr<1>
    tile.store_global %wide -> %p[%c0] strides [%c64, %c1] bounds [%c64, %c64]
        : tensor<64x64xf32, #acc>, !llvm.ptr<1>
    tile.store_global %zero -> %p[%c0] strides [%ld, %c1] bounds [%c64, %c64]
        : tensor<64x64xbf16, #acc>, !llvm.ptr<1>
    gpu.return
  }
}
