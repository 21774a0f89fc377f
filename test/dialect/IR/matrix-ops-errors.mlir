// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

// decay (C1)
func.func @f(%a: tensor<?x4xf32>) {
  // expected-error @below {{log_decay must have rank 3 (B×T×H) or 1 (H), but has rank 2}}
  %0 = ssd.decay %a : tensor<?x4xf32>
  return
}

// -----
// decay (C2)
func.func @f(%a: tensor<?x?x?xf32>) {
  // expected-error @below {{log_decay must have a static, positive head count}}
  %0 = ssd.decay %a : tensor<?x?x?xf32>
  return
}

// -----
// decay (C2)
func.func @f(%a: tensor<0xf32>) {
  // expected-error @below {{log_decay must have a static, positive head count}}
  %0 = ssd.decay %a : tensor<0xf32>
  return
}

// -----
// decay (C3)
func.func @f() {
  %a = arith.constant dense<[-0.5, 0.25]> : tensor<2xf32>
  // expected-error @below {{log_decay must be finite and at most 0, but element 1 is 0.25}}
  %0 = ssd.decay %a : tensor<2xf32>
  return
}

// -----
// decay (C3)
func.func @f() {
  %a = arith.constant dense<0x7FC00000> : tensor<2xf32>
  // expected-error @below {{log_decay must be finite and at most 0, but element 0 is NaN}}
  %0 = ssd.decay %a : tensor<2xf32>
  return
}

// -----
// decay (C3)
func.func @f() {
  %a = arith.constant dense<0xFF800000> : tensor<2xf32>
  // expected-error @below {{log_decay must be finite and at most 0, but element 0 is -Inf}}
  %0 = ssd.decay %a : tensor<2xf32>
  return
}

// -----
// causal (C1)
func.func @f() {
  // expected-error @below {{result must be causal, but is anticausal}}
  %0 = ssd.causal : !ssd.matrix<?x1x?, anticausal>
  return
}

// -----
// low_rank (C1)
func.func @f(%c: tensor<?x?x16xf32>, %b: tensor<?x?x1x16xf32>) {
  // expected-error @below {{read must have rank 4 (B×T×H×width), but has rank 3}}
  %0 = ssd.low_rank %c, %b : tensor<?x?x16xf32>, tensor<?x?x1x16xf32>
  return
}

// -----
// low_rank (C2)
func.func @f(%c: tensor<?x?x1x16xf32>, %b: tensor<?x?x1x8xf32>) {
  // expected-error @below {{read and write must have one static state size N, but have 16 and 8}}
  %0 = ssd.low_rank %c, %b : tensor<?x?x1x16xf32>, tensor<?x?x1x8xf32>
  return
}

// -----
// low_rank (C2)
func.func @f(%b: tensor<?x?x1x?xf32>) {
  // expected-error @below {{read and write must have one static state size N, but have ? and ?}}
  %0 = ssd.low_rank %b, %b : tensor<?x?x1x?xf32>, tensor<?x?x1x?xf32>
  return
}

// -----
// low_rank (C3)
func.func @f(%c: tensor<2x?x1x16xf32>, %b: tensor<3x?x1x16xf32>) {
  // expected-error @below {{write has batch size 3, but 2 is expected}}
  %0 = ssd.low_rank %c, %b : tensor<2x?x1x16xf32>, tensor<3x?x1x16xf32>
  return
}

// -----
// low_rank (C3)
func.func @f(%c: tensor<?x8x1x16xf32>, %b: tensor<?x9x1x16xf32>) {
  // expected-error @below {{write has length 9 along time, but 8 is expected}}
  %0 = ssd.low_rank %c, %b : tensor<?x8x1x16xf32>, tensor<?x9x1x16xf32>
  return
}

// -----
// low_rank (C3)
func.func @f(%c: tensor<?x?x4x16xf32>, %b: tensor<?x?x6x16xf32>) {
  // expected-error @below {{write has 6 heads, which neither divide nor are divided by 4}}
  %0 = ssd.low_rank %c, %b : tensor<?x?x4x16xf32>, tensor<?x?x6x16xf32>
  return
}

// -----
// state_space (C1)
func.func @f(%c: tensor<?x?x1x16xf32>, %b: tensor<?x?x1x8xf32>) {
  // expected-error @below {{read and write must have one static state size N, but have 16 and 8}}
  %0 = ssd.state_space %c, %b : tensor<?x?x1x16xf32>, tensor<?x?x1x8xf32>
  return
}

// -----
// state_space (C2)
func.func @f(%b: tensor<?x?x4x16xf32>, %a: tensor<?x?x6xf32>) {
  // expected-error @below {{log_decay has 6 heads, which neither divide nor are divided by 4}}
  %0 = ssd.state_space %b, %b decay %a : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x6xf32>
  return
}

// -----
// state_space (C2)
func.func @f(%b: tensor<?x?x2x16xf32>) {
  %a = arith.constant dense<[-0.5, 0.25]> : tensor<2xf32>
  // expected-error @below {{log_decay must be finite and at most 0, but element 1 is 0.25}}
  %0 = ssd.state_space %b, %b decay %a : tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>, tensor<2xf32>
  return
}

