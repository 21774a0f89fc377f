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
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, warps = 4, stages = 2>
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
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, warps = 4, stages = 2>
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
      schedule <form = chunked, chunk = 32, sub_block = 16, operand = bf16, weights = keys, warps = 4, stages = 2>
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
      schedule <form = chunked, chunk = 48, sub_block = 16, operand = bf16, weights = keys, warps = 3, stages = 2>
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
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = f32, weights = keys, warps = 4, stages = 2>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xf32>) {
  ^bb0(%xt: tensor<64x16xf32>, %s: tensor<16x16xf32>):
    %n = ssd.dot %xt, %xt contract [0, 0] : tensor<64x16xf32>, tensor<64x16xf32> -> tensor<16x16xf32>
    ssd.yield %xt, %n : tensor<64x16xf32>, tensor<16x16xf32>
  }
  return %y : tensor<?x?x4x16xf32>
}

// -----

func.func @plain_segments(%x: tensor<?x?x4x16xbf16>) -> tensor<?x?x4x16xbf16> {
  // expected-error @below {{has segments of 8 chunks; plain kernels split no sequences}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, warps = 4, stages = 2, segment = 8>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xbf16>) {
  ^bb0(%xt: tensor<64x16xbf16>, %s: tensor<16x16xf32>):
    ssd.yield %xt, %s : tensor<64x16xbf16>, tensor<16x16xf32>
  }
  return %y : tensor<?x?x4x16xbf16>
}

// -----

// A state that is squared: a segment's end does not follow from its start and
// one number.
func.func @segment(%c: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x64xbf16>,
                   %x: tensor<?x?x2x64xbf16>) -> tensor<?x?x2x64xbf16> {
  // expected-error @below {{has no kernel with roles: segments of 16 chunks: a sequence whose state has no scalar transition is not split}}
  %y = ssd.chunk_scan chunk 64 heads 2
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, consumers = 2, segment = 16>
      ins(%c as [batch, time, head, state] : tensor<?x?x1x64xbf16>,
          %b as [batch, time, head, state] : tensor<?x?x1x64xbf16>,
          %x as [batch, time, head, channel] : tensor<?x?x2x64xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x2x64xbf16>) {
  ^bb0(%ct: tensor<64x64xbf16>, %bt: tensor<64x64xbf16>, %xt: tensor<64x64xbf16>, %s: tensor<64x64xf32>):
    %m = ssd.dot %ct, %bt contract [1, 1] : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %mt = arith.truncf %m : tensor<64x64xf32> to tensor<64x64xbf16>
    %y = ssd.dot %mt, %xt contract [1, 0] : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %yt = arith.truncf %y : tensor<64x64xf32> to tensor<64x64xbf16>
    %kept = arith.mulf %s, %s : tensor<64x64xf32>
    %next = ssd.dot %xt, %bt contract [0, 0] init %kept : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32> -> tensor<64x64xf32>
    ssd.yield %yt, %next : tensor<64x64xbf16>, tensor<64x64xf32>
  }
  return %y : tensor<?x?x2x64xbf16>
}

// -----

func.func @team_segment(%c: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x64xbf16>,
                   %x: tensor<?x?x2x64xbf16>) -> tensor<?x?x2x64xbf16> {
  // expected-error @below {{has no kernel with teams: segments of 16 chunks: a sequence whose state has no scalar transition is not split}}
  %y = ssd.chunk_scan chunk 64 heads 2
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, segment = 16>
      ins(%c as [batch, time, head, state] : tensor<?x?x1x64xbf16>,
          %b as [batch, time, head, state] : tensor<?x?x1x64xbf16>,
          %x as [batch, time, head, channel] : tensor<?x?x2x64xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x2x64xbf16>) {
  ^bb0(%ct: tensor<64x64xbf16>, %bt: tensor<64x64xbf16>, %xt: tensor<64x64xbf16>, %s: tensor<64x64xf32>):
    %m = ssd.dot %ct, %bt contract [1, 1] : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %mt = arith.truncf %m : tensor<64x64xf32> to tensor<64x64xbf16>
    %y = ssd.dot %mt, %xt contract [1, 0] : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %yt = arith.truncf %y : tensor<64x64xf32> to tensor<64x64xbf16>
    %kept = arith.mulf %s, %s : tensor<64x64xf32>
    %next = ssd.dot %xt, %bt contract [0, 0] init %kept : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32> -> tensor<64x64xf32>
    ssd.yield %yt, %next : tensor<64x64xbf16>, tensor<64x64xf32>
  }
  return %y : tensor<?x?x2x64xbf16>
}
