// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// REQUIRES: ptxas, slow-tests
// RUN: mamba-opt %s -ssd-to-chunks="target=sm_80 weights=keys" -ssd-assign-tiles -canonicalize -cse -print-ptx=target=sm_80 -o /dev/null > %t.sm_80.ptx
// RUN: %assemble --arch=sm_80 %t.sm_80.ptx
// RUN: mamba-opt %s -ssd-to-chunks="target=sm_86 weights=keys" -ssd-assign-tiles -canonicalize -cse -print-ptx=target=sm_86 -o /dev/null > %t.sm_86.ptx
// RUN: %assemble --arch=sm_86 %t.sm_86.ptx
// RUN: mamba-opt %s -ssd-to-chunks="target=sm_89 weights=keys" -ssd-assign-tiles -canonicalize -cse -print-ptx=target=sm_89 -o /dev/null > %t.sm_89.ptx
// RUN: %assemble --arch=sm_89 %t.sm_89.ptx
// RUN: mamba-opt %s -ssd-to-chunks="target=sm_90a weights=keys" -ssd-assign-tiles -canonicalize -cse -print-ptx=target=sm_90a -o /dev/null > %t.sm_90a.ptx
// RUN: %assemble --arch=sm_90a %t.sm_90a.ptx
// RUN: mamba-opt %s -ssd-to-chunks="target=sm_100a weights=keys" -ssd-assign-tiles -canonicalize -cse -print-ptx=target=sm_100a -o /dev/null > %t.sm_100a.ptx
// RUN: %assemble --arch=sm_100a %t.sm_100a.ptx
// RUN: mamba-opt %s -ssd-to-chunks="target=sm_120 weights=keys" -ssd-assign-tiles -canonicalize -cse -print-ptx=target=sm_120 -o /dev/null > %t.sm_120.ptx
// RUN: %assemble --arch=sm_120 %t.sm_120.ptx

// Mixers over the sizes that the GPU back end takes (headdim and state from 8 to
// 256, multiples of 8), in plain kernels as scheduled for each target: no spill.

func.func @p8_n8_bf16(%x: tensor<?x?x4x8xbf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x8xbf16>, %c: tensor<?x?x2x8xbf16>, %s0: tensor<?x4x8x8xf32>)
    -> (tensor<?x?x4x8xbf16>, tensor<?x4x8x8xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xbf16>, tensor<?x4x8x8xf32>
      -> tensor<?x?x4x8xbf16>, tensor<?x4x8x8xf32>
  return %y, %s : tensor<?x?x4x8xbf16>, tensor<?x4x8x8xf32>
}

func.func @p8_n256_bf16(%x: tensor<?x?x4x8xbf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x256xbf16>, %c: tensor<?x?x2x256xbf16>, %s0: tensor<?x4x8x256xf32>)
    -> (tensor<?x?x4x8xbf16>, tensor<?x4x8x256xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x256xbf16>, tensor<?x?x2x256xbf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xbf16>, tensor<?x4x8x256xf32>
      -> tensor<?x?x4x8xbf16>, tensor<?x4x8x256xf32>
  return %y, %s : tensor<?x?x4x8xbf16>, tensor<?x4x8x256xf32>
}

func.func @p40_n24_f16(%x: tensor<?x?x4x40xf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x24xf16>, %c: tensor<?x?x2x24xf16>, %s0: tensor<?x4x40x24xf32>)
    -> (tensor<?x?x4x40xf16>, tensor<?x4x40x24xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x24xf16>, tensor<?x?x2x24xf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x40xf16>, tensor<?x4x40x24xf32>
      -> tensor<?x?x4x40xf16>, tensor<?x4x40x24xf32>
  return %y, %s : tensor<?x?x4x40xf16>, tensor<?x4x40x24xf32>
}

func.func @p64_n64_bf16(%x: tensor<?x?x4x64xbf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x64xbf16>, %c: tensor<?x?x2x64xbf16>, %s0: tensor<?x4x64x64xf32>)
    -> (tensor<?x?x4x64xbf16>, tensor<?x4x64x64xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x64xbf16>, tensor<?x4x64x64xf32>
      -> tensor<?x?x4x64xbf16>, tensor<?x4x64x64xf32>
  return %y, %s : tensor<?x?x4x64xbf16>, tensor<?x4x64x64xf32>
}

