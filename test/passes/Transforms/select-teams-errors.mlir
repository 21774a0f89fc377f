// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-select-schedule=target=sm_80 -split-input-file -verify-diagnostics

// Written schedules of kernels with teams: weights on the values.

func.func @chunk(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
    %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: kernels with teams have chunks of a multiple of 32 tokens}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 48, sub_block = 16, operand = bf16>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @sub_block(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
    %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: sub_block 32 is not the 16 rows of a warp}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 32, operand = bf16>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @operand(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
    %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: operand f32 is not the inputs' type bf16}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = f32>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @channels(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
    %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 20 channels are not a multiple of 8 up to the headdim 64}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, channels = 20>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @registers(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x128xbf16>,
    %c: tensor<?x?x1x128xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 616 registers a thread for scores and states of 256 tokens exceed 255}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 256, sub_block = 16, operand = bf16>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @stages(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
    %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 5 stages exceed 3}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, stages = 5>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @warps(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
    %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 3 warps are not teams of 4 whose number divides the 1 heads and slices}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, warps = 3>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @shared_memory(%x: tensor<?x?x1x128xbf16>, %b: tensor<?x?x1x128xbf16>,
    %c: tensor<?x?x1x128xbf16>) -> tensor<?x?x1x128xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 234504 B of shared memory exceed 166912 B}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 128, sub_block = 16, operand = bf16, stages = 3>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x128xbf16> -> tensor<?x?x1x128xf32>
  return %y : tensor<?x?x1x128xf32>
}

// -----

func.func @plain_segment(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
    %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: plain kernels have neither segments nor alternatives}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, segment = 8>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}
