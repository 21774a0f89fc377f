// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics -ssd-assign-tiles

func.func @no_schedule(%x: tensor<?x?x4x8xbf16>) -> tensor<?x?x4x8xbf16> {
  // expected-error @below {{has no schedule; a tile program needs its warps and stages}}
  %y = ssd.chunk_scan chunk 64 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xbf16>) {
  ^bb0(%xt: tensor<64x8xbf16>):
    ssd.yield %xt : tensor<64x8xbf16>
  }
  return %y : tensor<?x?x4x8xbf16>
}

// -----

func.func @headdim(%x: tensor<?x?x4x12xbf16>) -> tensor<?x?x4x12xbf16> {
  // expected-error @below {{headdim P is 12, but on the GPU it must be a multiple of 8 and at most 256}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, warps = 4, stages = 2>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x12xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x12xbf16>) {
  ^bb0(%xt: tensor<64x12xbf16>, %s: tensor<12x16xf32>):
    ssd.yield %xt, %s : tensor<64x12xbf16>, tensor<12x16xf32>
  }
  return %y : tensor<?x?x4x12xbf16>
}

// -----

func.func @state_size(%x: tensor<?x?x4x16xbf16>) -> tensor<?x?x4x16xbf16> {
  // expected-error @below {{state size N is 264, but on the GPU it must be a multiple of 8 and at most 256}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, warps = 4, stages = 2>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xbf16>) {
  ^bb0(%xt: tensor<64x16xbf16>, %s: tensor<16x264xf32>):
    ssd.yield %xt, %s : tensor<64x16xbf16>, tensor<16x264xf32>
  }
  return %y : tensor<?x?x4x16xbf16>
}

// -----

func.func @chunk(%x: tensor<?x?x4x16xbf16>) -> tensor<?x?x4x16xbf16> {
  // expected-error @below {{chunk is 32, but 4 warps need a multiple of 64 tokens}}
  %y = ssd.chunk_scan chunk 32 heads 4
      schedule <form = chunked, chunk = 32, sub_block = 16, operand = bf16, warps = 4, stages = 2>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xbf16>) {
  ^bb0(%xt: tensor<32x16xbf16>, %s: tensor<16x16xf32>):
    ssd.yield %xt, %s : tensor<32x16xbf16>, tensor<16x16xf32>
  }
  return %y : tensor<?x?x4x16xbf16>
}

// -----

func.func @warps(%x: tensor<?x?x4x16xbf16>) -> tensor<?x?x4x16xbf16> {
  // expected-error @below {{needs a schedule with 1, 2, 4 or 8 warps on the GPU, but has 3}}
  %y = ssd.chunk_scan chunk 48 heads 4
      schedule <form = chunked, chunk = 48, sub_block = 16, operand = bf16, warps = 3, stages = 2>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xbf16>) {
  ^bb0(%xt: tensor<48x16xbf16>, %s: tensor<16x16xf32>):
    ssd.yield %xt, %s : tensor<48x16xbf16>, tensor<16x16xf32>
  }
  return %y : tensor<?x?x4x16xbf16>
}

// -----

func.func @operand(%x: tensor<?x?x4x16xf32>) -> tensor<?x?x4x16xf32> {
  // expected-error @below {{multiplies 'f32' operands, but tensor cores are used with bf16 and f16 only}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = f32, warps = 4, stages = 2>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xf32>) {
  ^bb0(%xt: tensor<64x16xf32>, %s: tensor<16x16xf32>):
    %n = ssd.dot %xt, %xt contract [0, 0] : tensor<64x16xf32>, tensor<64x16xf32> -> tensor<16x16xf32>
    ssd.yield %xt, %n : tensor<64x16xf32>, tensor<16x16xf32>
  }
  return %y : tensor<?x?x4x16xf32>
}
