// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -ssd-to-tiles="target=sm_80 form=recurrent" | FileCheck %s

// One token a step: the state in registers over the loop, no shared memory, no
// products on tensor cores; the next token is loaded before this one is used.
// P = 40 and N = 24 are padded to 48 rows and 32 columns.

// CHECK-LABEL: gpu.func @step_0(
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>, tile.slices = 1 : i64
// CHECK-NOT: tile.alloc
// CHECK: %[[S0:.*]] = tile.load_global %{{.*}} -> tensor<48x32xf32, #[[$S:.*]]>
// CHECK: scf.for {{.*}} iter_args(%[[S:[^ ]*]] = %[[S0]],
// CHECK-DAG: tile.load_global {{.*}} -> tensor<32xbf16, #[[$COLUMNS:.*]]>
// CHECK-DAG: tile.load_global {{.*}} -> tensor<48xbf16, #[[$ROWS:.*]]>
// CHECK: tile.reduce_sum
// CHECK: tile.reduce %{{.*}} axis 1 : tensor<48x32xf32, #[[$S]]>
// CHECK: tile.store_global
// CHECK: scf.yield
// CHECK: tile.store_global %{{.*}} : tensor<48x32xf32, #[[$S]]>
func.func @step(%a: tensor<?x?x4xf32>, %c: tensor<?x?x2x24xbf16>,
                %b: tensor<?x?x2x24xbf16>, %x: tensor<?x?x4x40xbf16>,
                %s0: tensor<?x4x40x24xf32>)
    -> (tensor<?x?x4x40xbf16>, tensor<?x4x40x24xf32>) {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x2x24xbf16>,
      tensor<?x?x2x24xbf16>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0 : !ssd.matrix<?x4x?, causal>,
      tensor<?x?x4x40xbf16>, tensor<?x4x40x24xf32>
      -> tensor<?x?x4x40xbf16>, tensor<?x4x40x24xf32>
  return %y, %s : tensor<?x?x4x40xbf16>, tensor<?x4x40x24xf32>
}
