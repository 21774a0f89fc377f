// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s --convert-ssd-to-linalg --ssd-fuse-cpu-tiles | FileCheck %s

// A product reads and writes the transposed state where it lies.

// CHECK-LABEL: func.func @transposes
// CHECK-SAME:    %[[C:.*]]: tensor<4x8xf32>, %[[S:.*]]: tensor<8x6xf32>
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.fill {{.*}} tensor<6x4xf32>
// CHECK:         %[[R:.*]] = linalg.generic
// CHECK-SAME:      ins(%[[C]], %[[S]] {{.*}} outs(%{{.*}} : tensor<6x4xf32>)
// CHECK:         return %[[R]]
func.func @transposes(%c: tensor<4x8xf32>, %s: tensor<8x6xf32>) -> tensor<6x4xf32> {
  %e = tensor.empty() : tensor<6x8xf32>
  %t = linalg.transpose ins(%s : tensor<8x6xf32>) outs(%e : tensor<6x8xf32>) permutation = [1, 0]
  %p = ssd.dot %c, %t contract [1, 1] : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %e2 = tensor.empty() : tensor<6x4xf32>
  %r = linalg.transpose ins(%p : tensor<4x6xf32>) outs(%e2 : tensor<6x4xf32>) permutation = [1, 0]
  return %r : tensor<6x4xf32>
}

// The exponentials of a vector are not repeated for every column, the
// broadcasts are; the result lies where an operand was.

// CHECK-LABEL: func.func @expensive
// CHECK-SAME:    %[[V:.*]]: tensor<4xf32>, %[[X:.*]]: tensor<4x8xf32>
// CHECK:         %[[E:.*]] = linalg.generic
// CHECK-SAME:      ins(%[[V]]
// CHECK:           math.exp
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[E]] {{.*}} outs(%[[X]]
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      arith.mulf
// CHECK-NEXT:      arith.addf
// CHECK-NOT:     linalg.generic
func.func @expensive(%v: tensor<4xf32>, %x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %ev = tensor.empty() : tensor<4xf32>
  %ex = tensor.empty() : tensor<4x8xf32>
  %e = linalg.exp ins(%v : tensor<4xf32>) outs(%ev : tensor<4xf32>) -> tensor<4xf32>
  %b = ssd.broadcast %e dims [1] : tensor<4xf32> -> tensor<4x8xf32>
  %m = linalg.mul ins(%x, %b : tensor<4x8xf32>, tensor<4x8xf32>) outs(%ex : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = linalg.add ins(%m, %x : tensor<4x8xf32>, tensor<4x8xf32>) outs(%ex : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}
