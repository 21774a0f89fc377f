// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// REQUIRES: ptxas
// RUN: mamba-opt %s -ssd-assign-tiles -canonicalize -cse -o %t.mlir
// RUN: mamba-opt %t.mlir -print-ptx=target=sm_80 -o /dev/null > %t.80.ptx
// RUN: %assemble --arch=sm_80,sm_86,sm_89 %t.80.ptx
// RUN: mamba-opt %t.mlir -print-ptx=target=sm_90a -o /dev/null > %t.90.ptx
// RUN: %assemble --arch=sm_90a %t.90.ptx
// RUN: mamba-opt %t.mlir -print-ptx=target=sm_100a -o /dev/null > %t.100.ptx
// RUN: %assemble --arch=sm_100a %t.100.ptx
// RUN: mamba-opt %t.mlir -print-ptx=target=sm_120 -o /dev/null > %t.120.ptx
// RUN: %assemble --arch=sm_120 %t.120.ptx

// Mamba-2 mixers over the sizes that every target holds: no spill anywhere.
func.func @wide(%x: tensor<?x?x4x64xbf16>, %dt: tensor<?x?x4xf32>, %A: tensor<4xf32>, %b: tensor<?x?x1x64xbf16>, %c: tensor<?x?x1x64xbf16>, %D: tensor<4xf32>, %s0: tensor<?x4x64x64xf32>) -> (tensor<?x?x4x64xbf16>, tensor<?x4x64x64xf32>) {
  %y, %sT = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, warps = 4, stages = 2>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x64xbf16>, %dt as [batch, time, head] : tensor<?x?x4xf32>, %A as [head] : tensor<4xf32>, %b as [batch, time, head, state] : tensor<?x?x1x64xbf16>, %c as [batch, time, head, state] : tensor<?x?x1x64xbf16>, %D as [head] : tensor<4xf32>)
      inits(%s0 : tensor<?x4x64x64xf32>) outs([batch, time, head, channel] : tensor<?x?x4x64xbf16>) finals(tensor<?x4x64x64xf32>) {
  ^bb0(%xc: tensor<64x64xbf16>, %dtc: tensor<64xf32>, %Ac: tensor<f32>, %bc: tensor<64x64xbf16>, %cc: tensor<64x64xbf16>, %Dc: tensor<f32>, %s: tensor<64x64xf32>):
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
    %G = ssd.dot %cc, %bc contract [1, 1] : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %M0 = arith.mulf %L, %G : tensor<64x64xf32>
    %dtb = ssd.broadcast %dt0 dims [0] : tensor<64xf32> -> tensor<64x64xf32>
    %M = arith.mulf %M0, %dtb : tensor<64x64xf32>
    %Mb = arith.truncf %M : tensor<64x64xf32> to tensor<64x64xbf16>
    %sb = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
    %r = ssd.dot %cc, %sb contract [1, 1] : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %ew = ssd.broadcast %e dims [1] : tensor<64xf32> -> tensor<64x64xf32>
    %re = arith.mulf %ew, %r : tensor<64x64xf32>
    %y0 = ssd.dot %Mb, %xc contract [1, 0] init %re : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32> -> tensor<64x64xf32>
    %xf = arith.extf %xc : tensor<64x64xbf16> to tensor<64x64xf32>
    %Db = ssd.broadcast %Dc dims [0, 1] : tensor<f32> -> tensor<64x64xf32>
    %dx = arith.mulf %xf, %Db : tensor<64x64xf32>
    %y1 = arith.addf %y0, %dx : tensor<64x64xf32>
    %yb = arith.truncf %y1 : tensor<64x64xf32> to tensor<64x64xbf16>
    %bf = arith.extf %bc : tensor<64x64xbf16> to tensor<64x64xf32>
    %ww = ssd.broadcast %w dims [1] : tensor<64xf32> -> tensor<64x64xf32>
    %bw = arith.mulf %bf, %ww : tensor<64x64xf32>
    %bb = arith.truncf %bw : tensor<64x64xf32> to tensor<64x64xbf16>
    %dw = ssd.broadcast %d dims [0, 1] : tensor<f32> -> tensor<64x64xf32>
    %sd = arith.mulf %dw, %s : tensor<64x64xf32>
    %sn = ssd.dot %xc, %bb contract [0, 0] init %sd : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32> -> tensor<64x64xf32>
    ssd.yield %yb, %sn : tensor<64x64xbf16>, tensor<64x64xf32>
  }
  return %y, %sT : tensor<?x?x4x64xbf16>, tensor<?x4x64x64xf32>
}

