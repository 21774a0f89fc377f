// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -convert-tile-to-nvvm=target=sm_90a -canonicalize -cse | FileCheck %s

#acc = #tile.accumulator<warps = [4, 1]>
#state = #tile.accumulator<warps = [1, 4]>
#a = #tile.operand_a<warps = [4, 1]>
#tokens = #tile.slice<axis = 1, of = #a>
#columns = #tile.slice<axis = 1, of = #acc>
#rows = #tile.slice<axis = 0, of = #acc>

gpu.module @kernels {
  // Xᵀ fragments: one instruction for each 16 tokens, 16·128 bytes apart.
  // CHECK-LABEL: gpu.func @transposed
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16.p3"(%[[P:[0-9]+]])
  // CHECK: %[[P1:.*]] = llvm.getelementptr %[[P]][2048]
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16.p3"(%[[P1]])
  // CHECK: %[[P2:.*]] = llvm.getelementptr %[[P]][4096]
  // CHECK: %[[P3:.*]] = llvm.getelementptr %[[P]][6144]
  // CHECK-NOT: ldmatrix{{.*}}x2
  // Back to where it came from, by the same address.
  // CHECK: %[[LANES:[0-9]+]] = llvm.getelementptr
  // CHECK: llvm.call_intrinsic "llvm.nvvm.stmatrix.sync.aligned.m8n8.x4.trans.b16.p3"(%[[LANES]], %{{.*}})
  // CHECK: %[[P1:.*]] = llvm.getelementptr %[[LANES]][2048]
  // CHECK: llvm.call_intrinsic "llvm.nvvm.stmatrix.sync.aligned.m8n8.x4.trans.b16.p3"(%[[P1]], %{{.*}})
  // CHECK-COUNT-2: llvm.call_intrinsic "llvm.nvvm.stmatrix.sync.aligned.m8n8.x4.trans.b16.p3"
  // CHECK-NOT: stmatrix
  // CHECK: gpu.return
  gpu.func @transposed() kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %xs = tile.alloc : !tile.buffer<64x64xbf16, panels>
    %x = tile.load_shared %xs transposed
        : !tile.buffer<64x64xbf16, panels> -> tensor<64x64xbf16, #a>
    tile.store_shared %x, %xs transposed
        : tensor<64x64xbf16, #a>, !tile.buffer<64x64xbf16, panels>
    gpu.return
  }

  // Columns from 64 on stand in the next panel, 64·128 bytes on.
  // CHECK-LABEL: gpu.func @two_panels
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3"(%[[P:[0-9]+]])
  // CHECK-COUNT-3: llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3
  // CHECK: llvm.getelementptr %[[P]][8192]
  // CHECK-COUNT-4: llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3
  // CHECK-NOT: ldmatrix
  // Columns over warps: which panel is known at run time.
  // CHECK: arith.muli %{{.*}}, %c8192_i32
  // CHECK-COUNT-8: llvm.nvvm.stmatrix.sync.aligned.m8n8.x4.b16.p3
  // CHECK-NOT: stmatrix
  // CHECK: gpu.return
  gpu.func @two_panels(%p: !llvm.ptr<1>, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %bs = tile.alloc : !tile.buffer<64x128xbf16, panels>
    %b = tile.load_shared %bs
        : !tile.buffer<64x128xbf16, panels> -> tensor<64x128xbf16, #a>
    tile.store_global %b -> %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : tensor<64x128xbf16, #a>, !llvm.ptr<1>
    %s = tile.load_global %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : !llvm.ptr<1> -> tensor<64x128xbf16, #state>
    tile.store_shared %s, %bs
        : tensor<64x128xbf16, #state>, !tile.buffer<64x128xbf16, panels>
    gpu.return
  }

  // Factors of columns come as pairs, 8 or 4 bytes; factors of rows are two.
  // CHECK-LABEL: gpu.func @vectors
  // CHECK-COUNT-8: llvm.load {{.*}} {alignment = 8 : i64} : !llvm.ptr<3> -> vector<2xf32>
  // CHECK-NOT: llvm.load
  // CHECK: llvm.load {{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
  // CHECK: llvm.load {{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
  // CHECK-NOT: llvm.load
  // CHECK-COUNT-8: llvm.load {{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> vector<2xbf16>
  // CHECK-NOT: llvm.load
  // CHECK: gpu.return
  gpu.func @vectors(%p: !llvm.ptr<1>, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %vs = tile.alloc : !tile.buffer<64xf32>
    %ws = tile.alloc : !tile.buffer<64xbf16>
    %c = tile.load_shared %vs : !tile.buffer<64xf32> -> tensor<64xf32, #columns>
    %cb = tile.broadcast %c : tensor<64xf32, #columns> -> tensor<64x64xf32, #acc>
    tile.store_global %cb -> %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : tensor<64x64xf32, #acc>, !llvm.ptr<1>
    %r = tile.load_shared %vs : !tile.buffer<64xf32> -> tensor<64xf32, #rows>
    %rb = tile.broadcast %r : tensor<64xf32, #rows> -> tensor<64x64xf32, #acc>
    tile.store_global %rb -> %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : tensor<64x64xf32, #acc>, !llvm.ptr<1>
    %w = tile.load_shared %ws
        : !tile.buffer<64xbf16> -> tensor<64xbf16, #tokens>
    %wb = tile.broadcast %w : tensor<64xbf16, #tokens> -> tensor<64x64xbf16, #a>
    tile.store_global %wb -> %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : tensor<64x64xbf16, #a>, !llvm.ptr<1>
    gpu.return
  }

  // 40 elements in lanes: the last 8 are in the second register of 8 lanes. A
  // load of the others stays inside, a store of theirs is left out.
  // CHECK-LABEL: gpu.func @lanes
  // CHECK: %[[LANE:.*]] = arith.andi %{{.*}}, %c31_i32
  // CHECK: llvm.load {{.*}} -> f32
  // CHECK: %[[SECOND:.*]] = arith.addi %[[LANE]], %c32_i32
  // CHECK: arith.minui %[[SECOND]], %c39_i32
  // CHECK: llvm.load {{.*}} -> f32
  // CHECK: llvm.store
  // CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %{{.*}}, %c8_i32
  // CHECK: scf.if %[[INSIDE]] {
  // CHECK: llvm.store
  // CHECK: }
  // CHECK: gpu.return
  gpu.func @lanes() kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %vs = tile.alloc : !tile.buffer<40xf32>
    %us = tile.alloc : !tile.buffer<40xf32>
    %v = tile.load_shared %vs : !tile.buffer<40xf32> -> tensor<40xf32, #tile.lane>
    tile.store_shared %v, %us : tensor<40xf32, #tile.lane>, !tile.buffer<40xf32>
    gpu.return
  }

  // Rows of 128 bytes begin where eight of them would, panels or not: products
  // and bulk copies permute units by bits of the address.
  // CHECK-LABEL: gpu.func @alignment
  // CHECK-SAME: tile.shared_bytes = 9216 : i64
  // CHECK: llvm.getelementptr %{{.*}}[1024]
  // CHECK: gpu.return
  gpu.func @alignment() kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %vs = tile.alloc : !tile.buffer<64xf32>
    %xs = tile.alloc : !tile.buffer<64x48xbf16>
    %v = tile.load_shared %vs : !tile.buffer<64xf32> -> tensor<64xf32, #tile.lane>
    tile.store_shared %v, %vs : tensor<64xf32, #tile.lane>, !tile.buffer<64xf32>
    %x = tile.load_shared %xs : !tile.buffer<64x48xbf16> -> tensor<64x48xbf16, #a>
    tile.store_shared %x, %xs : tensor<64x48xbf16, #a>, !tile.buffer<64x48xbf16>
    gpu.return
  }
}
