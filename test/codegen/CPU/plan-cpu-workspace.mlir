// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s --ssd-plan-cpu-workspace --canonicalize | FileCheck %s

// A, B and C of 64, 128 and 64 bytes: C is needed when A is not any more and
// takes its place; the state outside of the loop is never shared.

// CHECK-LABEL: func.func @share
// CHECK-DAG:     %[[W:.*]] = memref.alloc() {alignment = 64 : i64} : memref<320xi8>
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG:     %[[C128:.*]] = arith.constant 128 : index
// CHECK:         memref.view %[[W]][%[[C0]]][] : memref<320xi8> to memref<10xf32>
// CHECK:         scf.for
// CHECK:           memref.view %[[W]][%[[C64]]][] : memref<320xi8> to memref<16xf32>
// CHECK:           memref.view %[[W]][%[[C128]]][] : memref<320xi8> to memref<48xf32>
// CHECK:           memref.view %[[W]][%[[C64]]][] : memref<320xi8> to memref<16xf32>
// CHECK:         memref.dealloc %[[W]]
func.func @share(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %s = memref.alloc() : memref<10xf32>
  scf.for %i = %c0 to %n step %c1 {
    %a = memref.alloc() : memref<16xf32>
    %x = memref.load %s[%c0] : memref<10xf32>
    memref.store %x, %a[%c0] : memref<16xf32>
    %b = memref.alloc() : memref<48xf32>
    %y = memref.load %a[%c0] : memref<16xf32>
    memref.store %y, %b[%c0] : memref<48xf32>
    %c = memref.alloc() : memref<16xf32>
    %v = memref.subview %c[0] [8] [1] : memref<16xf32> to memref<8xf32, strided<[1]>>
    %z = memref.load %b[%c0] : memref<48xf32>
    memref.store %z, %v[%c0] : memref<8xf32, strided<[1]>>
    %r = memref.load %v[%c0] : memref<8xf32, strided<[1]>>
    memref.store %r, %s[%c0] : memref<10xf32>
  }
  return
}
