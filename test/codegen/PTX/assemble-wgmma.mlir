// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// REQUIRES: ptxas
// RUN: mamba-opt %S/../NVVM/wgmma.mlir -print-ptx=target=sm_90a -o /dev/null > %t.ptx
// RUN: %assemble --arch=sm_90a %t.ptx
// RUN: mamba-opt %s -print-ptx=target=sm_90a -o /dev/null > %t.loop.ptx
// RUN: FileCheck %s < %t.loop.ptx
// RUN: %assemble --arch=sm_90a %t.loop.ptx
// RUN: sed s/bf16/f16/g %s | mamba-opt -print-ptx=target=sm_90a -o /dev/null > %t.f16.ptx
// RUN: %assemble --arch=sm_90a %t.f16.ptx

#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>
#tokens = #tile.slice<axis = 1, of = #acc>
#weights = #tile.slice<axis = 1, of = #a>

gpu.module @kernels {
  // A state carried by a loop stays in its registers: no move but the zeros in
  // front of the loop.
  // CHECK-LABEL: .entry state(
  // CHECK: $L__BB0_1:
  // CHECK-NOT: mov.{{[bf]}}32
  // CHECK-COUNT-32: cvt.rn.bf16x2.f32
  // CHECK-NOT: cvt.rn
  // CHECK: wgmma.fence.sync.aligned;
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
  // CHECK: wgmma.commit_group.sync.aligned;
  // CHECK-NOT: mov.{{[bf]}}32
  // CHECK-COUNT-4: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
  // CHECK: wgmma.commit_group.sync.aligned;
  // CHECK-NEXT: // end inline asm
  // CHECK-NEXT: // begin inline asm
  // CHECK-NEXT: wgmma.wait_group.sync.aligned 1;
  // CHECK-NOT: mov.{{[bf]}}32
  // CHECK: wgmma.wait_group.sync.aligned 0;
  // CHECK-NOT: mov.{{[bf]}}32
  // CHECK: bra
  gpu.func @state(%p: !llvm.ptr<1>, %n: index, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %bs = tile.alloc : !tile.buffer<64x128xbf16, panels>
    %xs = tile.alloc : !tile.buffer<64x64xbf16, panels>
    %ys = tile.alloc : !tile.buffer<64x64xbf16, panels>
    %zero = arith.constant dense<0.0> : tensor<64x128xf32, #acc>
    %s = scf.for %i = %c0 to %n step %c1 iter_args(%s0 = %zero)
        -> (tensor<64x128xf32, #acc>) {
      %s16 = arith.truncf %s0
          : tensor<64x128xf32, #acc> to tensor<64x128xbf16, #acc>
      %sa = tile.convert_layout %s16
          : tensor<64x128xbf16, #acc> -> tensor<64x128xbf16, #a>
      %y = tile.wgmma %sa, %bs transposed
          : tensor<64x128xbf16, #a>, !tile.buffer<64x128xbf16, panels>
            -> !tile.pending<tensor<64x64xf32, #acc>>
      %s1 = tile.wgmma %xs transposed, %bs, %s0
          : !tile.buffer<64x64xbf16, panels>,
            !tile.buffer<64x128xbf16, panels>, tensor<64x128xf32, #acc>
            -> !tile.pending<tensor<64x128xf32, #acc>>
      %y1 = tile.wgmma_wait %y pending 1
          : !tile.pending<tensor<64x64xf32, #acc>>
      %y16 = arith.truncf %y1
          : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
      tile.store_shared %y16, %ys
          : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, panels>
      %s2 = tile.wgmma_wait %s1 : !tile.pending<tensor<64x128xf32, #acc>>
      scf.yield %s2 : tensor<64x128xf32, #acc>
    }
    tile.store_global %s -> %p[%c0] strides [%ld, %c1] bounds [%n, %n]
        : tensor<64x128xf32, #acc>, !llvm.ptr<1>
    gpu.return
  }

  // One chunk of a head after another, 64 channels, 128 states, 64 tokens:
  // Yᵀ = S Cᵀ ∘ e + Xᵀ Mᵀ and S = d S + (Xᵀ w) B with S in registers. Fits the
  // 184 registers of a consumer without a spill. A pair of the state is rounded
  // by one instruction, fragments of Xᵀ come four at a time, and nothing is
  // moved while products run. What stands in front of the wait for S Cᵀ is done
  // meanwhile; only the factors e, which take no time, are read behind it.
  // CHECK-LABEL: .entry consume(
  // CHECK: .maxnreg 184
  // The wait without which ptxas would wait inside of the loop.
  // CHECK: wgmma.wait_group.sync.aligned 0;
  // CHECK: $L__BB0_1:
  // CHECK-NOT: mov.{{[bf]}}32
  // CHECK-COUNT-32: cvt.rn.bf16x2.f32
  // CHECK-NOT: cvt.rn
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
  // CHECK-NOT: ld.shared.v2
  // CHECK-COUNT-4: ldmatrix.sync.aligned.m8n8.x4.trans
  // CHECK-NOT: ldmatrix
  // CHECK-COUNT-16: mul.bf16x2
  // CHECK-COUNT-64: mul.f32
  // CHECK: wgmma.wait_group.sync.aligned 0;
  // CHECK-COUNT-8: ld.shared.v2.b32
  // CHECK-COUNT-32: mul.f32
  // CHECK-COUNT-4: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
  // CHECK-NOT: mul.
  // CHECK-COUNT-4: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
  // CHECK-NOT: {{mov\.[bf]32|shfl}}
  // CHECK: wgmma.wait_group.sync.aligned 1;
  // CHECK-COUNT-4: stmatrix.sync.aligned.m8n8.x4.trans
  // CHECK-NOT: stmatrix
  // CHECK: wgmma.wait_group.sync.aligned 0;
  // CHECK: bra
  gpu.func @consume(%p: !llvm.ptr<1>, %n: index, %ld: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>,
                  nvvm.maxnreg = 184 : i32} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %b3 = tile.alloc : !tile.buffer<64x128xbf16, stages = 3, panels>
    %c3s = tile.alloc : !tile.buffer<64x128xbf16, stages = 3, panels>
    %x3 = tile.alloc : !tile.buffer<64x64xbf16, stages = 3, panels>
    %m3 = tile.alloc : !tile.buffer<64x64xbf16, stages = 3, panels>
    %ys = tile.alloc : !tile.buffer<64x64xbf16, panels>
    %es = tile.alloc : !tile.buffer<64xf32>
    %ws = tile.alloc : !tile.buffer<64xbf16>
    %ds = tile.alloc : !tile.buffer<8xf32>
    %zero = arith.constant dense<0.0> : tensor<64x128xf32, #acc>
    %s = scf.for %i = %c0 to %n step %c1 iter_args(%s0 = %zero)
        -> (tensor<64x128xf32, #acc>) {
      %slot = arith.remui %i, %c3 : index
      %bs = tile.stage %b3[%slot] : !tile.buffer<64x128xbf16, stages = 3, panels>
      %cs = tile.stage %c3s[%slot] : !tile.buffer<64x128xbf16, stages = 3, panels>
      %xs = tile.stage %x3[%slot] : !tile.buffer<64x64xbf16, stages = 3, panels>
      %ms = tile.stage %m3[%slot] : !tile.buffer<64x64xbf16, stages = 3, panels>
      %s16 = arith.truncf %s0
          : tensor<64x128xf32, #acc> to tensor<64x128xbf16, #acc>
      %sa = tile.convert_layout %s16
          : tensor<64x128xbf16, #acc> -> tensor<64x128xbf16, #a>
      tile.barrier
      %y = tile.wgmma %sa, %cs transposed
          : tensor<64x128xbf16, #a>, !tile.buffer<64x128xbf16, panels>
            -> !tile.pending<tensor<64x64xf32, #acc>>
      %xt = tile.load_shared %xs transposed
          : !tile.buffer<64x64xbf16, panels> -> tensor<64x64xbf16, #a>
      %w = tile.load_shared %ws : !tile.buffer<64xbf16> -> tensor<64xbf16, #weights>
      %wb = tile.broadcast %w
          : tensor<64xbf16, #weights> -> tensor<64x64xbf16, #a>
      %xw = arith.mulf %xt, %wb : tensor<64x64xbf16, #a>
      %d = tile.load_element %ds[0] : !tile.buffer<8xf32>
      %db = tile.splat %d : f32 -> tensor<64x128xf32, #acc>
      %sd = arith.mulf %s0, %db : tensor<64x128xf32, #acc>
      %e = tile.load_shared %es : !tile.buffer<64xf32> -> tensor<64xf32, #tokens>
      %eb = tile.broadcast %e : tensor<64xf32, #tokens> -> tensor<64x64xf32, #acc>
      %y1 = tile.wgmma_wait %y : !tile.pending<tensor<64x64xf32, #acc>>
      %ye = arith.mulf %y1, %eb : tensor<64x64xf32, #acc>
      %y2 = tile.wgmma %xt, %ms transposed, %ye
          : tensor<64x64xbf16, #a>, !tile.buffer<64x64xbf16, panels>,
            tensor<64x64xf32, #acc> -> !tile.pending<tensor<64x64xf32, #acc>>
      %s1 = tile.wgmma %xw, %bs, %sd
          : tensor<64x64xbf16, #a>, !tile.buffer<64x128xbf16, panels>,
            tensor<64x128xf32, #acc> -> !tile.pending<tensor<64x128xf32, #acc>>
      %y3 = tile.wgmma_wait %y2 pending 1
          : !tile.pending<tensor<64x64xf32, #acc>>
      %y16 = arith.truncf %y3
          : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
      tile.store_shared %y16, %ys transposed
          : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, panels>
      %s2 = tile.wgmma_wait %s1 : !tile.pending<tensor<64x128xf32, #acc>>
      scf.yield %s2 : tensor<64x128xf32, #acc>
    }
    tile.store_global %s -> %p[%c0] strides [%ld, %c1] bounds [%n, %n]
        : tensor<64x128xf32, #acc>, !llvm.ptr<1>
    gpu.return
  }
}
