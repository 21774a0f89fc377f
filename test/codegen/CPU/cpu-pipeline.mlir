// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s --ssd-cpu-tiles --ssd-cpu-llvm | FileCheck %s

// The whole back end: one function of the C signature is left, in the LLVM
// dialect, with no call but those for its workspace.

// CHECK:       module @cpu
// CHECK:       llvm.func @f_0(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64)
// CHECK:         llvm.call @malloc
// CHECK-NOT:     llvm.call @{{[^f]}}
// CHECK:         llvm.intr.fma{{.*}} : {{.*}}vector<
// CHECK-NOT:     unrealized_conversion_cast
// CHECK:         llvm.call @free
func.func @f(%a: tensor<?x?x4xf32>, %x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%a as [batch, time, head] : tensor<?x?x4xf32>, %x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%at: tensor<16xf32>, %xt: tensor<16x8xf32>):
    %L = ssd.segment_decay %at sub_block 16 : (tensor<16xf32>) -> tensor<16x16xf32>
    %yt = ssd.dot %L, %xt contract [1, 0] : tensor<16x16xf32>, tensor<16x8xf32> -> tensor<16x8xf32>
    ssd.yield %yt : tensor<16x8xf32>
  }
  return %y : tensor<?x?x4x8xf32>
}
