// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s --ssd-outline-cpu-kernels -split-input-file -verify-diagnostics

func.func @pointwise(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  // expected-remark @+1 {{becomes a loop of its own: it is not part of a chunk program}}
  %y = linalg.generic {indexing_maps = [affine_map<(b, t, h) -> (b, t, h)>, affine_map<(b, t, h) -> (b, t, h)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x?x4xf32>) outs(%x : tensor<?x?x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    linalg.yield %n : f32
  } -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

func.func @third_dynamic(%x: tensor<?x?x?xf32>) -> tensor<?x?x?xf32> {
  // expected-remark @+2 {{becomes a loop of its own}}
  // expected-error @+1 {{dimension 2 of 'tensor<?x?x?xf32>' is dynamic, but only the batch (0) and the length (1) may be}}
  %y = linalg.generic {indexing_maps = [affine_map<(b, t, h) -> (b, t, h)>, affine_map<(b, t, h) -> (b, t, h)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x?x?xf32>) outs(%x : tensor<?x?x?xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<?x?x?xf32>
  return %y : tensor<?x?x?xf32>
}

// -----

func.func @reduces(%x: tensor<4x5xf32>, %z: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+2 {{becomes a loop of its own}}
  // expected-error @+1 {{reduces; a CPU kernel outside of a chunk program is point-wise}}
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x5xf32>) outs(%z : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @reads_output(%x: tensor<4xf32>, %z: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+2 {{becomes a loop of its own}}
  // expected-error @+1 {{reads its output operand}}
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%z : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @captures(%x: tensor<4xf32>, %i: index) -> tensor<4xf32> {
  // expected-remark @+2 {{becomes a loop of its own}}
  // expected-error @+1 {{from outside, which is not a constant}}
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %e = arith.index_cast %i : index to i32
    %f = arith.sitofp %e : i32 to f32
    linalg.yield %f : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @maps(%x: tensor<8xf32>, %z: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+2 {{becomes a loop of its own}}
  // expected-error @+1 {{but point-wise kernels take projected permutations}}
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i * 2)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%z : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}
