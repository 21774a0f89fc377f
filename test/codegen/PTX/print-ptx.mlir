// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -ssd-assign-tiles -canonicalize -cse -print-ptx=target=sm_90a -o /dev/null | FileCheck %s
// RUN: mamba-opt %s -ssd-assign-tiles -canonicalize -cse "-print-ptx=target=sm_90a llvm-ir" -o /dev/null | FileCheck %s --check-prefix=LLVM

// The Mamba-2 mixer with skip and gate, P = 64, N = 128, one chunk of 64 tokens
// an iteration. mma instructions of the four products: G = C Bᵀ for the
// triangles of four warps (2 + 4 + 6 + 8) · 8, C Sᵀ 8 · 8, M X
// (1 + 2 + 3 + 4) · 8, Xᵀ B 16 · 4.
// CHECK-LABEL: .entry mamba2_0(
// CHECK: .maxntid 128
// CHECK-COUNT-368: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// CHECK-NOT: mma.sync
// CHECK: // mamba2_0: 128 threads, 122880 bytes of shared memory

// Long vectors are gone before code generation.
// LLVM-LABEL: define ptx_kernel void @mamba2_0
// LLVM-NOT: <64 x float>
// LLVM-NOT: <32 x bfloat>
// LLVM: ; mamba2_0: 128 threads
func.func @mamba2(%x: tensor<?x?x24x64xbf16>, %dt: tensor<?x?x24xf32>, %A: tensor<24xf32>, %b: tensor<?x?x1x128xbf16>, %c: tensor<?x?x1x128xbf16>, %D: tensor<24xf32>, %z: tensor<?x?x24x64xbf16>, %s0: tensor<?x24x64x128xf32>) -> (tensor<?x?x24x64xbf16>, tensor<?x24x64x128xf32>) {
  %y, %sT = ssd.chunk_scan chunk 64 heads 24
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, warps = 4, stages = 2>
      ins(%x as [batch, time, head, channel] : tensor<?x?x24x64xbf16>, %dt as [batch, time, head] : tensor<?x?x24xf32>, %A as [head] : tensor<24xf32>, %b as [batch, time, head, state] : tensor<?x?x1x128xbf16>, %c as [batch, time, head, state] : tensor<?x?x1x128xbf16>, %D as [head] : tensor<24xf32>, %z as [batch, time, head, channel] : tensor<?x?x24x64xbf16>)
      inits(%s0 : tensor<?x24x64x128xf32>) outs([batch, time, head, channel] : tensor<?x?x24x64xbf16>) finals(tensor<?x24x64x128xf32>) {
  ^bb0(%xc: tensor<64x64xbf16>, %dtc: tensor<64xf32>, %Ac: tensor<f32>, %bc: tensor<64x128xbf16>, %cc: tensor<64x128xbf16>, %Dc: tensor<f32>, %zc: tensor<64x64xbf16>, %s: tensor<64x128xf32>):
    %dt0 = ssd.pad %dtc with 0.0 : tensor<64xf32>
    %Ab = ssd.broadcast %Ac dims [0] : tensor<f32> -> tensor<64xf32>
    %al = arith.mulf %dt0, %Ab : tensor<64xf32>
    %cum = ssd.cumsum %al : tensor<64xf32>
    %suf = ssd.cumsum %al exclusive reverse : tensor<64xf32>
    %tot = ssd.reduce_sum %al : tensor<64xf32> -> tensor<f32>
    %e = math.exp %cum : tensor<64xf32>
    %w0 = math.exp %suf : tensor<64xf32>
    %w = arith.mulf %w0, %dt0 : tensor<64xf32>
    %d = math.exp %tot : tensor<f32>
    %L = ssd.segment_decay %al sub_block 16 : (tensor<64xf32>) -> tensor<64x64xf32>
    %G = ssd.dot %cc, %bc contract [1, 1] : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
    %M0 = arith.mulf %L, %G : tensor<64x64xf32>
    %dtb = ssd.broadcast %dt0 dims [0] : tensor<64xf32> -> tensor<64x64xf32>
    %M = arith.mulf %M0, %dtb : tensor<64x64xf32>
    %Mb = arith.truncf %M : tensor<64x64xf32> to tensor<64x64xbf16>
    %sb = arith.truncf %s : tensor<64x128xf32> to tensor<64x128xbf16>
    %r = ssd.dot %cc, %sb contract [1, 1] : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
    %ew = ssd.broadcast %e dims [1] : tensor<64xf32> -> tensor<64x64xf32>
    %re = arith.mulf %ew, %r : tensor<64x64xf32>
    %y0 = ssd.dot %Mb, %xc contract [1, 0] init %re : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32> -> tensor<64x64xf32>
    %xf = arith.extf %xc : tensor<64x64xbf16> to tensor<64x64xf32>
    %Db = ssd.broadcast %Dc dims [0, 1] : tensor<f32> -> tensor<64x64xf32>
    %dx = arith.mulf %xf, %Db : tensor<64x64xf32>
    %y1 = arith.addf %y0, %dx : tensor<64x64xf32>
    %zf = arith.extf %zc : tensor<64x64xbf16> to tensor<64x64xf32>
    %one = arith.constant dense<1.0> : tensor<64x64xf32>
    %nz = arith.negf %zf : tensor<64x64xf32>
    %ez = math.exp %nz : tensor<64x64xf32>
    %ez1 = arith.addf %ez, %one : tensor<64x64xf32>
    %sg = arith.divf %zf, %ez1 : tensor<64x64xf32>
    %y2 = arith.mulf %y1, %sg : tensor<64x64xf32>
    %yb = arith.truncf %y2 : tensor<64x64xf32> to tensor<64x64xbf16>
    %bf = arith.extf %bc : tensor<64x128xbf16> to tensor<64x128xf32>
    %ww = ssd.broadcast %w dims [1] : tensor<64xf32> -> tensor<64x128xf32>
    %bw = arith.mulf %bf, %ww : tensor<64x128xf32>
    %bb = arith.truncf %bw : tensor<64x128xf32> to tensor<64x128xbf16>
    %dw = ssd.broadcast %d dims [0, 1] : tensor<f32> -> tensor<64x128xf32>
    %sd = arith.mulf %dw, %s : tensor<64x128xf32>
    %sn = ssd.dot %xc, %bb contract [0, 0] init %sd : tensor<64x64xbf16>, tensor<64x128xbf16>, tensor<64x128xf32> -> tensor<64x128xf32>
    ssd.yield %yb, %sn : tensor<64x64xbf16>, tensor<64x128xf32>
  }
  return %y, %sT : tensor<?x?x24x64xbf16>, tensor<?x24x64x128xf32>
}
