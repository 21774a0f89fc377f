// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s --convert-ssd-to-linalg | FileCheck %s

// CHECK-DAG: #[[$MK:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$NK:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$KN:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[$MN:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>

// A sum with a product becomes the product's initial value.

// CHECK-LABEL: func.func @dot
// CHECK-SAME:    %[[A:.*]]: tensor<8x4xf32>, %[[B:.*]]: tensor<6x4xf32>, %[[Z:.*]]: tensor<8x6xf32>
// CHECK-NOT:     arith.addf {{.*}} : tensor
// CHECK:         linalg.generic {indexing_maps = [#[[$MK]], #[[$NK]], #[[$MN]]]
// CHECK-SAME:      ins(%[[A]], %[[B]] : {{.*}}) outs(%[[Z]]
func.func @dot(%a: tensor<8x4xf32>, %b: tensor<6x4xf32>, %z: tensor<8x6xf32>) -> tensor<8x6xf32> {
  %0 = ssd.dot %a, %b contract [1, 1] : tensor<8x4xf32>, tensor<6x4xf32> -> tensor<8x6xf32>
  %1 = arith.addf %z, %0 : tensor<8x6xf32>
  return %1 : tensor<8x6xf32>
}

// Narrow operands are multiplied in the result's type.

// CHECK-LABEL: func.func @narrow_dot
// CHECK-DAG:     arith.extf {{.*}} tensor<8x4xbf16> to tensor<8x4xf32>
// CHECK-DAG:     linalg.fill
// CHECK:         linalg.generic
// CHECK:           arith.mulf {{.*}} : f32
func.func @narrow_dot(%a: tensor<8x4xbf16>) -> tensor<8x8xf32> {
  %0 = ssd.dot %a, %a contract [1, 1] : tensor<8x4xbf16>, tensor<8x4xbf16> -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}

// The scores are read below the diagonal only, the weights are zero above it.

// CHECK-LABEL: func.func @triangles
// CHECK:         linalg.generic {{.*}} attrs =  {ssd.result_triangle = "lower"}
// CHECK:         linalg.generic {indexing_maps = [#[[$MK]], #[[$KN]], #[[$MN]]]
// CHECK-SAME:      attrs =  {ssd.lhs_triangle = "lower"}
func.func @triangles(%v: tensor<8xf32>, %a: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %L = ssd.segment_decay %v sub_block 4 : (tensor<8xf32>) -> tensor<8x8xf32>
  %G = ssd.dot %a, %a contract [1, 1] : tensor<8x4xf32>, tensor<8x4xf32> -> tensor<8x8xf32>
  %W = arith.mulf %L, %G : tensor<8x8xf32>
  %y = ssd.dot %W, %a contract [1, 0] : tensor<8x8xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// A transposed mask, contracted along its rows, is lower again.

// CHECK-LABEL: func.func @transposed_triangle
// CHECK:         linalg.transpose
// CHECK:         attrs =  {ssd.lhs_triangle = "lower"}
func.func @transposed_triangle(%v: tensor<8xf32>, %a: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %U = ssd.segment_decay %v sub_block 4 transposed : (tensor<8xf32>) -> tensor<8x8xf32>
  %y = ssd.dot %U, %a contract [0, 0] : tensor<8x8xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// Exponentials of four elements a row in the diagonal sub-block, of one a row
// and four a column block elsewhere.

// CHECK-LABEL: func.func @decay
// CHECK:         linalg.fill
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             math.exp {{.*}} : vector<4xf32>
// CHECK:           scf.for
// CHECK:             math.exp {{.*}} : vector<4xf32>
// CHECK:             math.exp {{.*}} : f32
// CHECK:             scf.for
// CHECK:               arith.mulf {{.*}} : vector<4xf32>
// CHECK-NOT:       math.exp
func.func @decay(%v: tensor<8xf32>) -> tensor<8x8xf32> {
  %L = ssd.segment_decay %v sub_block 4 : (tensor<8xf32>) -> tensor<8x8xf32>
  return %L : tensor<8x8xf32>
}

// CHECK-LABEL: func.func @ones
// CHECK-NOT:     math.exp
// CHECK:         arith.cmpi ult
// CHECK:         arith.select
func.func @ones() -> tensor<8x8xf32> {
  %L = ssd.segment_decay sub_block 4 strict : () -> tensor<8x8xf32>
  return %L : tensor<8x8xf32>
}

// CHECK-LABEL: func.func @sums
// CHECK-COUNT-2: vector.shuffle {{.*}} : vector<4xf32>
// CHECK:         vector.reduction <add>
// CHECK:         linalg.generic
func.func @sums(%v: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %c = ssd.cumsum %v : tensor<4xf32>
  %s = ssd.reduce_sum %v : tensor<4xf32> -> tensor<f32>
  %b = ssd.broadcast %s dims [0] : tensor<f32> -> tensor<4xf32>
  return %c, %b : tensor<4xf32>, tensor<4xf32>
}
