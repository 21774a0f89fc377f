// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-select-schedule=target=sm_90a | FileCheck %s

// Short sequences with an initial and a final state: the form that was fastest
// on an H100 (codegen/PERFORMANCE.md, "Short sequences"). The names are batch and
// time.

// CHECK-LABEL: @short_1_1
// CHECK: form = recurrent
func.func @short_1_1(%x: tensor<1x1x80x64xbf16>, %a: tensor<1x1x80xf32>,
                      %b: tensor<1x1x1x128xbf16>, %c: tensor<1x1x1x128xbf16>,
                      %s: tensor<1x80x64x128xf32>) -> (tensor<1x1x80x64xbf16>, tensor<1x80x64x128xf32>) {
  %M = ssd.state_space %c, %b decay %a : tensor<1x1x1x128xbf16>, tensor<1x1x1x128xbf16>, tensor<1x1x80xf32>
  %y, %final = ssd.apply %M, %x init %s : !ssd.matrix<1x80x1, causal>, tensor<1x1x80x64xbf16>, tensor<1x80x64x128xf32> -> tensor<1x1x80x64xbf16>, tensor<1x80x64x128xf32>
  return %y, %final : tensor<1x1x80x64xbf16>, tensor<1x80x64x128xf32>
}

// CHECK-LABEL: @short_1_256
// CHECK: consumers = 1>
func.func @short_1_256(%x: tensor<1x256x80x64xbf16>, %a: tensor<1x256x80xf32>,
                      %b: tensor<1x256x1x128xbf16>, %c: tensor<1x256x1x128xbf16>,
                      %s: tensor<1x80x64x128xf32>) -> (tensor<1x256x80x64xbf16>, tensor<1x80x64x128xf32>) {
  %M = ssd.state_space %c, %b decay %a : tensor<1x256x1x128xbf16>, tensor<1x256x1x128xbf16>, tensor<1x256x80xf32>
  %y, %final = ssd.apply %M, %x init %s : !ssd.matrix<1x80x256, causal>, tensor<1x256x80x64xbf16>, tensor<1x80x64x128xf32> -> tensor<1x256x80x64xbf16>, tensor<1x80x64x128xf32>
  return %y, %final : tensor<1x256x80x64xbf16>, tensor<1x80x64x128xf32>
}

// CHECK-LABEL: @short_16_1
// CHECK: form = recurrent
func.func @short_16_1(%x: tensor<16x1x80x64xbf16>, %a: tensor<16x1x80xf32>,
                      %b: tensor<16x1x1x128xbf16>, %c: tensor<16x1x1x128xbf16>,
                      %s: tensor<16x80x64x128xf32>) -> (tensor<16x1x80x64xbf16>, tensor<16x80x64x128xf32>) {
  %M = ssd.state_space %c, %b decay %a : tensor<16x1x1x128xbf16>, tensor<16x1x1x128xbf16>, tensor<16x1x80xf32>
  %y, %final = ssd.apply %M, %x init %s : !ssd.matrix<16x80x1, causal>, tensor<16x1x80x64xbf16>, tensor<16x80x64x128xf32> -> tensor<16x1x80x64xbf16>, tensor<16x80x64x128xf32>
  return %y, %final : tensor<16x1x80x64xbf16>, tensor<16x80x64x128xf32>
}

// CHECK-LABEL: @short_16_64
// CHECK: consumers = 2>
func.func @short_16_64(%x: tensor<16x64x80x64xbf16>, %a: tensor<16x64x80xf32>,
                      %b: tensor<16x64x1x128xbf16>, %c: tensor<16x64x1x128xbf16>,
                      %s: tensor<16x80x64x128xf32>) -> (tensor<16x64x80x64xbf16>, tensor<16x80x64x128xf32>) {
  %M = ssd.state_space %c, %b decay %a : tensor<16x64x1x128xbf16>, tensor<16x64x1x128xbf16>, tensor<16x64x80xf32>
  %y, %final = ssd.apply %M, %x init %s : !ssd.matrix<16x80x64, causal>, tensor<16x64x80x64xbf16>, tensor<16x80x64x128xf32> -> tensor<16x64x80x64xbf16>, tensor<16x80x64x128xf32>
  return %y, %final : tensor<16x64x80x64xbf16>, tensor<16x80x64x128xf32>
}

// CHECK-LABEL: @short_128_4
// CHECK: form = recurrent
func.func @short_128_4(%x: tensor<128x4x80x64xbf16>, %a: tensor<128x4x80xf32>,
                      %b: tensor<128x4x1x128xbf16>, %c: tensor<128x4x1x128xbf16>,
                      %s: tensor<128x80x64x128xf32>) -> (tensor<128x4x80x64xbf16>, tensor<128x80x64x128xf32>) {
  %M = ssd.state_space %c, %b decay %a : tensor<128x4x1x128xbf16>, tensor<128x4x1x128xbf16>, tensor<128x4x80xf32>
  %y, %final = ssd.apply %M, %x init %s : !ssd.matrix<128x80x4, causal>, tensor<128x4x80x64xbf16>, tensor<128x80x64x128xf32> -> tensor<128x4x80x64xbf16>, tensor<128x80x64x128xf32>
  return %y, %final : tensor<128x4x80x64xbf16>, tensor<128x80x64x128xf32>
}

// CHECK-LABEL: @short_128_16
// CHECK: consumers = 2>
func.func @short_128_16(%x: tensor<128x16x80x64xbf16>, %a: tensor<128x16x80xf32>,
                      %b: tensor<128x16x1x128xbf16>, %c: tensor<128x16x1x128xbf16>,
                      %s: tensor<128x80x64x128xf32>) -> (tensor<128x16x80x64xbf16>, tensor<128x80x64x128xf32>) {
  %M = ssd.state_space %c, %b decay %a : tensor<128x16x1x128xbf16>, tensor<128x16x1x128xbf16>, tensor<128x16x80xf32>
  %y, %final = ssd.apply %M, %x init %s : !ssd.matrix<128x80x16, causal>, tensor<128x16x80x64xbf16>, tensor<128x80x64x128xf32> -> tensor<128x16x80x64xbf16>, tensor<128x80x64x128xf32>
  return %y, %final : tensor<128x16x80x64xbf16>, tensor<128x80x64x128xf32>
}
