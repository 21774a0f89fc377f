// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s --ssd-outline-cpu-kernels --canonicalize | FileCheck %s

// The program names its kernel and stays; the kernel walks work items, then
// chunks, and carries the state transposed because it is read along its second
// dimension.

// CHECK-LABEL: func.func @state
// CHECK:         ssd.chunk_scan
// CHECK:         {ssd.kernel = @state_0}
// CHECK:       module @cpu
// CHECK:       func.func @state_0(%[[P:.*]]: !llvm.ptr, %{{.*}}: i64, %[[T:.*]]: i64, %{{.*}}: i64, %{{.*}}: i64)
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG:     %[[C16:.*]] = arith.constant 16 : index
// CHECK:         scf.for %[[W:.*]] =
// CHECK-DAG:       arith.divui %[[W]], %[[C4]]
// CHECK-DAG:       arith.remui %[[W]], %[[C4]]
// CHECK:           scf.for {{.*}} iter_args(%[[S:.*]] = %{{.*}}) -> (tensor<6x8xf32>)
// CHECK:             %[[VALID:.*]] = arith.minui %{{.*}}, %[[C16]]
// CHECK:             memref.reinterpret_cast {{.*}} sizes: [16, 8], strides: [32, 1]
// CHECK:             scf.for %{{.*}} = %{{.*}} to %[[VALID]]
// CHECK:             scf.for %{{.*}} = %[[VALID]] to %[[C16]]
// CHECK:               linalg.fill
// CHECK:             linalg.transpose ins(%[[S]]
// CHECK:             ssd.dot
func.func @state(%x: tensor<?x?x4x8xf32>, %c: tensor<?x?x2x6xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x4x8x6xf32>) {
  %y, %s = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>,
          %c as [batch, time, head, state] : tensor<?x?x2x6xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>)
      finals(tensor<?x4x8x6xf32>) {
  ^bb0(%xt: tensor<16x8xf32>, %ct: tensor<16x6xf32>, %st: tensor<8x6xf32>):
    %read = ssd.dot %ct, %st contract [1, 1] : tensor<16x6xf32>, tensor<8x6xf32> -> tensor<16x8xf32>
    %next = ssd.dot %xt, %ct contract [0, 0] init %st : tensor<16x8xf32>, tensor<16x6xf32>, tensor<8x6xf32> -> tensor<8x6xf32>
    ssd.yield %read, %next : tensor<16x8xf32>, tensor<8x6xf32>
  }
  return %y, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x6xf32>
}

// Padding compares with the number of valid tokens; narrow operands are
// extended, narrow results narrowed, row by row.

// CHECK:       func.func @narrow_0
// CHECK:         %[[VALID:.*]] = arith.minui
// CHECK:         %[[TILE:.*]] = memref.alloc() : memref<4x3xf32>
// CHECK:         arith.extf
// CHECK:         %[[ROW:.*]] = linalg.index 0
// CHECK:         arith.cmpi ult, %[[ROW]], %[[VALID]]
// CHECK:         arith.truncf
func.func @narrow(%x: tensor<?x?x1x3xbf16>) -> tensor<?x?x1x3xbf16> {
  %y = ssd.chunk_scan chunk 4 heads 1
      ins(%x as [batch, time, head, channel] : tensor<?x?x1x3xbf16>)
      outs([batch, time, head, channel] : tensor<?x?x1x3xbf16>) {
  ^bb0(%xt: tensor<4x3xbf16>):
    %w = arith.extf %xt : tensor<4x3xbf16> to tensor<4x3xf32>
    %e = math.exp %w : tensor<4x3xf32>
    %p = ssd.pad %e with 1.0 : tensor<4x3xf32>
    %n = arith.truncf %p : tensor<4x3xf32> to tensor<4x3xbf16>
    ssd.yield %n : tensor<4x3xbf16>
  }
  return %y : tensor<?x?x1x3xbf16>
}
