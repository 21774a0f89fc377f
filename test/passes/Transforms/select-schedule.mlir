// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-select-schedule | FileCheck %s --check-prefix=CPU
// RUN: mamba-opt %s -ssd-select-schedule=target=sm_80 | FileCheck %s --check-prefix=TEAMS
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_90a consumers=0" | FileCheck %s --check-prefix=TEAMS
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_80 weights=keys" | FileCheck %s --check-prefixes=GPU,SM80
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_86 weights=keys" | FileCheck %s --check-prefixes=GPU,SM86
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_89 weights=keys" | FileCheck %s --check-prefixes=GPU,SM86
// RUN: mamba-opt %s -ssd-select-schedule=target=sm_90a | FileCheck %s --check-prefix=ROLES
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_90a weights=keys" | FileCheck %s --check-prefixes=GPU,SM90
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_100a weights=keys" | FileCheck %s --check-prefixes=GPU,SM90
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_120 weights=keys" | FileCheck %s --check-prefixes=GPU,SM86
// RUN: mamba-opt %s -ssd-select-schedule="form=chunked chunk=96 sub-block=32 weights=keys" | FileCheck %s --check-prefix=FORCED
// RUN: mamba-opt %s -ssd-select-schedule=form=recurrent | FileCheck %s --check-prefix=RECURRENT
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_90a form=recurrent" | FileCheck %s --check-prefix=STEP
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_90a channels=8 stages=2" | FileCheck %s --check-prefix=SLICE

// CPU-LABEL: @mamba2
// CPU: schedule <form = chunked, chunk = {{16|32|64|128|256}}, sub_block = 16, operand = f32>
// TEAMS-LABEL: @mamba2
// TEAMS: schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, channels = 64, warps = 8, stages = {{2|3}}, alternatives = [segment 4]>
// GPU-LABEL: @mamba2
// SM80: schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, channels = 64, warps = 4, stages = 3>
// SM86: schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, channels = 32, warps = 4, stages = 2>
// SM90: schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, channels = 64, warps = 4, stages = 2>
// ROLES-LABEL: @mamba2
// ROLES: schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, channels = 64, warps = 16, stages = 3, consumers = 2, alternatives = [consumers 2 segment 8, consumers 1, consumers 1 segment 8]>
// FORCED-LABEL: @mamba2
// FORCED: schedule <form = chunked, chunk = 96, sub_block = 32, operand = f32, weights = keys>
// RECURRENT-LABEL: @mamba2
// RECURRENT: schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32>
// STEP-LABEL: @mamba2
// STEP: schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32, channels = 64, warps = 4>
// SLICE-LABEL: @mamba2
// SLICE: schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, channels = 8, warps = 4, stages = 2>
func.func @mamba2(%x: tensor<?x?x24x64xbf16>, %dt: tensor<?x?x24xf32>,
                  %a: tensor<?x?x24xf32>, %b: tensor<?x?x1x128xbf16>,
                  %c: tensor<?x?x1x128xbf16>)
    -> tensor<?x?x24x64xbf16> {
  %L = ssd.decay %a : tensor<?x?x24xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>
  %M = ssd.hadamard %L, %G : !ssd.matrix<?x24x?, causal>, !ssd.matrix<?x1x?, full>
  %S = ssd.scale_columns %M, %dt : !ssd.matrix<?x24x?, causal>, tensor<?x?x24xf32>
  %y = ssd.apply %S, %x : !ssd.matrix<?x24x?, causal>, tensor<?x?x24x64xbf16>
      -> tensor<?x?x24x64xbf16>
  return %y : tensor<?x?x24x64xbf16>
}

// The state N = 256 is twice as wide, a block owns half of the channels; the
// weights of a wide headdim go on the narrower keys.
// CPU-LABEL: @wide_state
// STEP-LABEL: @wide_state
// STEP: operand = f32, channels = 32, warps = 4>
// CPU: operand = f32>
// TEAMS-LABEL: @wide_state
// TEAMS: chunk = {{32|64}}, sub_block = 16, operand = f16, channels = 64, warps = 8, stages = {{[123]}}, alternatives = [segment {{4|8}}]>
// GPU-LABEL: @wide_state
// ROLES-LABEL: @wide_state
// ROLES: operand = f16, channels = 64, warps = 12, stages = 2, consumers = 1, alternatives = [consumers 1 segment 8]>
// GPU: operand = f16, weights = keys, channels = 32, warps = 4, stages = {{[123]}}>
func.func @wide_state(%x: tensor<?x?x8x64xf16>, %a: tensor<?x?x8xf32>,
                      %b: tensor<?x?x2x256xf16>, %c: tensor<?x?x2x256xf16>)
    -> tensor<?x?x8x64xf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x2x256xf16>,
      tensor<?x?x2x256xf16>, tensor<?x?x8xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x8x?, causal>, tensor<?x?x8x64xf16>
      -> tensor<?x?x8x64xf16>
  return %y : tensor<?x?x8x64xf16>
}