func.func @odd(%x: tensor<?x?x4x40xf16>, %dt: tensor<?x?x4xf32>, %A: tensor<4xf32>, %b: tensor<?x?x2x24xf16>, %c: tensor<?x?x2x24xf16>, %z: tensor<?x?x4x40xf16>, %s0: tensor<?x4x40x24xf32>) -> (tensor<?x?x4x40xf16>, tensor<?x4x40x24xf32>) {
  %y, %sT = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = f16, weights = keys, warps = 4, stages = 2>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x40xf16>, %dt as [batch, time, head] : tensor<?x?x4xf32>, %A as [head] : tensor<4xf32>, %b as [batch, time, head, state] : tensor<?x?x2x24xf16>, %c as [batch, time, head, state] : tensor<?x?x2x24xf16>, %z as [batch, time, head, channel] : tensor<?x?x4x40xf16>)
      inits(%s0 : tensor<?x4x40x24xf32>) outs([batch, time, head, channel] : tensor<?x?x4x40xf16>) finals(tensor<?x4x40x24xf32>) {
  ^bb0(%xc: tensor<64x40xf16>, %dtc: tensor<64xf32>, %Ac: tensor<f32>, %bc: tensor<64x24xf16>, %cc: tensor<64x24xf16>, %zc: tensor<64x40xf16>, %s: tensor<40x24xf32>):
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
    %G = ssd.dot %cc, %bc contract [1, 1] : tensor<64x24xf16>, tensor<64x24xf16> -> tensor<64x64xf32>
    %M0 = arith.mulf %L, %G : tensor<64x64xf32>
    %dtb = ssd.broadcast %dt0 dims [0] : tensor<64xf32> -> tensor<64x64xf32>
    %M = arith.mulf %M0, %dtb : tensor<64x64xf32>
    %Mb = arith.truncf %M : tensor<64x64xf32> to tensor<64x64xf16>
    %sb = arith.truncf %s : tensor<40x24xf32> to tensor<40x24xf16>
    %r = ssd.dot %cc, %sb contract [1, 1] : tensor<64x24xf16>, tensor<40x24xf16> -> tensor<64x40xf32>
    %ew = ssd.broadcast %e dims [1] : tensor<64xf32> -> tensor<64x40xf32>
    %re = arith.mulf %ew, %r : tensor<64x40xf32>
    %y0 = ssd.dot %Mb, %xc contract [1, 0] init %re : tensor<64x64xf16>, tensor<64x40xf16>, tensor<64x40xf32> -> tensor<64x40xf32>
    %zf = arith.extf %zc : tensor<64x40xf16> to tensor<64x40xf32>
    %one = arith.constant dense<1.0> : tensor<64x40xf32>
    %nz = arith.negf %zf : tensor<64x40xf32>
    %ez = math.exp %nz : tensor<64x40xf32>
    %ez1 = arith.addf %ez, %one : tensor<64x40xf32>
    %sg = arith.divf %zf, %ez1 : tensor<64x40xf32>
    %y2 = arith.mulf %y0, %sg : tensor<64x40xf32>
    %yb = arith.truncf %y2 : tensor<64x40xf32> to tensor<64x40xf16>
    %bf = arith.extf %bc : tensor<64x24xf16> to tensor<64x24xf32>
    %ww = ssd.broadcast %w dims [1] : tensor<64xf32> -> tensor<64x24xf32>
    %bw = arith.mulf %bf, %ww : tensor<64x24xf32>
    %bb = arith.truncf %bw : tensor<64x24xf32> to tensor<64x24xf16>
    %dw = ssd.broadcast %d dims [0, 1] : tensor<f32> -> tensor<40x24xf32>
    %sd = arith.mulf %dw, %s : tensor<40x24xf32>
    %sn = ssd.dot %xc, %bb contract [0, 0] init %sd : tensor<64x40xf16>, tensor<64x24xf16>, tensor<40x24xf32> -> tensor<40x24xf32>
    ssd.yield %yb, %sn : tensor<64x40xf16>, tensor<40x24xf32>
  }
  return %y, %sT : tensor<?x?x4x40xf16>, tensor<?x4x40x24xf32>
}

