// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The commands of README's debugging table.

// RUN: mamba-opt %s -canonicalize -cse --mlir-print-ir-after-all --mlir-print-ir-after-change 2>&1 | FileCheck %s --check-prefix=CHANGE
// RUN: rm -rf %t && mkdir %t
// RUN: mamba-opt %s -canonicalize -cse --mlir-print-ir-after-all --mlir-print-ir-tree-dir=%t/tree -o /dev/null
// RUN: find %t/tree -name "*cse.mlir" | count 1
// RUN: mamba-opt %s -canonicalize --mlir-timing -o /dev/null 2>&1 | FileCheck %s --check-prefix=TIMING
// RUN: mamba-opt %s --verify-roundtrip | FileCheck %s
// RUN: mamba-opt %s -canonicalize --mlir-pass-pipeline-crash-reproducer=%t/again.mlir -o /dev/null
// RUN: mamba-opt %s -canonicalize --remark-format=emitRemark --remarks-filter='.*' -o /dev/null

// CHANGE: IR Dump After Canonicalizer
// CHANGE-NOT: IR Dump After CSE
// TIMING: Canonicalizer

// CHECK-LABEL: func.func @twice
func.func @twice(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  %1 = math.exp %0 : f32
  %unused = math.sqrt %1 : f32
  return %1 : f32
}
