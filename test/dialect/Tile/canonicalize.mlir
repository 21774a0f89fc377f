// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func.func @sum_of_prefix_sums(
// CHECK-SAME: %[[ALPHA:.*]]: tensor<64xf32, #tile.lane>
// CHECK: %[[SUMS:.*]] = tile.cumsum %[[ALPHA]] :
// CHECK-NOT: tile.reduce_sum
// CHECK: %[[TOTAL:.*]] = tile.extract %[[SUMS]][63]
// CHECK: return %[[SUMS]], %[[TOTAL]]
func.func @sum_of_prefix_sums(%alpha: tensor<64xf32, #tile.lane>)
    -> (tensor<64xf32, #tile.lane>, f32) {
  %sums = tile.cumsum %alpha : tensor<64xf32, #tile.lane>
  %total = tile.reduce_sum %alpha : tensor<64xf32, #tile.lane>
  return %sums, %total : tensor<64xf32, #tile.lane>, f32
}

// Other sums do not end in the total, and later ones are not there yet.
// CHECK-LABEL: func.func @other_sums(
// CHECK: tile.reduce_sum
func.func @other_sums(%alpha: tensor<64xf32, #tile.lane>)
    -> (f32, tensor<64xf32, #tile.lane>, tensor<64xf32, #tile.lane>,
        tensor<64xf32, #tile.lane>) {
  %rest = tile.cumsum %alpha exclusive reverse : tensor<64xf32, #tile.lane>
  %before = tile.cumsum %alpha exclusive : tensor<64xf32, #tile.lane>
  %total = tile.reduce_sum %alpha : tensor<64xf32, #tile.lane>
  %sums = tile.cumsum %alpha : tensor<64xf32, #tile.lane>
  return %total, %rest, %before, %sums
      : f32, tensor<64xf32, #tile.lane>, tensor<64xf32, #tile.lane>,
        tensor<64xf32, #tile.lane>
}
