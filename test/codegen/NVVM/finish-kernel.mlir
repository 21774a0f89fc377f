// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is left without any pass behind.
// RUN: mamba-opt %s -convert-tile-to-nvvm | FileCheck %s

gpu.module @kernels {
  // Tiles become scalars: nothing is packed only to be unpacked. Each constant is
  // there once, at the beginning, and nothing that is not used.
  // CHECK-LABEL: gpu.func @scalars
  // CHECK: %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
  // CHECK-NOT: arith.constant 2.000000e+00
  // CHECK: %c0_i32 = arith.constant 0 : i32
  // CHECK-NOT: arith.constant 0 : i32
  // CHECK-NOT: {{vector.from_elements|llvm.insertelement|llvm.extractelement}}
  // CHECK: arith.mulf %[[TWO]], %[[TWO]]
  // CHECK-NOT: {{vector.from_elements|llvm.insertelement|llvm.extractelement}}
  // CHECK-NOT: arith.constant
  // CHECK: gpu.return
  gpu.func @scalars(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %one = arith.constant dense<1.0> : tensor<64xf32, #tile.lane>
    %sum = arith.addf %one, %one : tensor<64xf32, #tile.lane>
    %square = arith.mulf %sum, %sum : tensor<64xf32, #tile.lane>
    tile.store_global %square -> %p[%c0] strides [%c1] bounds [%n]
        : tensor<64xf32, #tile.lane>, !llvm.ptr<1>
    gpu.return
  }

  // What goes around a loop is a vector.
  // CHECK-LABEL: gpu.func @carried
  // CHECK: scf.for {{.*}} -> (vector<2xf32>)
  // CHECK-COUNT-2: llvm.extractelement
  // CHECK: llvm.mlir.poison : vector<2xf32>
  // CHECK-COUNT-2: llvm.insertelement
  // CHECK: scf.yield
  // CHECK-NOT: vector.from_elements
  gpu.func @carried(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %one = arith.constant dense<1.0> : tensor<64xf32, #tile.lane>
    %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %one)
        -> (tensor<64xf32, #tile.lane>) {
      %next = arith.addf %s, %one : tensor<64xf32, #tile.lane>
      scf.yield %next : tensor<64xf32, #tile.lane>
    }
    tile.store_global %sum -> %p[%c0] strides [%c1] bounds [%n]
        : tensor<64xf32, #tile.lane>, !llvm.ptr<1>
    gpu.return
  }
}
