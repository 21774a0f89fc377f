// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-normalize | FileCheck %s

// CHECK-LABEL: @r15_shared_read
// CHECK-SAME: %[[a:[^:]*]]: tensor<?x?x4xf32>, %[[b:[^:]*]]: tensor<?x?x1x16xbf16>, %[[b2:[^:]*]]: tensor<?x?x1x16xbf16>, %[[c:[^:]*]]: tensor<?x?x1x16xbf16>
// CHECK: %[[sum:.*]] = linalg.generic {{.*}} ins(%[[b]], %[[b2]] :
// CHECK: %[[M:.*]] = ssd.state_space %[[c]], %[[sum]] decay %[[a]]
// CHECK-NEXT: ssd.apply %[[M]]
func.func @r15_shared_read(%a: tensor<?x?x4xf32>, %b: tensor<?x?x1x16xbf16>,
                           %b2: tensor<?x?x1x16xbf16>, %c: tensor<?x?x1x16xbf16>,
                           %x: tensor<?x?x4x8xbf16>) -> tensor<?x?x4x8xf32> {
  %0 = ssd.state_space %c, %b decay %a : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>, tensor<?x?x4xf32>
  %1 = ssd.state_space %c, %b2 decay %a : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>, tensor<?x?x4xf32>
  %M = ssd.add %0, %1 : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xbf16>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @r15_shared_write_anticausal
// CHECK-SAME: %[[b:[^:]*]]: tensor<?x?x4x16xf32>, %[[c:[^:]*]]: tensor<?x?x4x16xf32>, %[[c2:[^:]*]]: tensor<?x?x4x16xf32>
// CHECK: %[[sum:.*]] = linalg.generic {{.*}} ins(%[[c]], %[[c2]] :
// CHECK: %[[M:.*]] = ssd.state_space %[[sum]], %[[b]] strict
// CHECK-NEXT: ssd.transpose %[[M]]
func.func @r15_shared_write_anticausal(%b: tensor<?x?x4x16xf32>, %c: tensor<?x?x4x16xf32>,
                                       %c2: tensor<?x?x4x16xf32>,
                                       %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %0 = ssd.state_space %c, %b strict : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>
  %1 = ssd.state_space %c2, %b strict : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>
  %M = ssd.add %0, %1 : !ssd.matrix<?x4x?, causal, strict>, !ssd.matrix<?x4x?, causal, strict>
  %T = ssd.transpose %M : !ssd.matrix<?x4x?, causal, strict>
  %y = ssd.apply %T, %x : !ssd.matrix<?x4x?, anticausal, strict>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// The rule changes the basis of the state: not where a state is used.
// CHECK-LABEL: @r15_state_used
// CHECK: ssd.add
func.func @r15_state_used(%a: tensor<?x?x4xf32>, %b: tensor<?x?x1x16xf32>,
                          %b2: tensor<?x?x1x16xf32>, %c: tensor<?x?x1x16xf32>,
                          %x: tensor<?x?x4x8xf32>, %s0: tensor<?x4x8x32xf32>)
    -> tensor<?x?x4x8xf32> {
  %0 = ssd.state_space %c, %b decay %a : tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>, tensor<?x?x4xf32>
  %1 = ssd.state_space %c, %b2 decay %a : tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>, tensor<?x?x4xf32>
  %M = ssd.add %0, %1 : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
  %y = ssd.apply %M, %x init %s0 : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>,
      tensor<?x4x8x32xf32> -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @r4_distribute
// CHECK-DAG: %[[K:.*]] = ssd.state_space
// CHECK-DAG: %[[K2:.*]] = ssd.state_space
// CHECK: %[[S:.*]] = ssd.add %[[K]], %[[K2]]
// CHECK-NEXT: ssd.apply %[[S]], %{{.*}} init
func.func @r4_distribute(%a: tensor<?x?x4xf32>, %k: tensor<?x?x1x16xf32>,
                         %k2: tensor<?x?x1x3xf32>, %x: tensor<?x?x4x8xf32>,
                         %s0: tensor<?x4x8x19xf32>) -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %k, %k : tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>
  %F = ssd.low_rank %k2, %k2 : tensor<?x?x1x3xf32>, tensor<?x?x1x3xf32>
  %A = ssd.add %G, %F : !ssd.matrix<?x1x?, full>, !ssd.matrix<?x1x?, full>
  %M = ssd.hadamard %L, %A : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x1x?, full>
  %y = ssd.apply %M, %x init %s0 : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>,
      tensor<?x4x8x19xf32> -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// The ⊗ of keys on the left and a sum on the right would be reordered.
// CHECK-LABEL: @r4_state_order
// CHECK: ssd.hadamard
// CHECK-NOT: ssd.add
func.func @r4_state_order(%k: tensor<?x?x1x2xf32>, %k2: tensor<?x?x1x3xf32>,
                          %x: tensor<?x?x1x8xf32>)
    -> (tensor<?x?x1x8xf32>, tensor<?x1x8x10xf32>) {
  %I = ssd.causal : !ssd.matrix<?x1x?, causal>
  %L = ssd.state_space %k, %k : tensor<?x?x1x2xf32>, tensor<?x?x1x2xf32>
  %G = ssd.low_rank %k, %k : tensor<?x?x1x2xf32>, tensor<?x?x1x2xf32>
  %F = ssd.low_rank %k2, %k2 : tensor<?x?x1x3xf32>, tensor<?x?x1x3xf32>
  %A = ssd.add %G, %F : !ssd.matrix<?x1x?, full>, !ssd.matrix<?x1x?, full>
  %M = ssd.hadamard %L, %A : !ssd.matrix<?x1x?, causal>, !ssd.matrix<?x1x?, full>
  %y, %s = ssd.apply %M, %x : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x8xf32>
      -> tensor<?x?x1x8xf32>, tensor<?x1x8x10xf32>
  return %y, %s : tensor<?x?x1x8xf32>, tensor<?x1x8x10xf32>
}

// Bidirectional: causal and anti-causal parts are applied one by one, also
// when a product and a scaling stand in between.
// CHECK-LABEL: @r1_full_sum
// CHECK-SAME: %{{.*}}: tensor<?x?x4xf32>, %[[dt:[^:]*]]: tensor<?x?x4xf32>, {{.*}} %[[x:[^:]*]]: tensor<?x?x4x8xbf16>
// CHECK-DAG: %[[F:.*]] = ssd.scale_columns %{{.*}}, %[[dt]] : <?x4x?, causal>
// CHECK-DAG: %[[B:.*]] = ssd.scale_columns %{{.*}}, %[[dt]] : <?x4x?, anticausal, strict>
// CHECK-DAG: %[[f:.*]] = ssd.apply %[[F]], %[[x]] : {{.*}} -> tensor<?x?x4x8xf32>
// CHECK-DAG: %[[b:.*]] = ssd.apply %[[B]], %[[x]] : {{.*}} -> tensor<?x?x4x8xf32>
// CHECK: %[[y:.*]] = linalg.generic {{.*}} ins(%[[f]], %[[b]] :
// CHECK: arith.truncf
// CHECK: return %[[y]] : tensor<?x?x4x8xbf16>
func.func @r1_full_sum(%a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>, %k: tensor<?x?x1x16xbf16>,
                       %x: tensor<?x?x4x8xbf16>) -> tensor<?x?x4x8xbf16> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %I = ssd.causal : !ssd.matrix<?x4x?, causal, strict>
  %U = ssd.transpose %I : !ssd.matrix<?x4x?, causal, strict>
  %A = ssd.add %L, %U : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, anticausal, strict>
  %G = ssd.low_rank %k, %k : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  %M = ssd.hadamard %A, %G : !ssd.matrix<?x4x?, full>, !ssd.matrix<?x1x?, full>
  %S = ssd.scale_columns %M, %dt : !ssd.matrix<?x4x?, full>, tensor<?x?x4xf32>
  %y = ssd.apply %S, %x : !ssd.matrix<?x4x?, full>, tensor<?x?x4x8xbf16>
      -> tensor<?x?x4x8xbf16>
  return %y : tensor<?x?x4x8xbf16>
}

// A part with fewer heads than the result could not be added point-wise.
// CHECK-LABEL: @r1_heads_differ
// CHECK: ssd.apply {{.*}} full>
func.func @r1_heads_differ(%a: tensor<?x?x4xf32>, %x: tensor<?x?x1x8xf32>)
    -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %I = ssd.causal : !ssd.matrix<?x1x?, causal>
  %U = ssd.transpose %I : !ssd.matrix<?x1x?, causal>
  %A = ssd.add %L, %U : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x1x?, anticausal>
  %y = ssd.apply %A, %x : !ssd.matrix<?x4x?, full>, tensor<?x?x1x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}
