// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s | FileCheck %s
// RUN: mamba-opt %s | mamba-opt | FileCheck %s
// RUN: mamba-opt %s -mlir-print-op-generic | mamba-opt | FileCheck %s

// Result types are inferred: support, head count, strictness.

// CHECK-LABEL: func.func @constructors
// CHECK-SAME: %[[A:.*]]: tensor<?x?x24xf32>, %[[GAMMA:.*]]: tensor<24xf32>
// CHECK-SAME: %[[B:[^:]*]]: tensor<?x?x1x128xbf16>, %[[C:[^:]*]]: tensor<?x?x8x128xbf16>
func.func @constructors(%a: tensor<?x?x24xf32>, %gamma: tensor<24xf32>,
                        %b: tensor<?x?x1x128xbf16>,
                        %c: tensor<?x?x8x128xbf16>) {
  // CHECK: ssd.decay %[[A]] : tensor<?x?x24xf32>
  %0 = ssd.decay %a : tensor<?x?x24xf32>
  // CHECK: ssd.decay %[[GAMMA]] : tensor<24xf32>
  %1 = ssd.decay %gamma : tensor<24xf32>
  // CHECK: ssd.causal : <?x1x?, causal>
  %2 = ssd.causal : !ssd.matrix<?x1x?, causal>
  // CHECK: ssd.causal : <2x4x100, causal, strict>
  %3 = ssd.causal : !ssd.matrix<2x4x100, causal, strict>
  // CHECK: ssd.low_rank %[[C]], %[[B]] : tensor<?x?x8x128xbf16>, tensor<?x?x1x128xbf16>
  %4 = ssd.low_rank %c, %b : tensor<?x?x8x128xbf16>, tensor<?x?x1x128xbf16>
  // CHECK: ssd.state_space %[[C]], %[[B]] : tensor<?x?x8x128xbf16>, tensor<?x?x1x128xbf16>
  %5 = ssd.state_space %c, %b : tensor<?x?x8x128xbf16>, tensor<?x?x1x128xbf16>
  // CHECK: ssd.state_space %[[C]], %[[B]] decay %[[A]] strict
  // CHECK-SAME: : tensor<?x?x8x128xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x24xf32>
  %6 = ssd.state_space %c, %b decay %a strict
      : tensor<?x?x8x128xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x24xf32>
  return
}

// CHECK-LABEL: func.func @algebra
// CHECK-SAME: %[[A:.*]]: tensor<2x?x4xf32>, %[[D:[^:]*]]: tensor<?x9x4xf32>
// CHECK-SAME: %[[B:[^:]*]]: tensor<?x?x8x16xf16>
func.func @algebra(%a: tensor<2x?x4xf32>, %d: tensor<?x9x4xf32>,
                   %b: tensor<?x?x8x16xf16>) {
  // CHECK: %[[L:.*]] = ssd.decay
  %L = ssd.decay %a : tensor<2x?x4xf32>
  // CHECK: %[[G:.*]] = ssd.low_rank
  %G = ssd.low_rank %b, %b : tensor<?x?x8x16xf16>, tensor<?x?x8x16xf16>
  // CHECK: %[[M:.*]] = ssd.hadamard %[[L]], %[[G]] : <2x4x?, causal>, <?x8x?, full>
  %M = ssd.hadamard %L, %G : !ssd.matrix<2x4x?, causal>, !ssd.matrix<?x8x?, full>
  // CHECK: %[[R:.*]] = ssd.scale_rows %[[M]], %[[D]] : <2x8x?, causal>, tensor<?x9x4xf32>
  %R = ssd.scale_rows %M, %d : !ssd.matrix<2x8x?, causal>, tensor<?x9x4xf32>
  // CHECK: %[[S:.*]] = ssd.scale_columns %[[R]], %[[D]] : <2x8x9, causal>, tensor<?x9x4xf32>
  %S = ssd.scale_columns %R, %d : !ssd.matrix<2x8x9, causal>, tensor<?x9x4xf32>
  // CHECK: %[[T:.*]] = ssd.transpose %[[S]] : <2x8x9, causal>
  %T = ssd.transpose %S : !ssd.matrix<2x8x9, causal>
  // CHECK: ssd.add %[[S]], %[[T]] : <2x8x9, causal>, <2x8x9, anticausal>
  %sum = ssd.add %S, %T : !ssd.matrix<2x8x9, causal>, !ssd.matrix<2x8x9, anticausal>
  // CHECK: ssd.transpose %{{.*}} : <2x8x9, full>
  %mirrored = ssd.transpose %sum : !ssd.matrix<2x8x9, full>
  return
}

// The product is strict when one factor is, the sum when both are.
// CHECK-LABEL: func.func @strictness
func.func @strictness() {
  %I = ssd.causal : !ssd.matrix<?x1x?, causal>
  %N = ssd.causal : !ssd.matrix<?x1x?, causal, strict>
  %0 = ssd.hadamard %I, %N : !ssd.matrix<?x1x?, causal>, !ssd.matrix<?x1x?, causal, strict>
  // CHECK: ssd.transpose %{{.*}} : <?x1x?, causal, strict>
  %1 = ssd.transpose %0 : !ssd.matrix<?x1x?, causal, strict>
  %2 = ssd.add %I, %N : !ssd.matrix<?x1x?, causal>, !ssd.matrix<?x1x?, causal, strict>
  // CHECK: ssd.transpose %{{.*}} : <?x1x?, causal>
  %3 = ssd.transpose %2 : !ssd.matrix<?x1x?, causal>
  %4 = ssd.add %N, %N : !ssd.matrix<?x1x?, causal, strict>, !ssd.matrix<?x1x?, causal, strict>
  // CHECK: ssd.transpose %{{.*}} : <?x1x?, causal, strict>
  %5 = ssd.transpose %4 : !ssd.matrix<?x1x?, causal, strict>
  return
}

// CHECK-LABEL: func.func @apply
// CHECK-SAME: %[[X:.*]]: tensor<?x?x1x8xf32>, %[[S0:.*]]: tensor<?x4x8x1xf32>
func.func @apply(%x: tensor<?x?x1x8xf32>, %s0: tensor<?x4x8x1xf32>,
                 %a: tensor<?x?x4xf32>) {
  // CHECK: %[[L:.*]] = ssd.decay
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // CHECK: ssd.apply %[[L]], %[[X]] : <?x4x?, causal>, tensor<?x?x1x8xf32> -> tensor<?x?x4x8xf32>
  %0 = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x1x8xf32> -> tensor<?x?x4x8xf32>
  // CHECK: %{{.*}}, %{{.*}} = ssd.apply %[[L]], %[[X]] init %[[S0]]
  // CHECK-SAME: schedule <form = chunked, chunk = 64, sub_block = 16, operand = f32>
  // CHECK-SAME: -> tensor<?x?x4x8xbf16>, tensor<?x4x8x1xf32>
  %1, %s1 = ssd.apply %L, %x init %s0
      schedule <form = chunked, chunk = 64, sub_block = 16, operand = f32>
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x1x8xf32>, tensor<?x4x8x1xf32>
      -> tensor<?x?x4x8xbf16>, tensor<?x4x8x1xf32>
  // CHECK: ssd.apply %[[L]], %[[X]] schedule <form = recurrent, chunk = 1, sub_block = 1, operand = bf16, weights = keys, channels = 32, warps = 4, stages = 2>
  %2 = ssd.apply %L, %x
      schedule <form = recurrent, chunk = 1, sub_block = 1, operand = bf16,
                weights = keys, channels = 32, warps = 4, stages = 2>
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x1x8xf32> -> tensor<?x?x4x8xf32>
  return
}
