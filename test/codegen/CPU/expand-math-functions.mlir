// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s --ssd-expand-math-functions | FileCheck %s

// CHECK-LABEL: func.func @polynomial
// CHECK-NOT:     math.{{exp|log|log1p|tanh}}
// CHECK:         math.fma
func.func @polynomial(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  %1 = math.log1p %0 : vector<16xf32>
  %2 = math.tanh %1 : vector<16xf32>
  return %2 : vector<16xf32>
}

// Upstream's polynomials of these are not accurate near their zeros.

// CHECK-LABEL: func.func @library
// CHECK:         math.sin
// CHECK:         math.cos
func.func @library(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.sin %x : vector<16xf32>
  %1 = math.cos %0 : vector<16xf32>
  return %1 : vector<16xf32>
}
