// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-normalize | FileCheck %s
// RUN: mamba-opt %s -ssd-normalize -ssd-normalize | FileCheck %s

// Rules one by one: normalize-masks.mlir, normalize-scales.mlir,
// normalize-sums.mlir. Here: Mamba-2 with the time step on B, a forget gate
// beside the decay, and a second, bidirectional mixer of the same matrix.

// CHECK-LABEL: @mamba2
// CHECK-SAME: %[[a:[^:]*]]: tensor<?x?x4xf32>, %[[g:[^:]*]]: tensor<?x?x4xf32>, %[[dt:[^:]*]]: tensor<?x?x4xf32>, %[[b:[^:]*]]: tensor<?x?x1x16xf32>, %[[c:[^:]*]]: tensor<?x?x1x16xf32>, %[[x:[^:]*]]: tensor<?x?x4x8xf32>
// CHECK: %[[log:.*]] = linalg.generic {{.*}} ins(%[[g]], %[[a]] :
// CHECK: %[[M:.*]] = ssd.state_space %[[c]], %[[b]] decay %[[log]]
// CHECK: %[[S:.*]] = ssd.scale_columns %[[M]], %[[dt]]
// CHECK: ssd.apply %[[S]], %[[x]] init
// CHECK-DAG: %[[T:.*]] = ssd.transpose %{{.*}} : <?x4x?, causal>
// CHECK-DAG: %[[R:.*]] = ssd.scale_rows %[[T]], %[[dt]]
// CHECK-DAG: ssd.apply %[[R]], %[[x]]
// CHECK-NOT: ssd.hadamard
// CHECK: return
func.func @mamba2(%a: tensor<?x?x4xf32>, %g: tensor<?x?x4xf32>,
                  %dt: tensor<?x?x4xf32>, %b: tensor<?x?x1x16xf32>,
                  %c: tensor<?x?x1x16xf32>, %x: tensor<?x?x4x8xf32>,
                  %s0: tensor<?x4x8x16xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %F = ssd.decay %g : tensor<?x?x4xf32>
  %LF = ssd.hadamard %L, %F : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
  %G = ssd.low_rank %c, %b : tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>
  %Gdt = ssd.scale_columns %G, %dt : !ssd.matrix<?x1x?, full>, tensor<?x?x4xf32>
  %M = ssd.hadamard %LF, %Gdt : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>
  %y = ssd.apply %M, %x init %s0 : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>,
      tensor<?x4x8x16xf32> -> tensor<?x?x4x8xf32>
  %T = ssd.transpose %M : !ssd.matrix<?x4x?, causal>
  %A = ssd.add %L, %T : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, anticausal>
  %z = ssd.apply %A, %x : !ssd.matrix<?x4x?, full>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y, %z : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
}
