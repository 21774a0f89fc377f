// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics -ssd-assign-tiles

func.func @states(%x: tensor<?x?x4x8xbf16>) -> tensor<?x?x4x8xbf16> {
  // expected-error @below {{has no kernel with teams: 0 carried states, kernels with teams have one}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xbf16>) {
  ^bb0(%xt: tensor<64x8xbf16>):
    ssd.yield %xt : tensor<64x8xbf16>
  }
  return %y : tensor<?x?x4x8xbf16>
}

// -----

func.func @state_size(%x: tensor<?x?x4x16xbf16>) -> tensor<?x?x4x16xbf16> {
  // expected-error @below {{has no kernel with teams: a state size of 264, not a multiple of 8 up to 256}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xbf16>) {
  ^bb0(%xt: tensor<64x16xbf16>, %s: tensor<16x264xf32>):
    ssd.yield %xt, %s : tensor<64x16xbf16>, tensor<16x264xf32>
  }
  return %y : tensor<?x?x4x16xbf16>
}

// -----

func.func @masks(%x: tensor<?x?x4x16xbf16>) -> tensor<?x?x4x16xbf16> {
  // expected-error @below {{has no kernel with teams: not exactly one product with a time-by-time tile}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xbf16>) {
  ^bb0(%xt: tensor<64x16xbf16>, %s: tensor<16x32xf32>):
    ssd.yield %xt, %s : tensor<64x16xbf16>, tensor<16x32xf32>
  }
  return %y : tensor<?x?x4x16xbf16>
}

// -----

func.func @constant(%x: tensor<1x64x4x16xbf16>, %b: tensor<1x64x4x16xbf16>) -> tensor<1x64x4x16xbf16> {
  %a = arith.constant dense<-0.5> : tensor<1x64x4xf32>
  // expected-error @below {{has no kernel with teams: operand 0 is a constant over tokens}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16>
      ins(%a as [batch, time, head] : tensor<1x64x4xf32>,
          %b as [batch, time, head, state] : tensor<1x64x4x16xbf16>,
          %x as [batch, time, head, channel] : tensor<1x64x4x16xbf16>)
      outs([batch, time, head, channel] : tensor<1x64x4x16xbf16>) {
  ^bb0(%at: tensor<64xf32>, %bt: tensor<64x16xbf16>, %xt: tensor<64x16xbf16>, %s: tensor<16x16xf32>):
    %m = ssd.segment_decay %at sub_block 16 : (tensor<64xf32>) -> tensor<64x64xf32>
    %r = arith.truncf %m : tensor<64x64xf32> to tensor<64x64xbf16>
    %o = ssd.dot %r, %xt contract [1, 0] : tensor<64x64xbf16>, tensor<64x16xbf16> -> tensor<64x16xf32>
    %y16 = arith.truncf %o : tensor<64x16xf32> to tensor<64x16xbf16>
    ssd.yield %y16, %s : tensor<64x16xbf16>, tensor<16x16xf32>
  }
  return %y : tensor<1x64x4x16xbf16>
}

// -----

func.func @half_decays(%a: tensor<?x?x4xbf16>, %x: tensor<?x?x4x16xbf16>) -> tensor<?x?x4x16xbf16> {
  // expected-error @below {{has no kernel with teams: operand 0 has one 16-bit number a token; kernels with teams take 32}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16>
      ins(%a as [batch, time, head] : tensor<?x?x4xbf16>,
          %x as [batch, time, head, channel] : tensor<?x?x4x16xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xbf16>) {
  ^bb0(%at: tensor<64xbf16>, %xt: tensor<64x16xbf16>, %s: tensor<16x16xf32>):
    %a32 = arith.extf %at : tensor<64xbf16> to tensor<64xf32>
    %m = ssd.segment_decay %a32 sub_block 16 : (tensor<64xf32>) -> tensor<64x64xf32>
    %r = arith.truncf %m : tensor<64x64xf32> to tensor<64x64xbf16>
    %o = ssd.dot %r, %xt contract [1, 0] : tensor<64x64xbf16>, tensor<64x16xbf16> -> tensor<64x16xf32>
    %y16 = arith.truncf %o : tensor<64x16xf32> to tensor<64x16xbf16>
    ssd.yield %y16, %s : tensor<64x16xbf16>, tensor<16x16xf32>
  }
  return %y : tensor<?x?x4x16xbf16>
}

// -----

