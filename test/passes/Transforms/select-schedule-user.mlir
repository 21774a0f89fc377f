// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -split-input-file -ssd-select-schedule | FileCheck %s --check-prefix=CPU
// RUN: not mamba-opt %s -split-input-file -ssd-select-schedule="target=sm_80 chunk=128" 2>/dev/null | FileCheck %s --check-prefix=GPU

// A schedule in the IR is kept, also against options; on a GPU the fields
// that are 0 are filled in.

// CPU-LABEL: @written
// CPU: schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, stages = 2>
// GPU-LABEL: @written
// GPU: schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, channels = 64, warps = 4, stages = 2>
func.func @written(%x: tensor<?x?x8x64xbf16>, %a: tensor<8xf32>,
                   %b: tensor<?x?x1x128xbf16>, %c: tensor<?x?x1x128xbf16>)
    -> tensor<?x?x8x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x128xbf16>,
      tensor<?x?x1x128xbf16>, tensor<8xf32>
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16,
        operand = bf16, weights = keys, stages = 2>
      : !ssd.matrix<?x8x?, causal>, tensor<?x?x8x64xbf16>
      -> tensor<?x?x8x64xbf16>
  return %y : tensor<?x?x8x64xbf16>
}

// -----

// Anti-causal matrices are scheduled like causal ones.
// CPU-LABEL: @anticausal
// CPU: schedule <form = quadratic, chunk = 128, sub_block = 128, operand = f32>
func.func @anticausal(%x: tensor<1x128x8x64xf32>, %b: tensor<1x128x1x128xf32>,
                      %c: tensor<1x128x1x128xf32>) -> tensor<1x128x8x64xf32> {
  %M = ssd.state_space %c, %b : tensor<1x128x1x128xf32>, tensor<1x128x1x128xf32>
  %R = ssd.transpose %M : !ssd.matrix<1x1x128, causal>
  %y = ssd.apply %R, %x schedule <form = quadratic, chunk = 128,
        sub_block = 128, operand = f32>
      : !ssd.matrix<1x1x128, anticausal>, tensor<1x128x8x64xf32>
      -> tensor<1x128x8x64xf32>
  return %y : tensor<1x128x8x64xf32>
}