func.func @small(%x: tensor<?x?x3x8xbf16>, %dt: tensor<?x?x3xf32>, %A: tensor<3xf32>, %b: tensor<?x?x3x8xbf16>, %c: tensor<?x?x3x8xbf16>, %s0: tensor<?x3x8x8xf32>) -> (tensor<?x?x3x8xbf16>, tensor<?x3x8x8xf32>) {
  %y, %sT = ssd.chunk_scan chunk 64 heads 3
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, warps = 4, stages = 2>
      ins(%x as [batch, time, head, channel] : tensor<?x?x3x8xbf16>, %dt as [batch, time, head] : tensor<?x?x3xf32>, %A as [head] : tensor<3xf32>, %b as [batch, time, head, state] : tensor<?x?x3x8xbf16>, %c as [batch, time, head, state] : tensor<?x?x3x8xbf16>)
      inits(%s0 : tensor<?x3x8x8xf32>) outs([batch, time, head, channel] : tensor<?x?x3x8xbf16>) finals(tensor<?x3x8x8xf32>) {
  ^bb0(%xc: tensor<64x8xbf16>, %dtc: tensor<64xf32>, %Ac: tensor<f32>, %bc: tensor<64x8xbf16>, %cc: tensor<64x8xbf16>, %s: tensor<8x8xf32>):
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
    %G = ssd.dot %cc, %bc contract [1, 1] : tensor<64x8xbf16>, tensor<64x8xbf16> -> tensor<64x64xf32>
    %M0 = arith.mulf %L, %G : tensor<64x64xf32>
    %dtb = ssd.broadcast %dt0 dims [0] : tensor<64xf32> -> tensor<64x64xf32>
    %M = arith.mulf %M0, %dtb : tensor<64x64xf32>
    %Mb = arith.truncf %M : tensor<64x64xf32> to tensor<64x64xbf16>
    %sb = arith.truncf %s : tensor<8x8xf32> to tensor<8x8xbf16>
    %r = ssd.dot %cc, %sb contract [1, 1] : tensor<64x8xbf16>, tensor<8x8xbf16> -> tensor<64x8xf32>
    %ew = ssd.broadcast %e dims [1] : tensor<64xf32> -> tensor<64x8xf32>
    %re = arith.mulf %ew, %r : tensor<64x8xf32>
    %y0 = ssd.dot %Mb, %xc contract [1, 0] init %re : tensor<64x64xbf16>, tensor<64x8xbf16>, tensor<64x8xf32> -> tensor<64x8xf32>
    %yb = arith.truncf %y0 : tensor<64x8xf32> to tensor<64x8xbf16>
    %bf = arith.extf %bc : tensor<64x8xbf16> to tensor<64x8xf32>
    %ww = ssd.broadcast %w dims [1] : tensor<64xf32> -> tensor<64x8xf32>
    %bw = arith.mulf %bf, %ww : tensor<64x8xf32>
    %bb = arith.truncf %bw : tensor<64x8xf32> to tensor<64x8xbf16>
    %dw = ssd.broadcast %d dims [0, 1] : tensor<f32> -> tensor<8x8xf32>
    %sd = arith.mulf %dw, %s : tensor<8x8xf32>
    %sn = ssd.dot %xc, %bb contract [0, 0] init %sd : tensor<64x8xbf16>, tensor<64x8xbf16>, tensor<8x8xf32> -> tensor<8x8xf32>
    ssd.yield %yb, %sn : tensor<64x8xbf16>, tensor<8x8xf32>
  }
  return %y, %sT : tensor<?x?x3x8xbf16>, tensor<?x3x8x8xf32>
}