// 40 is no power of two: all of it fits. An f32 result has no kernel with roles.
// CPU-LABEL: @narrow_state
// CPU: operand = f32, weights = keys>
// GPU-LABEL: @narrow_state
// ROLES-LABEL: @narrow_state
// ROLES: channels = 40, warps = {{[48]}}, stages = {{[123]}}, alternatives = [segment {{4|8}}]>
// SM80: channels = 40, warps = 4, stages = 3>
// SM86: channels = 40, warps = 4, stages = 2>
func.func @narrow_state(%x: tensor<?x?x8x40xbf16>, %b: tensor<?x?x8x24xbf16>,
                        %c: tensor<?x?x8x24xbf16>) -> tensor<?x?x8x40xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x8x24xbf16>, tensor<?x?x8x24xbf16>
  %y = ssd.apply %M, %x : !ssd.matrix<?x8x?, causal>, tensor<?x?x8x40xbf16>
      -> tensor<?x?x8x40xf32>
  return %y : tensor<?x?x8x40xf32>
}

// 248 channels of 128 states need four slices, the last one narrower.
// CPU-LABEL: @ragged_slices
// GPU-LABEL: @ragged_slices
// SM90: channels = 64, warps = 4, stages = 2>
func.func @ragged_slices(%x: tensor<?x?x8x248xbf16>, %b: tensor<?x?x8x128xbf16>,
                         %c: tensor<?x?x8x128xbf16>) -> tensor<?x?x8x248xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %y = ssd.apply %M, %x : !ssd.matrix<?x8x?, causal>, tensor<?x?x8x248xbf16>
      -> tensor<?x?x8x248xf32>
  return %y : tensor<?x?x8x248xf32>
}

// Slices are 64 channels wide at most, whatever the state leaves room for.
// CPU-LABEL: @wide_headdim
// GPU-LABEL: @wide_headdim
// GPU: channels = 64, warps = 4
// TEAMS-LABEL: @wide_headdim
// TEAMS: operand = bf16, channels = 192, warps = 8,
func.func @wide_headdim(%x: tensor<?x?x8x192xbf16>, %b: tensor<?x?x8x24xbf16>,
                        %c: tensor<?x?x8x24xbf16>) -> tensor<?x?x8x192xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x8x24xbf16>, tensor<?x?x8x24xbf16>
  %y = ssd.apply %M, %x : !ssd.matrix<?x8x?, causal>, tensor<?x?x8x192xbf16>
      -> tensor<?x?x8x192xf32>
  return %y : tensor<?x?x8x192xf32>
}

// One token: nothing to gain from a chunk.
// CPU-LABEL: @decode
// CPU: schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32>
// TEAMS-LABEL: @decode
// TEAMS: schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32, channels = 16, warps = 4>
// ROLES-LABEL: @decode
// ROLES: schedule <form = recurrent,
func.func @decode(%x: tensor<?x1x8x64xbf16>, %a: tensor<?x1x8xf32>,
                  %b: tensor<?x1x1x128xbf16>, %c: tensor<?x1x1x128xbf16>,
                  %s0: tensor<?x8x64x128xf32>)
    -> (tensor<?x1x8x64xbf16>, tensor<?x8x64x128xf32>) {
  %M = ssd.state_space %c, %b decay %a : tensor<?x1x1x128xbf16>,
      tensor<?x1x1x128xbf16>, tensor<?x1x8xf32>
  %y, %s = ssd.apply %M, %x init %s0 : !ssd.matrix<?x8x1, causal>,
      tensor<?x1x8x64xbf16>, tensor<?x8x64x128xf32>
      -> tensor<?x1x8x64xbf16>, tensor<?x8x64x128xf32>
  return %y, %s : tensor<?x1x8x64xbf16>, tensor<?x8x64x128xf32>
}