func.func @output(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x16xbf16>)
    -> (tensor<?x?x4x16xbf16>, tensor<?x?x4xf32>) {
  // expected-error @below {{has no kernel with teams: output 1 is not a tensor over channels}}
  %y:2 = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16>
      ins(%a as [batch, time, head] : tensor<?x?x4xf32>,
          %x as [batch, time, head, channel] : tensor<?x?x4x16xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xbf16>, [batch, time, head] : tensor<?x?x4xf32>) {
  ^bb0(%at: tensor<64xf32>, %xt: tensor<64x16xbf16>, %s: tensor<16x16xf32>):
    %m = ssd.segment_decay %at sub_block 16 : (tensor<64xf32>) -> tensor<64x64xf32>
    %r = arith.truncf %m : tensor<64x64xf32> to tensor<64x64xbf16>
    %o = ssd.dot %r, %xt contract [1, 0] : tensor<64x64xbf16>, tensor<64x16xbf16> -> tensor<64x16xf32>
    %y16 = arith.truncf %o : tensor<64x16xf32> to tensor<64x16xbf16>
    ssd.yield %y16, %at, %s : tensor<64x16xbf16>, tensor<64xf32>, tensor<16x16xf32>
  }
  return %y#0, %y#1 : tensor<?x?x4x16xbf16>, tensor<?x?x4xf32>
}

// -----

func.func @weighted_keys(%a: tensor<?x?x4xf32>, %b: tensor<?x?x4x16xbf16>, %x: tensor<?x?x4x16xbf16>)
    -> tensor<?x?x4x16xbf16> {
  // expected-error @below {{has no kernel with teams: a product has an operand that is neither copied, nor masked, nor the state (state weights belong on the values)}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16>
      ins(%a as [batch, time, head] : tensor<?x?x4xf32>,
          %b as [batch, time, head, state] : tensor<?x?x4x16xbf16>,
          %x as [batch, time, head, channel] : tensor<?x?x4x16xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xbf16>) {
  ^bb0(%at: tensor<64xf32>, %bt: tensor<64x16xbf16>, %xt: tensor<64x16xbf16>, %s: tensor<16x16xf32>):
    %m = ssd.segment_decay %at sub_block 16 : (tensor<64xf32>) -> tensor<64x64xf32>
    %r = arith.truncf %m : tensor<64x64xf32> to tensor<64x64xbf16>
    %o = ssd.dot %r, %xt contract [1, 0] : tensor<64x64xbf16>, tensor<64x16xbf16> -> tensor<64x16xf32>
    %y16 = arith.truncf %o : tensor<64x16xf32> to tensor<64x16xbf16>
    %w = ssd.broadcast %at dims [1] : tensor<64xf32> -> tensor<64x16xf32>
    %b32 = arith.extf %bt : tensor<64x16xbf16> to tensor<64x16xf32>
    %k = arith.mulf %w, %b32 : tensor<64x16xf32>
    %keys = arith.truncf %k : tensor<64x16xf32> to tensor<64x16xbf16>
    %next = ssd.dot %xt, %keys contract [0, 0] init %s : tensor<64x16xbf16>, tensor<64x16xbf16>, tensor<16x16xf32> -> tensor<16x16xf32>
    ssd.yield %y16, %next : tensor<64x16xbf16>, tensor<16x16xf32>
  }
  return %y : tensor<?x?x4x16xbf16>
}

// -----

func.func @warps(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x64xbf16>) -> tensor<?x?x4x64xbf16> {
  // expected-error @below {{has no kernel with teams: 3 warps are not teams of 4 whose number divides the 4 heads and slices}}
  %y = ssd.chunk_scan chunk 64 heads 4
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, warps = 3>
      ins(%a as [batch, time, head] : tensor<?x?x4xf32>,
          %x as [batch, time, head, channel] : tensor<?x?x4x64xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x4x64xbf16>) {
  ^bb0(%at: tensor<64xf32>, %xt: tensor<64x64xbf16>, %s: tensor<64x16xf32>):
    %m = ssd.segment_decay %at sub_block 16 : (tensor<64xf32>) -> tensor<64x64xf32>
    %r = arith.truncf %m : tensor<64x64xf32> to tensor<64x64xbf16>
    %o = ssd.dot %r, %xt contract [1, 0] : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %y16 = arith.truncf %o : tensor<64x64xf32> to tensor<64x64xbf16>
    ssd.yield %y16, %s : tensor<64x64xbf16>, tensor<64x16xf32>
  }
  return %y : tensor<?x?x4x64xbf16>
}
