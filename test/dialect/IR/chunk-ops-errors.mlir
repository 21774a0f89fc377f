// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

// pad (C2)
func.func @f(%v: tensor<16xf32>) {
  // expected-error @below {{must be in the body of ssd.chunk_scan}}
  %p = ssd.pad %v with 0.0 : tensor<16xf32>
  return
}

// -----
// dot (C1)
func.func @f(%v: tensor<16xf32>) {
  // expected-error @below {{expects operands and result of rank 2}}
  %0 = ssd.dot %v, %v contract [0, 0] : tensor<16xf32>, tensor<16xf32> -> tensor<16x16xf32>
  return
}

// -----
// dot (C1)
func.func @f(%a: tensor<4x8xf32>) {
  // expected-error @below {{contract must name dimension 0 or 1 of each operand}}
  %0 = ssd.dot %a, %a contract [1, 2] : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x4xf32>
  return
}

// -----
// dot (C1)
func.func @f(%a: tensor<4x8xf32>) {
  // expected-error @below {{contracts sizes 8 and 4, which differ}}
  %0 = ssd.dot %a, %a contract [1, 0] : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  return
}

// -----
// dot (C1)
func.func @f(%a: tensor<4x8xf32>) {
  // expected-error @below {{result must be 4x4, but is 'tensor<8x8xf32>'}}
  %0 = ssd.dot %a, %a contract [1, 1] : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<8x8xf32>
  return
}

// -----
// dot (C1)
func.func @f(%a: tensor<4x8xf32>) {
  // expected-error @below {{init must have the result's type 'tensor<4x4xf32>'}}
  %0 = ssd.dot %a, %a contract [1, 1] init %a : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x4xf32>
  return
}

// -----
// dot (C2)
func.func @f(%a: tensor<4x8xf32>, %b: tensor<4x8xbf16>) {
  // expected-error @below {{operands must have one element type, but have 'f32' and 'bf16'}}
  %0 = ssd.dot %a, %b contract [1, 1] : tensor<4x8xf32>, tensor<4x8xbf16> -> tensor<4x4xf32>
  return
}

// -----
// broadcast (C1)
func.func @f(%v: tensor<16xf32>) {
  // expected-error @below {{result 'tensor<8x16xf32>' without its new axes is not 'tensor<16xf32>'}}
  %0 = ssd.broadcast %v dims [1] : tensor<16xf32> -> tensor<8x16xf32>
  return
}

// -----
// broadcast (C1)
func.func @f(%v: tensor<16xf32>) {
  // expected-error @below {{result 'tensor<16x8xbf16>' without its new axes is not 'tensor<16xf32>'}}
  %0 = ssd.broadcast %v dims [1] : tensor<16xf32> -> tensor<16x8xbf16>
  return
}

// -----
// cumsum (C1)
func.func @f(%v: tensor<4x8xf32>) {
  // expected-error @below {{expects a tile of rank 1, but got 'tensor<4x8xf32>'}}
  %0 = ssd.cumsum %v : tensor<4x8xf32>
  return
}

// -----
// reduce_sum (C1)
func.func @f(%v: tensor<4x8xf32>) {
  // expected-error @below {{expects a tile of rank 1 and a scalar tile of its element type, but got 'tensor<4x8xf32>' and 'tensor<f32>'}}
  %0 = ssd.reduce_sum %v : tensor<4x8xf32> -> tensor<f32>
  return
}

// -----
// range_scale (C1)
func.func @f(%s: tensor<4x8xbf16>) {
  // expected-error @below {{expects an f32 tile of rank 2 and an f32 scalar tile, but got 'tensor<4x8xbf16>' and 'tensor<f32>'}}
  %0 = ssd.range_scale %s : tensor<4x8xbf16> -> tensor<f32>
  return
}

// -----
// segment_decay (C1)
func.func @f(%v: tensor<16xf32>) {
  // expected-error @below {{result must be a square tile, but is 'tensor<16x8xf32>'}}
  %0 = ssd.segment_decay %v sub_block 8 : (tensor<16xf32>) -> tensor<16x8xf32>
  return
}

// -----
// segment_decay (C1)
func.func @f(%v: tensor<16xf32>) {
  // expected-error @below {{log_decay must have 8 elements, but is 'tensor<16xf32>'}}
  %0 = ssd.segment_decay %v sub_block 8 : (tensor<16xf32>) -> tensor<8x8xf32>
  return
}

// -----
// segment_decay (C2)
func.func @f(%v: tensor<16xf32>) {
  // expected-error @below {{sub_block must be in 1..16, but is 0}}
  %0 = ssd.segment_decay %v sub_block 0 : (tensor<16xf32>) -> tensor<16x16xf32>
  return
}

// -----
// segment_decay (C2)
func.func @f() {
  // expected-error @below {{sub_block must be in 1..16, but is 32}}
  %0 = ssd.segment_decay sub_block 32 : () -> tensor<16x16xf32>
  return
}

// -----
// yield stands in a chunk_scan
func.func @f() {
  // expected-error @below {{expects parent op 'ssd.chunk_scan'}}
  ssd.yield
}
