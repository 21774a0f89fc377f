// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s | mamba-opt | FileCheck %s

// CHECK-LABEL: func @named
// CHECK-SAME: {ssd.init = "uniform -16 -1", ssd.name = "A"}
// CHECK-SAME: {ssd.name = "y"}
func.func @named(%A: tensor<2xf32> {ssd.init = "uniform -16 -1", ssd.name = "A"})
    -> (tensor<2xf32> {ssd.name = "y"}) {
  return %A : tensor<2xf32>
}
