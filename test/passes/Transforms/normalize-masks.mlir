// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-normalize | FileCheck %s

// CHECK-DAG: #[[$all:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$head:.*]] = affine_map<(d0, d1, d2) -> (d2)>

// CHECK-LABEL: @duality
// CHECK-SAME: %[[a:[^:]*]]: tensor<?x?x4xf32>, %[[b:[^:]*]]: tensor<?x?x1x16xf32>, %[[c:[^:]*]]: tensor<?x?x1x16xf32>
// CHECK-NEXT: %[[M:.*]] = ssd.state_space %[[c]], %[[b]] decay %[[a]]
// CHECK-NEXT: ssd.apply %[[M]], %{{.*}} init
func.func @duality(%a: tensor<?x?x4xf32>, %b: tensor<?x?x1x16xf32>,
                   %c: tensor<?x?x1x16xf32>, %x: tensor<?x?x4x8xf32>,
                   %s0: tensor<?x4x8x16xf32>) -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>
  %M = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x1x?, full>
  %y = ssd.apply %M, %x init %s0 : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>,
      tensor<?x4x8x16xf32> -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @duality_strict
// CHECK: ssd.state_space %{{.*}}, %{{.*}} strict :
// CHECK-NOT: hadamard
func.func @duality_strict(%b: tensor<?x?x4x16xf32>, %c: tensor<?x?x4x16xf32>,
                          %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %I = ssd.causal : !ssd.matrix<?x1x?, causal, strict>
  %G = ssd.low_rank %c, %b : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>
  %M = ssd.hadamard %G, %I : !ssd.matrix<?x4x?, full>, !ssd.matrix<?x1x?, causal, strict>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal, strict>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// Under a transposed mask the keys change places.
// CHECK-LABEL: @duality_transposed
// CHECK-SAME: %[[a:[^:]*]]: tensor<?x?x4xf32>, %[[b:[^:]*]]: tensor<?x?x1x16xf32>, %[[c:[^:]*]]: tensor<?x?x1x16xf32>
// CHECK-NEXT: %[[M:.*]] = ssd.state_space %[[b]], %[[c]] decay %[[a]]
// CHECK-NEXT: %[[T:.*]] = ssd.transpose %[[M]]
// CHECK-NEXT: ssd.apply %[[T]]
func.func @duality_transposed(%a: tensor<?x?x4xf32>, %b: tensor<?x?x1x16xf32>,
                              %c: tensor<?x?x1x16xf32>, %x: tensor<?x?x4x8xf32>)
    -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %U = ssd.transpose %L : !ssd.matrix<?x4x?, causal>
  %G = ssd.low_rank %c, %b : tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>
  %M = ssd.hadamard %U, %G : !ssd.matrix<?x4x?, anticausal>, !ssd.matrix<?x1x?, full>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, anticausal>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @r4a_added_logs
// CHECK-SAME: %[[a:[^:]*]]: tensor<?x?x4xf32>, %[[b:[^:]*]]: tensor<?x?x4xf32>
// CHECK: %[[sum:.*]] = linalg.generic {{.*}} ins(%[[a]], %[[b]] :
// CHECK: arith.addf
// CHECK: %[[L:.*]] = ssd.decay %[[sum]] : tensor<?x?x4xf32>
// CHECK: ssd.apply %[[L]]
func.func @r4a_added_logs(%a: tensor<?x?x4xf32>, %b: tensor<?x?x4xf32>,
                          %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %R = ssd.decay %b : tensor<?x?x4xf32>
  %M = ssd.hadamard %L, %R : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// A decay per head is read through a map; 16-bit logarithms are widened.
// CHECK-LABEL: @r4a_constant_decay
// CHECK: linalg.generic {indexing_maps = [#[[$all]], #[[$head]], #[[$all]]]
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<2x?x4xbf16>, tensor<4xf32>)
// CHECK: arith.extf
// CHECK: ssd.state_space {{.*}} tensor<2x?x4xf32>
// CHECK-NOT: hadamard
func.func @r4a_constant_decay(%a: tensor<2x?x4xbf16>, %g: tensor<4xf32>,
                              %b: tensor<2x?x4x16xf32>, %c: tensor<2x?x4x16xf32>,
                              %x: tensor<2x?x4x8xf32>) -> tensor<2x?x4x8xf32> {
  %L = ssd.decay %g : tensor<4xf32>
  %M = ssd.state_space %c, %b decay %a : tensor<2x?x4x16xf32>, tensor<2x?x4x16xf32>,
      tensor<2x?x4xbf16>
  %K = ssd.hadamard %M, %L : !ssd.matrix<2x4x?, causal>, !ssd.matrix<?x4x?, causal>
  %y = ssd.apply %K, %x : !ssd.matrix<2x4x?, causal>, tensor<2x?x4x8xf32>
      -> tensor<2x?x4x8xf32>
  return %y : tensor<2x?x4x8xf32>
}

// One decay for two heads cannot be read by a projection: the product stays.
// CHECK-LABEL: @r4a_head_counts_differ
// CHECK: ssd.hadamard
func.func @r4a_head_counts_differ(%a: tensor<?x?x4xf32>, %b: tensor<?x?x2xf32>,
                                  %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %R = ssd.decay %b : tensor<?x?x2xf32>
  %M = ssd.hadamard %L, %R : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, causal>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @r4a_causal_drops_out
// CHECK-SAME: %[[a:[^:]*]]: tensor<?x?x4xf32>
// CHECK-NEXT: %[[L:.*]] = ssd.decay %[[a]]
// CHECK-NEXT: ssd.apply %[[L]]
func.func @r4a_causal_drops_out(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>)
    -> tensor<?x?x4x8xf32> {
  %I = ssd.causal : !ssd.matrix<?x1x?, causal>
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %M = ssd.hadamard %I, %L : !ssd.matrix<?x1x?, causal>, !ssd.matrix<?x4x?, causal>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @r4a_strict_causal
// CHECK-NEXT: %[[I:.*]] = ssd.causal : <?x4x?, causal, strict>
// CHECK-NEXT: ssd.apply %[[I]]
func.func @r4a_strict_causal(%x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %I = ssd.causal : !ssd.matrix<?x4x?, causal, strict>
  %J = ssd.causal : !ssd.matrix<?x1x?, causal>
  %M = ssd.hadamard %J, %I : !ssd.matrix<?x1x?, causal>, !ssd.matrix<?x4x?, causal, strict>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal, strict>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// Masks reach the keys through the product they stand in.
// CHECK-LABEL: @r4_associate
// CHECK: %[[sum:.*]] = linalg.generic
// CHECK: %[[M:.*]] = ssd.state_space %{{.*}}, %{{.*}} decay %[[sum]] strict
// CHECK-NEXT: ssd.apply %[[M]]
func.func @r4_associate(%a: tensor<?x?x4xf32>, %b: tensor<?x?x4xf32>,
                        %k: tensor<?x?x1x16xf32>, %x: tensor<?x?x4x8xf32>)
    -> tensor<?x?x4x8xf32> {
  %I = ssd.causal : !ssd.matrix<?x1x?, causal, strict>
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %R = ssd.decay %b : tensor<?x?x4xf32>
  %G = ssd.low_rank %k, %k : tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>
  %0 = ssd.hadamard %L, %I : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x1x?, causal, strict>
  %1 = ssd.hadamard %0, %G : !ssd.matrix<?x4x?, causal, strict>, !ssd.matrix<?x1x?, full>
  %M = ssd.hadamard %1, %R : !ssd.matrix<?x4x?, causal, strict>, !ssd.matrix<?x4x?, causal>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal, strict>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @r2_push_transpose
// CHECK-SAME: %[[a:[^:]*]]: tensor<?x?x4xf32>, %[[d:[^:]*]]: tensor<?x?x4xf32>, %[[b:[^:]*]]: tensor<?x?x1x16xf32>, %[[c:[^:]*]]: tensor<?x?x1x16xf32>
// CHECK-NEXT: %[[M:.*]] = ssd.state_space %[[c]], %[[b]] decay %[[a]]
// CHECK-NEXT: %[[T:.*]] = ssd.transpose %[[M]]
// CHECK-NEXT: %[[R:.*]] = ssd.scale_rows %[[T]], %[[d]]
// CHECK-NEXT: ssd.apply %[[R]]
func.func @r2_push_transpose(%a: tensor<?x?x4xf32>, %d: tensor<?x?x4xf32>,
                             %b: tensor<?x?x1x16xf32>, %c: tensor<?x?x1x16xf32>,
                             %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>
  %M = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x1x?, full>
  %S = ssd.scale_columns %M, %d : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %T = ssd.transpose %S : !ssd.matrix<?x4x?, causal>
  %y = ssd.apply %T, %x : !ssd.matrix<?x4x?, anticausal>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}
