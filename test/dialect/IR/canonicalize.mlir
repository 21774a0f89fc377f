// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: @double_transpose
// CHECK: %[[L:.*]] = ssd.decay
// CHECK-NEXT: ssd.apply %[[L]]
func.func @double_transpose(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>)
    -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %T = ssd.transpose %L : !ssd.matrix<?x4x?, causal>
  %M = ssd.transpose %T : !ssd.matrix<?x4x?, anticausal>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @scale_by_one
// CHECK: %[[L:.*]] = ssd.decay
// CHECK-NEXT: ssd.apply %[[L]]
func.func @scale_by_one(%a: tensor<1x2x4xf32>, %x: tensor<1x2x4x8xf32>)
    -> tensor<1x2x4x8xf32> {
  %one = arith.constant dense<1.0> : tensor<1x2x4xf32>
  %L = ssd.decay %a : tensor<1x2x4xf32>
  %S = ssd.scale_rows %L, %one : !ssd.matrix<1x4x2, causal>, tensor<1x2x4xf32>
  %M = ssd.scale_columns %S, %one : !ssd.matrix<1x4x2, causal>, tensor<1x2x4xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<1x4x2, causal>, tensor<1x2x4x8xf32>
      -> tensor<1x2x4x8xf32>
  return %y : tensor<1x2x4x8xf32>
}

// Ones for four heads make four heads of one: not the same matrix.
// CHECK-LABEL: @scale_by_one_for_more_heads
// CHECK: ssd.scale_rows
func.func @scale_by_one_for_more_heads(%a: tensor<1x2x1xf32>, %x: tensor<1x2x1x8xf32>)
    -> tensor<1x2x4x8xf32> {
  %one = arith.constant dense<1.0> : tensor<1x2x4xf32>
  %L = ssd.decay %a : tensor<1x2x1xf32>
  %M = ssd.scale_rows %L, %one : !ssd.matrix<1x1x2, causal>, tensor<1x2x4xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<1x4x2, causal>, tensor<1x2x1x8xf32>
      -> tensor<1x2x4x8xf32>
  return %y : tensor<1x2x4x8xf32>
}

// CHECK-LABEL: @dim_of_apply
// CHECK-SAME: %[[x:[^:]*]]: tensor<?x?x1x8xf32>
// CHECK-DAG: %[[zero:.*]] = arith.constant 0
// CHECK-DAG: %[[one:.*]] = arith.constant 1
// CHECK-DAG: %[[batch:.*]] = tensor.dim %[[x]], %[[zero]]
// CHECK-DAG: %[[time:.*]] = tensor.dim %[[x]], %[[one]]
// CHECK: return %[[batch]], %[[time]], %[[batch]]
func.func @dim_of_apply(%a: tensor<?x?x4xf32>, %x: tensor<?x?x1x8xf32>)
    -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %y, %s = ssd.apply %L, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x1x8xf32>
      -> tensor<?x?x4x8xf32>, tensor<?x4x8x1xf32>
  %batch = tensor.dim %y, %c0 : tensor<?x?x4x8xf32>
  %time = tensor.dim %y, %c1 : tensor<?x?x4x8xf32>
  %states = tensor.dim %s, %c0 : tensor<?x4x8x1xf32>
  return %batch, %time, %states : index, index, index
}

// CHECK-LABEL: @drop_unused
// CHECK-SAME: %[[x:[^:]*]]: tensor<?x?x4x8xf32>, %{{.*}}: tensor<?x?x4xf32>
// CHECK: %[[y:.*]] = ssd.chunk_scan chunk 16 heads 4
// CHECK-SAME: ins(%[[x]] as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
// CHECK-SAME: outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
// CHECK-NEXT: ^bb0(%[[xt:.*]]: tensor<16x8xf32>, %[[s:.*]]: tensor<8x2xf32>):
// CHECK-NEXT: %[[n:.*]] = arith.negf %[[xt]]
// CHECK-NEXT: ssd.yield %[[n]], %[[s]] :
// CHECK: return %[[y]]
func.func @drop_unused(%x: tensor<?x?x4x8xf32>, %a: tensor<?x?x4xf32>)
    -> tensor<?x?x4x8xf32> {
  %r:3 = ssd.chunk_scan chunk 16 heads 4
      ins(%a as [batch, time, head] : tensor<?x?x4xf32>,
          %x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head] : tensor<?x?x4xf32>,
           [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      finals(tensor<?x4x8x2xf32>) {
  ^bb0(%at: tensor<16xf32>, %xt: tensor<16x8xf32>, %s: tensor<8x2xf32>):
    %e = math.exp %at : tensor<16xf32>
    %n = arith.negf %xt : tensor<16x8xf32>
    ssd.yield %e, %n, %s : tensor<16xf32>, tensor<16x8xf32>, tensor<8x2xf32>
  }
  return %r#1 : tensor<?x?x4x8xf32>
}

// One operand stays to give the sizes of batch and time.
// CHECK-LABEL: @keep_extents
// CHECK: ins(%{{.*}} as [batch, time, head, channel] : tensor<?x?x4x8xf32>) outs()
// CHECK-SAME: finals(tensor<?x4x8x2xf32>)
func.func @keep_extents(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>)
    -> tensor<?x4x8x2xf32> {
  %y, %s1 = ssd.chunk_scan chunk 16 heads 4
      ins(%a as [batch, time, head] : tensor<?x?x4xf32>,
          %x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>)
      finals(tensor<?x4x8x2xf32>) {
  ^bb0(%at: tensor<16xf32>, %xt: tensor<16x8xf32>, %s: tensor<8x2xf32>):
    ssd.yield %xt, %s : tensor<16x8xf32>, tensor<8x2xf32>
  }
  return %s1 : tensor<?x4x8x2xf32>
}
