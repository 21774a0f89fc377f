// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics -ssd-assign-tiles

func.func @shape(%x: tensor<?x?x4x16xf32>, %b: tensor<?x?x4x16xf32>) -> tensor<?x?x4x16xf32> {
  // expected-error @below {{has no recurrent kernel: 12 channels are not a multiple of 8 up to the headdim 16}}
  %y = ssd.chunk_scan chunk 1 heads 4
      schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32, channels = 12, warps = 4>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xf32>, %b as [batch, time, head, state] : tensor<?x?x4x16xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xf32>) {
  ^bb0(%xt: tensor<1x16xf32>, %bt: tensor<1x16xf32>, %s: tensor<16x16xf32>):
    ssd.yield %xt, %s : tensor<1x16xf32>, tensor<16x16xf32>
  }
  return %y : tensor<?x?x4x16xf32>
}

// -----

func.func @channels(%x: tensor<?x?x4x16xf32>, %b: tensor<?x?x4x32xf32>) -> tensor<?x?x4x16xf32> {
  %y = ssd.chunk_scan chunk 1 heads 4
      schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32, channels = 16, warps = 4>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xf32>, %b as [batch, time, head, state] : tensor<?x?x4x32xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xf32>) {
  ^bb0(%xt: tensor<1x16xf32>, %bt: tensor<1x32xf32>, %s: tensor<16x32xf32>):
    // expected-error @below {{'ssd.dot' has no recurrent GPU form: it sums over channels, which thread blocks divide}}
    %r = ssd.dot %xt, %s contract [1, 0] : tensor<1x16xf32>, tensor<16x32xf32> -> tensor<1x32xf32>
    %n = ssd.dot %xt, %r contract [0, 0] init %s : tensor<1x16xf32>, tensor<1x32xf32>, tensor<16x32xf32> -> tensor<16x32xf32>
    ssd.yield %xt, %n : tensor<1x16xf32>, tensor<16x32xf32>
  }
  return %y : tensor<?x?x4x16xf32>
}

// -----

func.func @order(%x: tensor<?x?x4x16xf32>, %b: tensor<?x?x4x32xf32>) -> tensor<?x?x4x16xf32> {
  %y = ssd.chunk_scan chunk 1 heads 4
      schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32, channels = 16, warps = 4>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x16xf32>, %b as [batch, time, head, state] : tensor<?x?x4x32xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x16xf32>) {
  ^bb0(%xt: tensor<1x16xf32>, %bt: tensor<1x32xf32>, %s: tensor<16x32xf32>):
    // expected-error @below {{'ssd.dot' has no recurrent GPU form: its axes are not channels by states}}
    %r = ssd.dot %bt, %xt contract [0, 0] : tensor<1x32xf32>, tensor<1x16xf32> -> tensor<32x16xf32>
    %y = ssd.dot %bt, %r contract [1, 0] : tensor<1x32xf32>, tensor<32x16xf32> -> tensor<1x16xf32>
    ssd.yield %y, %s : tensor<1x16xf32>, tensor<16x32xf32>
  }
  return %y : tensor<?x?x4x16xf32>
}

// -----

func.func @splat(%x: tensor<?x?x4x8xf32>, %b: tensor<?x?x4x32xf32>) -> tensor<?x?x4x8xf32> {
  %y = ssd.chunk_scan chunk 1 heads 4
      schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32, channels = 8, warps = 4>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>, %b as [batch, time, head, state] : tensor<?x?x4x32xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<1x8xf32>, %bt: tensor<1x32xf32>, %s: tensor<8x32xf32>):
    // expected-error @below {{'arith.constant' has no recurrent GPU form: it is no splat}}
    %k = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]]> : tensor<1x8xf32>
    %y = arith.addf %xt, %k : tensor<1x8xf32>
    ssd.yield %y, %s : tensor<1x8xf32>, tensor<8x32xf32>
  }
  return %y : tensor<?x?x4x8xf32>
}

// -----

func.func @operation(%x: tensor<?x?x4x8xf32>, %b: tensor<?x?x4x32xf32>) -> tensor<?x?x4x8xf32> {
  %y = ssd.chunk_scan chunk 1 heads 4
      schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32, channels = 8, warps = 4>
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>, %b as [batch, time, head, state] : tensor<?x?x4x32xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<1x8xf32>, %bt: tensor<1x32xf32>, %s: tensor<8x32xf32>):
    // expected-error @below {{'ssd.range_scale' has no recurrent GPU form: it is not element-wise}}
    %k = ssd.range_scale %s : tensor<8x32xf32> -> tensor<f32>
    %w = ssd.broadcast %k dims [0, 1] : tensor<f32> -> tensor<1x8xf32>
    %y = arith.addf %xt, %w : tensor<1x8xf32>
    ssd.yield %y, %s : tensor<1x8xf32>, tensor<8x32xf32>
  }
  return %y : tensor<?x?x4x8xf32>
}
