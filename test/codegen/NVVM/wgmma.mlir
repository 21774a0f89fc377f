// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -convert-tile-to-nvvm=target=sm_90a -canonicalize -cse | FileCheck %s

#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>

gpu.module @kernels {
  // Yᵀ = S Cᵀ with the state in registers. No accumulator: the first step has
  // no inputs to tie and does not read d. Rows of C run along K: 32 bytes a
  // step, and after 64 elements on to the next panel of 64·128 bytes. The upper
  // half of every descriptor is 1024 / 16 | 1 << 30.
  // CHECK-LABEL: gpu.func @from_registers
  // CHECK-DAG: %[[HIGH:.*]] = arith.constant 4611686293305294848 : i64
  // CHECK-DAG: %[[FOUR:.*]] = arith.constant 4 : i32
  // The operands are inputs of the fence: they are computed before.
  // CHECK: llvm.inline_asm has_side_effects "wgmma.fence.sync.aligned;", "r,r,{{.*}},r,~{memory}" %[[W0:[0-9]+]], %[[W1:[0-9]+]], %{{.*}} : (i32, {{.*}}) -> ()
  // CHECK: %[[ADDRESS:.*]] = llvm.ptrtoint %{{.*}} : !llvm.ptr<3> to i32
  // CHECK: %[[SIXTEENTH:.*]] = arith.shrui %[[ADDRESS]], %[[FOUR]]
  // CHECK: %[[LOW:.*]] = arith.addi %[[SIXTEENTH]], %c65536_i32
  // CHECK: %[[WIDE:.*]] = arith.extui %[[LOW]] : i32 to i64
  // CHECK: %[[DESCRIPTOR:.*]] = arith.ori %[[WIDE]], %[[HIGH]]
  // CHECK: llvm.inline_asm has_side_effects "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {$0, $1, {{.*}}, $31}, {$32, $33, $34, $35}, $36, 0, 1, 1, 0;", "=f,{{.*}}=f,r,r,r,r,l,~{memory}" %[[W0]], %[[W1]], %{{.*}}, %{{.*}}, %[[DESCRIPTOR]] :
  // CHECK: arith.addi %[[SIXTEENTH]], %c65538_i32
  // CHECK: llvm.inline_asm has_side_effects "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {$0, {{.*}}, $31}, {$64, $65, $66, $67}, $68, 1, 1, 1, 0;", "=f,{{.*}}=f,0,1,{{.*}},31,r,r,r,r,l,~{memory}"
  // CHECK: arith.addi %[[SIXTEENTH]], %c65540_i32
  // CHECK: arith.addi %[[SIXTEENTH]], %c65542_i32
  // CHECK: arith.addi %[[SIXTEENTH]], %c66048_i32
  // CHECK: arith.addi %[[SIXTEENTH]], %c66050_i32
  // CHECK-COUNT-3: wgmma.mma_async
  // CHECK-NOT: wgmma.mma_async
  // CHECK: llvm.inline_asm has_side_effects "wgmma.commit_group.sync.aligned;", "~{memory}" : () -> ()
  // CHECK: %[[V:.*]] = llvm.inline_asm has_side_effects "wgmma.wait_group.sync.aligned 0;", "=f,{{.*}}=f,0,1,{{.*}},31,~{memory}"
  // CHECK: llvm.extractvalue %[[V]][0]
  gpu.func @from_registers(%p: !llvm.ptr<1>, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %cs = tile.alloc : !tile.buffer<64x128xbf16, panels>
    %s = tile.load_global %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : !llvm.ptr<1> -> tensor<64x128xbf16, #a>
    %y = tile.wgmma %s, %cs transposed
        : tensor<64x128xbf16, #a>, !tile.buffer<64x128xbf16, panels>
          -> !tile.pending<tensor<64x64xf32, #acc>>
    %y1 = tile.wgmma_wait %y : !tile.pending<tensor<64x64xf32, #acc>>
    tile.store_global %y1 -> %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : tensor<64x64xf32, #acc>, !llvm.ptr<1>
    gpu.return
  }

  // S += Xᵀ B, both operands in shared memory and along M and N: rows are
  // tokens, 2048 bytes a step; panels of B stand 64·128 bytes apart (512 in the
  // descriptor's field at bit 16).
  // CHECK-LABEL: gpu.func @from_buffers
  // Accumulators go through the fence, so that no move comes after it.
  // CHECK: llvm.inline_asm has_side_effects "wgmma.fence.sync.aligned;", "=f,{{.*}}=f,0,1,{{.*}},63,~{memory}"
  // CHECK: arith.addi %[[A:.*]], %c33554432_i32
  // CHECK: arith.addi %[[B:.*]], %c33554432_i32
  // CHECK: llvm.inline_asm has_side_effects "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 {$0, {{.*}}, $63}, $128, $129, 1, 1, 1, 1, 1;", "=f,{{.*}}=f,0,1,{{.*}},63,l,l,~{memory}"
  // CHECK: arith.addi %[[A]], %c33554560_i32
  // CHECK: arith.addi %[[B]], %c33554560_i32
  // CHECK-COUNT-3: wgmma.mma_async
  // CHECK-NOT: wgmma.mma_async
  // CHECK: wgmma.commit_group
  gpu.func @from_buffers(%p: !llvm.ptr<1>, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %xs = tile.alloc : !tile.buffer<64x64xf16, panels>
    %bs = tile.alloc : !tile.buffer<64x128xf16, panels>
    %s = tile.load_global %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : !llvm.ptr<1> -> tensor<64x128xf32, #acc>
    %s1 = tile.wgmma %xs transposed, %bs, %s
        : !tile.buffer<64x64xf16, panels>, !tile.buffer<64x128xf16, panels>,
          tensor<64x128xf32, #acc> -> !tile.pending<tensor<64x128xf32, #acc>>
    %s2 = tile.wgmma_wait %s1 : !tile.pending<tensor<64x128xf32, #acc>>
    tile.store_global %s2 -> %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : tensor<64x128xf32, #acc>, !llvm.ptr<1>
    gpu.return
  }

  // Two products in flight. G = C Bᵀ takes only 24 of 64 rows of B, and
  // H = C B only 32 of 64 columns; 64 columns of 16 bits are one panel without
  // the word.
  // CHECK-LABEL: gpu.func @narrow
  // CHECK: "wgmma.fence.sync.aligned;", "~{memory}" : () -> ()
  // CHECK-COUNT-4: m64n24k16.f32.bf16.bf16 {{.*}}, 1, 1, 0, 0;"
  // CHECK: wgmma.commit_group
  // CHECK-COUNT-4: m64n32k16.f32.bf16.bf16 {{.*}}, 1, 1, 0, 1;"
  // CHECK: wgmma.commit_group
  // CHECK: "wgmma.wait_group.sync.aligned 1;", "=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,0,1,2,3,4,5,6,7,8,9,10,11,~{memory}"
  // CHECK: "wgmma.wait_group.sync.aligned 0;", "=f,{{.*}}=f,0,1,{{.*}},15,~{memory}"
  gpu.func @narrow(%p: !llvm.ptr<1>, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %cs = tile.alloc : !tile.buffer<64x64xbf16>
    %bs = tile.alloc : !tile.buffer<64x64xbf16>
    %g = tile.wgmma %cs, %bs transposed
        : !tile.buffer<64x64xbf16>, !tile.buffer<64x64xbf16>
          -> !tile.pending<tensor<64x24xf32, #acc>>
    %h = tile.wgmma %cs, %bs
        : !tile.buffer<64x64xbf16>, !tile.buffer<64x64xbf16>
          -> !tile.pending<tensor<64x32xf32, #acc>>
    %g1 = tile.wgmma_wait %g pending 1
        : !tile.pending<tensor<64x24xf32, #acc>>
    tile.store_global %g1 -> %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : tensor<64x24xf32, #acc>, !llvm.ptr<1>
    %h1 = tile.wgmma_wait %h : !tile.pending<tensor<64x32xf32, #acc>>
    tile.store_global %h1 -> %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : tensor<64x32xf32, #acc>, !llvm.ptr<1>
    gpu.return
  }

  // The widest product: four panels along N, of 16 rows each (2048 bytes apart).
  // CHECK-LABEL: gpu.func @widest
  // CHECK: arith.addi %{{.*}}, %c8388608_i32
  // CHECK: m64n256k16.f32.bf16.bf16 {$0, {{.*}}, $127}, {$128, $129, $130, $131}, $132, 0, 1, 1, 1;"
  // CHECK-NOT: wgmma.mma_async
  // CHECK: gpu.return
  gpu.func @widest(%p: !llvm.ptr<1>, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %bs = tile.alloc : !tile.buffer<16x256xbf16, panels>
    %x = tile.load_global %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : !llvm.ptr<1> -> tensor<64x16xbf16, #a>
    %s = tile.wgmma %x, %bs
        : tensor<64x16xbf16, #a>, !tile.buffer<16x256xbf16, panels>
          -> !tile.pending<tensor<64x256xf32, #acc>>
    %s1 = tile.wgmma_wait %s : !tile.pending<tensor<64x256xf32, #acc>>
    tile.store_global %s1 -> %p[%c0] strides [%ld, %c1] bounds [%ld, %ld]
        : tensor<64x256xf32, #acc>, !llvm.ptr<1>
    gpu.return
  }
}
