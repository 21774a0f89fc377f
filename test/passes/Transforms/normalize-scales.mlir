// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-normalize | FileCheck %s

// Scalings leave the product, rows outside columns; the core is normal.
// CHECK-LABEL: @r3_hoist_over_hadamard
// CHECK-SAME: %[[a:[^:]*]]: tensor<?x?x4xf32>, %[[d:[^:]*]]: tensor<?x?x4xf32>, %[[e:[^:]*]]: tensor<?x?x4xf32>
// CHECK-NEXT: %[[M:.*]] = ssd.state_space
// CHECK-NEXT: %[[C:.*]] = ssd.scale_columns %[[M]], %[[e]]
// CHECK-NEXT: %[[R:.*]] = ssd.scale_rows %[[C]], %[[d]]
// CHECK-NEXT: ssd.apply %[[R]]
func.func @r3_hoist_over_hadamard(%a: tensor<?x?x4xf32>, %d: tensor<?x?x4xf32>,
                                  %e: tensor<?x?x4xf32>, %k: tensor<?x?x1x16xf32>,
                                  %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %LD = ssd.scale_rows %L, %d : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %G = ssd.low_rank %k, %k : tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>
  %GE = ssd.scale_columns %G, %e : !ssd.matrix<?x1x?, full>, tensor<?x?x4xf32>
  %M = ssd.hadamard %LD, %GE : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @r3_hoist_over_add
// CHECK: %[[A:.*]] = ssd.add
// CHECK-NEXT: %[[S:.*]] = ssd.scale_rows %[[A]]
// CHECK-NEXT: ssd.apply %[[S]]
func.func @r3_hoist_over_add(%a: tensor<?x?x4xf32>, %b: tensor<?x?x4xf32>,
                             %d: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>)
    -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %R = ssd.decay %b : tensor<?x?x4xf32>
  %LD = ssd.scale_rows %L, %d : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %RD = ssd.scale_rows %R, %d : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %M = ssd.add %LD, %RD : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// Different scales cannot leave a sum.
// CHECK-LABEL: @r3_different_scales
// CHECK: ssd.scale_rows
// CHECK: ssd.scale_rows
// CHECK: ssd.add
// CHECK-NEXT: ssd.apply
func.func @r3_different_scales(%a: tensor<?x?x4xf32>, %d: tensor<?x?x4xf32>,
                               %e: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>)
    -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %LD = ssd.scale_rows %L, %d : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %LE = ssd.scale_rows %L, %e : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %M = ssd.add %LD, %LE : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// Scales of one side are multiplied, also with the other side in between.
// CHECK-LABEL: @r3_merge
// CHECK-SAME: %{{.*}}: tensor<?x?x4xf32>, %[[d:[^:]*]]: tensor<?x?x4xf32>, %[[e:[^:]*]]: tensor<?x?x4xf32>, %[[f:[^:]*]]: tensor<?x?x4xf32>
// CHECK: %[[L:.*]] = ssd.decay
// CHECK: %[[C:.*]] = ssd.scale_columns %[[L]], %[[e]]
// CHECK: %[[df:.*]] = linalg.generic {{.*}} ins(%[[d]], %[[f]] :
// CHECK: arith.mulf
// CHECK: %[[R:.*]] = ssd.scale_rows %[[C]], %[[df]]
// CHECK-NEXT: ssd.apply %[[R]]
func.func @r3_merge(%a: tensor<?x?x4xf32>, %d: tensor<?x?x4xf32>,
                    %e: tensor<?x?x4xf32>, %f: tensor<?x?x4xf32>,
                    %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %0 = ssd.scale_rows %L, %d : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %1 = ssd.scale_columns %0, %e : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %2 = ssd.scale_rows %1, %f : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y = ssd.apply %2, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// Hoisting would leave a product of 2 and 3 heads, which do not unify.
// CHECK-LABEL: @r3_heads_do_not_unify
// CHECK: ssd.scale_rows
// CHECK-NEXT: ssd.hadamard
func.func @r3_heads_do_not_unify(%a: tensor<?x?x2xf32>, %b: tensor<?x?x3xf32>,
                                 %d: tensor<?x?x6xf32>, %x: tensor<?x?x6x8xf32>)
    -> tensor<?x?x6x8xf32> {
  %L = ssd.decay %a : tensor<?x?x2xf32>
  %R = ssd.decay %b : tensor<?x?x3xf32>
  %S = ssd.scale_rows %L, %d : !ssd.matrix<?x2x?, causal>, tensor<?x?x6xf32>
  %M = ssd.hadamard %S, %R : !ssd.matrix<?x6x?, causal>, !ssd.matrix<?x3x?, causal>
  %y = ssd.apply %M, %x : !ssd.matrix<?x6x?, causal>, tensor<?x?x6x8xf32>
      -> tensor<?x?x6x8xf32>
  return %y : tensor<?x?x6x8xf32>
}
