// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-decompose -split-input-file -verify-diagnostics -remarks-filter=ssd-decompose -remark-format=emitRemark

func.func @no_schedule(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{has no schedule; run ssd-select-schedule first or write one}}
  %y = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// -----

func.func @full(%k: tensor<?x?x4x2xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %G = ssd.low_rank %k, %k : tensor<?x?x4x2xf32>, tensor<?x?x4x2xf32>
  // expected-error @below {{applies a full matrix, which has no chunk program; only causal and anti-causal matrices are executed}}
  %y = ssd.apply %G, %x schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
      : !ssd.matrix<?x4x?, full>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// -----

func.func @f64_state(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>, %s0: tensor<?x4x8x1xf64>) -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  // expected-error @below {{can only be decomposed with f32 states}}
  %y = ssd.apply %L, %x init %s0 schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>, tensor<?x4x8x1xf64> -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// -----

// The ⊗ of two states and of a sum would interleave the summands' states.
func.func @sum_right_of_keys(%k: tensor<?x?x4x2xf32>, %j: tensor<?x?x4x3xf32>,
                             %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %M = ssd.state_space %k, %k : tensor<?x?x4x2xf32>, tensor<?x?x4x2xf32>
  %G = ssd.low_rank %k, %k : tensor<?x?x4x2xf32>, tensor<?x?x4x2xf32>
  %F = ssd.low_rank %j, %j : tensor<?x?x4x3xf32>, tensor<?x?x4x3xf32>
  %A = ssd.add %G, %F : !ssd.matrix<?x4x?, full>, !ssd.matrix<?x4x?, full>
  // expected-error @below {{cannot decompose a product whose right operand is a sum and whose left operand has state size 2 (limit 1); exchange the operands or distribute the product}}
  %K = ssd.hadamard %M, %A : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>
  %y = ssd.apply %K, %x schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// -----

// A reduction, a transposing map and a gather of the result cannot be fused.
#full = affine_map<(b, t, h, p) -> (b, t, h, p)>
#swapped = affine_map<(b, t, h, p) -> (b, h, t, p)>
#row = affine_map<(b, t, h, p) -> (b, t, h)>
func.func @unfusible(%a: tensor<2x4x4xf32>, %x: tensor<2x4x4x8xf32>)
    -> (tensor<2x4x4xf32>, tensor<2x4x4x8xf32>) {
  %L = ssd.decay %a : tensor<2x4x4xf32>
  %y = ssd.apply %L, %x schedule <form = chunked, chunk = 4, sub_block = 4, operand = f32>
      : !ssd.matrix<2x4x4, causal>, tensor<2x4x4x8xf32> -> tensor<2x4x4x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x4x4xf32>
  // expected-remark @below {{consumer is not point-wise over B×T×H×P or waits for the mixer; it stays a loop of its own}}
  %r = linalg.generic {indexing_maps = [#full, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%y : tensor<2x4x4x8xf32>) outs(%zero : tensor<2x4x4xf32>) {
  ^bb0(%u: f32, %v: f32):
    %0 = arith.addf %u, %v : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4xf32>
  %e = tensor.empty() : tensor<2x4x4x8xf32>
  // expected-remark @below {{consumer is not point-wise over B×T×H×P or waits for the mixer; it stays a loop of its own}}
  %s = linalg.generic {indexing_maps = [#swapped, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y : tensor<2x4x4x8xf32>) outs(%e : tensor<2x4x4x8xf32>) {
  ^bb0(%u: f32, %v: f32):
    %0 = math.exp %u : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4x8xf32>
  return %r, %s : tensor<2x4x4xf32>, tensor<2x4x4x8xf32>
}

// -----

// The second operand of the consumer waits for the mixer itself.
#full = affine_map<(b, t, h, p) -> (b, t, h, p)>
#row = affine_map<(b, t, h, p) -> (b, t, h)>
func.func @waits(%a: tensor<2x4x4xf32>, %x: tensor<2x4x4x8xf32>) -> tensor<2x4x4x8xf32> {
  %L = ssd.decay %a : tensor<2x4x4xf32>
  %y = ssd.apply %L, %x schedule <form = chunked, chunk = 4, sub_block = 4, operand = f32>
      : !ssd.matrix<2x4x4, causal>, tensor<2x4x4x8xf32> -> tensor<2x4x4x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x4x4xf32>
  // expected-remark @below {{it stays a loop of its own}}
  %r = linalg.generic {indexing_maps = [#full, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%y : tensor<2x4x4x8xf32>) outs(%zero : tensor<2x4x4xf32>) {
  ^bb0(%u: f32, %v: f32):
    %0 = arith.addf %u, %v : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4xf32>
  %e = tensor.empty() : tensor<2x4x4x8xf32>
  // expected-remark @below {{it stays a loop of its own}}
  %s = linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y, %r : tensor<2x4x4x8xf32>, tensor<2x4x4xf32>) outs(%e : tensor<2x4x4x8xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %0 = arith.divf %u, %v : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4x8xf32>
  return %s : tensor<2x4x4x8xf32>
}

// -----

// y, u = y·z and u + y: whichever is visited first, no remark is due.
#full = affine_map<(b, t, h, p) -> (b, t, h, p)>
func.func @diamond(%a: tensor<2x4x4xf32>, %x: tensor<2x4x4x8xf32>, %z: tensor<2x4x4x8xf32>) -> tensor<2x4x4x8xf32> {
  %L = ssd.decay %a : tensor<2x4x4xf32>
  %y = ssd.apply %L, %x schedule <form = chunked, chunk = 4, sub_block = 4, operand = f32>
      : !ssd.matrix<2x4x4, causal>, tensor<2x4x4x8xf32> -> tensor<2x4x4x8xf32>
  %e = tensor.empty() : tensor<2x4x4x8xf32>
  %u = linalg.generic {indexing_maps = [#full, #full, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y, %z : tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32>) outs(%e : tensor<2x4x4x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.mulf %p, %q : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4x8xf32>
  %v = linalg.generic {indexing_maps = [#full, #full, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%u, %y : tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32>) outs(%e : tensor<2x4x4x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.addf %p, %q : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4x8xf32>
  return %v : tensor<2x4x4x8xf32>
}

// -----

// Integers have no tile form, and a scalar argument is no tensor.
#full = affine_map<(b, t, h, p) -> (b, t, h, p)>
#none = affine_map<(b, t, h, p) -> ()>
func.func @no_tile_form(%a: tensor<2x4x4xf32>, %x: tensor<2x4x4x8xf32>, %s: f32)
    -> (tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32>) {
  %L = ssd.decay %a : tensor<2x4x4xf32>
  %y = ssd.apply %L, %x schedule <form = chunked, chunk = 4, sub_block = 4, operand = f32>
      : !ssd.matrix<2x4x4, causal>, tensor<2x4x4x8xf32> -> tensor<2x4x4x8xf32>
  %e = tensor.empty() : tensor<2x4x4x8xf32>
  %three = arith.constant 3 : i32
  // expected-remark @below {{consumer is not point-wise}}
  %u = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y : tensor<2x4x4x8xf32>) outs(%e : tensor<2x4x4x8xf32>) {
  ^bb0(%p: f32, %o: f32):
    %0 = math.fpowi %p, %three : f32, i32
    linalg.yield %0 : f32
  } -> tensor<2x4x4x8xf32>
  // expected-remark @below {{consumer is not point-wise}}
  %v = linalg.generic {indexing_maps = [#full, #none, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y, %s : tensor<2x4x4x8xf32>, f32) outs(%e : tensor<2x4x4x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.mulf %p, %q : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4x8xf32>
  return %u, %v : tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32>
}

// -----

#bht = affine_map<(b, t, h) -> (b, h, t)>
#bth = affine_map<(b, t, h) -> (b, t, h)>
func.func @producer(%a: tensor<2x4x4xf32>, %x: tensor<2x4x4x8xf32>) -> tensor<2x4x4x8xf32> {
  %e = tensor.empty() : tensor<2x4x4xf32>
  // expected-remark @below {{producer is not point-wise in the order of its result; it stays a loop of its own}}
  %t = linalg.generic {indexing_maps = [#bht, #bth], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a : tensor<2x4x4xf32>) outs(%e : tensor<2x4x4xf32>) {
  ^bb0(%u: f32, %o: f32):
    linalg.yield %u : f32
  } -> tensor<2x4x4xf32>
  %L = ssd.decay %t : tensor<2x4x4xf32>
  %y = ssd.apply %L, %x schedule <form = chunked, chunk = 4, sub_block = 4, operand = f32>
      : !ssd.matrix<2x4x4, causal>, tensor<2x4x4x8xf32> -> tensor<2x4x4x8xf32>
  return %y : tensor<2x4x4x8xf32>
}