func.func @p64_n128_bf16(%x: tensor<?x?x4x64xbf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x128xbf16>, %c: tensor<?x?x2x128xbf16>, %s0: tensor<?x4x64x128xf32>)
    -> (tensor<?x?x4x64xbf16>, tensor<?x4x64x128xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x64xbf16>, tensor<?x4x64x128xf32>
      -> tensor<?x?x4x64xbf16>, tensor<?x4x64x128xf32>
  return %y, %s : tensor<?x?x4x64xbf16>, tensor<?x4x64x128xf32>
}

func.func @p64_n128_f16(%x: tensor<?x?x4x64xf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x128xf16>, %c: tensor<?x?x2x128xf16>, %s0: tensor<?x4x64x128xf32>)
    -> (tensor<?x?x4x64xf16>, tensor<?x4x64x128xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x128xf16>, tensor<?x?x2x128xf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x64xf16>, tensor<?x4x64x128xf32>
      -> tensor<?x?x4x64xf16>, tensor<?x4x64x128xf32>
  return %y, %s : tensor<?x?x4x64xf16>, tensor<?x4x64x128xf32>
}

func.func @p64_n256_bf16(%x: tensor<?x?x4x64xbf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x256xbf16>, %c: tensor<?x?x2x256xbf16>, %s0: tensor<?x4x64x256xf32>)
    -> (tensor<?x?x4x64xbf16>, tensor<?x4x64x256xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x256xbf16>, tensor<?x?x2x256xbf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x64xbf16>, tensor<?x4x64x256xf32>
      -> tensor<?x?x4x64xbf16>, tensor<?x4x64x256xf32>
  return %y, %s : tensor<?x?x4x64xbf16>, tensor<?x4x64x256xf32>
}

func.func @p96_n72_f16(%x: tensor<?x?x4x96xf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x72xf16>, %c: tensor<?x?x2x72xf16>, %s0: tensor<?x4x96x72xf32>)
    -> (tensor<?x?x4x96xf16>, tensor<?x4x96x72xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x72xf16>, tensor<?x?x2x72xf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x96xf16>, tensor<?x4x96x72xf32>
      -> tensor<?x?x4x96xf16>, tensor<?x4x96x72xf32>
  return %y, %s : tensor<?x?x4x96xf16>, tensor<?x4x96x72xf32>
}

func.func @p128_n128_bf16(%x: tensor<?x?x4x128xbf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x128xbf16>, %c: tensor<?x?x2x128xbf16>, %s0: tensor<?x4x128x128xf32>)
    -> (tensor<?x?x4x128xbf16>, tensor<?x4x128x128xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x128xbf16>, tensor<?x4x128x128xf32>
      -> tensor<?x?x4x128xbf16>, tensor<?x4x128x128xf32>
  return %y, %s : tensor<?x?x4x128xbf16>, tensor<?x4x128x128xf32>
}

func.func @p256_n8_bf16(%x: tensor<?x?x4x256xbf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x8xbf16>, %c: tensor<?x?x2x8xbf16>, %s0: tensor<?x4x256x8xf32>)
    -> (tensor<?x?x4x256xbf16>, tensor<?x4x256x8xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x256xbf16>, tensor<?x4x256x8xf32>
      -> tensor<?x?x4x256xbf16>, tensor<?x4x256x8xf32>
  return %y, %s : tensor<?x?x4x256xbf16>, tensor<?x4x256x8xf32>
}

func.func @p256_n256_f16(%x: tensor<?x?x4x256xf16>, %a: tensor<?x?x4xf32>, %dt: tensor<?x?x4xf32>,
    %b: tensor<?x?x2x256xf16>, %c: tensor<?x?x2x256xf16>, %s0: tensor<?x4x256x256xf32>)
    -> (tensor<?x?x4x256xf16>, tensor<?x4x256x256xf32>) {
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x2x256xf16>, tensor<?x?x2x256xf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x2x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x256xf16>, tensor<?x4x256x256xf32>
      -> tensor<?x?x4x256xf16>, tensor<?x4x256x256xf32>
  return %y, %s : tensor<?x?x4x256xf16>, tensor<?x4x256x256xf32>
}
