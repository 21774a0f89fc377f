// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// REQUIRES: ptxas
// RUN: mamba-opt %S/../NVVM/wgmma.mlir -print-ptx=target=sm_90a -o /dev/null > %t.ptx
// RUN: %assemble --arch=sm_90a %t.ptx
// RUN: mamba-opt %s -print-ptx=target=sm_90a -o /dev/null > %t.loop.ptx
// RUN: FileCheck %s < %t.loop.ptx
// RUN: %assemble --arch=sm_90a %t.loop.ptx

#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>

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
}
