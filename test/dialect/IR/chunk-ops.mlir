// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s | FileCheck %s
// RUN: mamba-opt %s | mamba-opt | FileCheck %s
// RUN: mamba-opt %s -mlir-print-op-generic | mamba-opt | FileCheck %s

// CHECK-LABEL: func.func @state_passing
// CHECK-SAME: %[[A:.*]]: tensor<?x?x4xf32>, %[[X:.*]]: tensor<?x?x4x8xbf16>
// CHECK-SAME: %[[S0:.*]]: tensor<?x4x8x1xf32>
func.func @state_passing(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xbf16>,
                         %s0: tensor<?x4x8x1xf32>)
    -> (tensor<?x?x4x8xbf16>, tensor<?x4x8x1xf32>) {
  // CHECK: %{{.*}}, %{{.*}} = ssd.chunk_scan chunk 16 heads 4 reverse
  // CHECK-SAME: schedule <form = chunked, chunk = 16, sub_block = 8, operand = bf16>
  // CHECK-SAME: ins(%[[A]] as [batch, time, head] : tensor<?x?x4xf32>,
  // CHECK-SAME: %[[X]] as [batch, time, head, channel] : tensor<?x?x4x8xbf16>)
  // CHECK-SAME: inits(%[[S0]] : tensor<?x4x8x1xf32>)
  // CHECK-SAME: outs([batch, time, head, channel] : tensor<?x?x4x8xbf16>)
  // CHECK-SAME: finals(tensor<?x4x8x1xf32>)
  // CHECK: ^bb0(%{{.*}}: tensor<16xf32>, %[[XT:.*]]: tensor<16x8xbf16>, %[[S:.*]]: tensor<8x1xf32>):
  // CHECK: ssd.yield %[[XT]], %[[S]] : tensor<16x8xbf16>, tensor<8x1xf32>
  %y, %s1 = ssd.chunk_scan chunk 16 heads 4 reverse
      schedule <form = chunked, chunk = 16, sub_block = 8, operand = bf16>
      ins(%a as [batch, time, head] : tensor<?x?x4xf32>,
          %x as [batch, time, head, channel] : tensor<?x?x4x8xbf16>)
      inits(%s0 : tensor<?x4x8x1xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xbf16>)
      finals(tensor<?x4x8x1xf32>) {
  ^bb0(%at: tensor<16xf32>, %xt: tensor<16x8xbf16>, %s: tensor<8x1xf32>):
    ssd.yield %xt, %s : tensor<16x8xbf16>, tensor<8x1xf32>
  }
  return %y, %s1 : tensor<?x?x4x8xbf16>, tensor<?x4x8x1xf32>
}

// A constant per head is a scalar tile, shared heads are cut like any other.
// CHECK-LABEL: func.func @operands
func.func @operands(%gamma: tensor<4xf32>, %b: tensor<?x?x2x16xf16>) -> tensor<?x?x4xf32> {
  // CHECK: as [head] : tensor<4xf32>
  // CHECK-SAME: as [batch, time, head, state] : tensor<?x?x2x16xf16>
  // CHECK: ^bb0(%{{.*}}: tensor<f32>, %{{.*}}: tensor<32x16xf16>):
  %y = ssd.chunk_scan chunk 32 heads 4
      ins(%gamma as [head] : tensor<4xf32>,
          %b as [batch, time, head, state] : tensor<?x?x2x16xf16>)
      outs([batch, time, head] : tensor<?x?x4xf32>) {
  ^bb0(%g: tensor<f32>, %bt: tensor<32x16xf16>):
    // CHECK: ssd.broadcast %{{.*}} dims [0] : tensor<f32> -> tensor<32xf32>
    %r = ssd.broadcast %g dims [0] : tensor<f32> -> tensor<32xf32>
    // CHECK: ssd.pad %{{.*}} with -1.500000e+00 : tensor<32xf32>
    %p = ssd.pad %r with -1.5 : tensor<32xf32>
    // CHECK: ssd.yield %{{.*}} : tensor<32xf32>
    ssd.yield %p : tensor<32xf32>
  }
  return %y : tensor<?x?x4xf32>
}

// CHECK-LABEL: func.func @tiles
func.func @tiles(%v: tensor<64xf32>, %m: tensor<64x32xbf16>, %s: tensor<32x16xf32>) {
  // CHECK: ssd.dot %{{.*}}, %{{.*}} contract [0, 0] : tensor<64x32xbf16>, tensor<64x32xbf16> -> tensor<32x32xf32>
  %0 = ssd.dot %m, %m contract [0, 0] : tensor<64x32xbf16>, tensor<64x32xbf16> -> tensor<32x32xf32>
  // CHECK: ssd.dot %{{.*}}, %{{.*}} contract [1, 0] init %{{.*}} : tensor<32x32xf32>, tensor<32x16xf32>, tensor<32x16xf32> -> tensor<32x16xf32>
  %1 = ssd.dot %0, %s contract [1, 0] init %s : tensor<32x32xf32>, tensor<32x16xf32>, tensor<32x16xf32> -> tensor<32x16xf32>
  // CHECK: ssd.broadcast %{{.*}} dims [0, 2] : tensor<64xf32> -> tensor<2x64x4xf32>
  %2 = ssd.broadcast %v dims [0, 2] : tensor<64xf32> -> tensor<2x64x4xf32>
  // CHECK: ssd.cumsum %{{.*}} : tensor<64xf32>
  %3 = ssd.cumsum %v : tensor<64xf32>
  // CHECK: ssd.cumsum %{{.*}} exclusive reverse : tensor<64xf32>
  %4 = ssd.cumsum %v exclusive reverse : tensor<64xf32>
  // CHECK: ssd.reduce_sum %{{.*}} : tensor<64xf32> -> tensor<f32>
  %5 = ssd.reduce_sum %v : tensor<64xf32> -> tensor<f32>
  // CHECK: ssd.range_scale %{{.*}} : tensor<32x16xf32> -> tensor<f32>
  %scale = ssd.range_scale %1 : tensor<32x16xf32> -> tensor<f32>
  // CHECK: ssd.segment_decay %{{.*}} sub_block 16 strict transposed : (tensor<64xf32>) -> tensor<64x64xf32>
  %6 = ssd.segment_decay %v sub_block 16 strict transposed : (tensor<64xf32>) -> tensor<64x64xf32>
  // CHECK: ssd.segment_decay sub_block 64 : () -> tensor<64x64xf32>
  %7 = ssd.segment_decay sub_block 64 : () -> tensor<64x64xf32>
  return
}