// -----
// hadamard (C1)
func.func @f(%a: tensor<2x?x4xf32>, %b: tensor<3x?x4xf32>) {
  %0 = ssd.decay %a : tensor<2x?x4xf32>
  %1 = ssd.decay %b : tensor<3x?x4xf32>
  // expected-error @below {{right operand has batch size 3, but 2 is expected}}
  %2 = ssd.hadamard %0, %1 : !ssd.matrix<2x4x?, causal>, !ssd.matrix<3x4x?, causal>
  return
}

// -----
// hadamard (C2)
func.func @f(%a: tensor<?x?x4xf32>) {
  %0 = ssd.decay %a : tensor<?x?x4xf32>
  %1 = ssd.transpose %0 : !ssd.matrix<?x4x?, causal>
  // expected-error @below {{the product of a causal and an anti-causal matrix is diagonal; use ssd.scale_rows}}
  %2 = ssd.hadamard %0, %1 : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, anticausal>
  return
}

// -----
// hadamard (C3)
func.func @f(%a: tensor<?x?x4xf32>) {
  %0 = ssd.decay %a : tensor<?x?x4xf32>
  %1 = ssd.transpose %0 : !ssd.matrix<?x4x?, causal>
  %2 = ssd.add %0, %1 : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, anticausal>
  // expected-error @below {{is causal, but a factor is a sum with causal or anti-causal parts; distribute the product over the sum}}
  %3 = ssd.hadamard %0, %2 : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>
  return
}

// -----
// add (C1)
func.func @f(%a: tensor<?x?x4xf32>, %b: tensor<?x?x6xf32>) {
  %0 = ssd.decay %a : tensor<?x?x4xf32>
  %1 = ssd.decay %b : tensor<?x?x6xf32>
  // expected-error @below {{right operand has 6 heads, which neither divide nor are divided by 4}}
  %2 = ssd.add %0, %1 : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x6x?, causal>
  return
}

// -----
// scale_rows (C1)
func.func @f(%a: tensor<?x8x4xf32>, %d: tensor<?x9x4xf32>) {
  %0 = ssd.decay %a : tensor<?x8x4xf32>
  // expected-error @below {{scale has length 9 along time, but 8 is expected}}
  %1 = ssd.scale_rows %0, %d : !ssd.matrix<?x4x8, causal>, tensor<?x9x4xf32>
  return
}

// -----
// scale_columns (C1)
func.func @f(%a: tensor<?x?x4xf32>, %d: tensor<4xf32>) {
  %0 = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{scale must have rank 3 (B×T×H), but has rank 1}}
  %1 = ssd.scale_columns %0, %d : !ssd.matrix<?x4x?, causal>, tensor<4xf32>
  return
}

// -----
// apply (C1)
func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x8xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{x must have rank 4 (B×T×H×width), but has rank 3}}
  %y = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x8xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----
// apply (C1)
func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x6x8xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{x has 6 heads, which neither divide nor are divided by 4}}
  %y = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x6x8xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----
// apply (C1)
func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x8x8xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{y must have 8 heads, but has 4}}
  %y = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x8x8xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----
// apply (C2)
func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{x and y must have one static headdim P, but have 8 and 16}}
  %y = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x16xf32>
  return
}

// -----
// apply (C2)
func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x?xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{x and y must have one static headdim P, but have ? and ?}}
  %y = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x?xf32> -> tensor<?x?x4x?xf32>
  return
}

// -----
// apply (C3)
func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>, %s: tensor<?x4x8x1xbf16>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{initial state must be f32 or f64, but is 'bf16'}}
  %y = ssd.apply %L, %x init %s : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>, tensor<?x4x8x1xbf16> -> tensor<?x?x4x8xf32>
  return
}

// -----
// apply (C3)
func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{final state must be B×H×P×N = ?x4x8x1, but is 'tensor<?x4x8x2xf32>'}}
  %y, %s = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>, tensor<?x4x8x2xf32>
  return
}

// -----
// apply (C4)
func.func @f(%b: tensor<?x?x4x2xf32>, %x: tensor<?x?x4x8xf32>, %s: tensor<?x4x8x2xf32>) {
  %G = ssd.low_rank %b, %b : tensor<?x?x4x2xf32>, tensor<?x?x4x2xf32>
  // expected-error @below {{a full matrix has no initial or final state}}
  %y = ssd.apply %G, %x init %s : !ssd.matrix<?x4x?, full>, tensor<?x?x4x8xf32>, tensor<?x4x8x2xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----
// The declared type of an operand is the inferred one.
func.func @f(%a: tensor<?x?x4xf32>) {
  // expected-note @below {{prior use here}}
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{expects different type than prior uses}}
  %T = ssd.transpose %L : !ssd.matrix<?x4x?, full>
  return
}

// -----

// hadamard (C3): the anti-causal part of the sum would be realised in the
// wrong direction.
func.func @f(%a: tensor<?x?x4xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %T = ssd.transpose %L : !ssd.matrix<?x4x?, causal>
  %A = ssd.add %L, %T : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, anticausal>
  // expected-error @below {{is causal, but a factor is a sum with causal or anti-causal parts; distribute the product over the sum}}
  %M = ssd.hadamard %L, %A : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>
  return
}
