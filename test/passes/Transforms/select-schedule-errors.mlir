// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-select-schedule=target=sm_80 -split-input-file -verify-diagnostics

func.func @full(%x: tensor<?x?x8x64xbf16>, %b: tensor<?x?x1x128xbf16>,
                %c: tensor<?x?x1x128xbf16>) -> tensor<?x?x8x64xbf16> {
  %M = ssd.low_rank %c, %b : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>
  // expected-error @below {{applies a full matrix; only causal and anti-causal matrices are executed, and sums of the two without states}}
  %y = ssd.apply %M, %x : !ssd.matrix<?x1x?, full>, tensor<?x?x8x64xbf16>
      -> tensor<?x?x8x64xbf16>
  return %y : tensor<?x?x8x64xbf16>
}

// -----

func.func @headdim_too_large(%x: tensor<?x?x1x264xbf16>, %b: tensor<?x?x1x16xbf16>,
                             %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x264xbf16> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has headdim P = 264, but kernels for sm_80 need a multiple of 8 up to 256}}
  %y = ssd.apply %M, %x : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x264xbf16>
      -> tensor<?x?x1x264xbf16>
  return %y : tensor<?x?x1x264xbf16>
}

// -----

func.func @state_not_a_multiple(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x20xbf16>,
                                %c: tensor<?x?x1x20xbf16>) -> tensor<?x?x1x64xbf16> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x20xbf16>, tensor<?x?x1x20xbf16>
  // expected-error @below {{has state size N = 20, but kernels for sm_80 need a multiple of 8 up to 256}}
  %y = ssd.apply %M, %x : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16>
      -> tensor<?x?x1x64xbf16>
  return %y : tensor<?x?x1x64xbf16>
}

// -----

func.func @f32_inputs(%x: tensor<?x?x1x64xf32>, %b: tensor<?x?x1x16xbf16>,
                      %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{multiplies a tensor 'tensor<?x?x1x64xf32>', but kernels for sm_80 take x, B and C in bf16 or f16 only}}
  %y = ssd.apply %M, %x : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xf32>
      -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @mixed_inputs(%x: tensor<?x?x1x64xf16>, %b: tensor<?x?x1x16xbf16>,
                        %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{multiplies tensors of 'bf16' and 'f16', but kernels for sm_80 take x, B and C in one type}}
  %y = ssd.apply %M, %x : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xf16>
      -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @written_chunk(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
                         %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: kernels have 4 warps of 16 token rows, 64 tokens a chunk}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 32, sub_block = 16, operand = bf16, weights = keys>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @written_operand(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
                           %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: operand f32 is not the inputs' type bf16}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = f32, weights = keys>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @written_weights(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
                           %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: kernels with teams have chunks of a multiple of 32 tokens}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 48, sub_block = 16, operand = bf16>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @written_sub_block(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
                             %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: sub_block 32 is not the 16 rows of a warp}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 32, operand = bf16, weights = keys>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @written_channels(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
                            %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 20 channels are not a multiple of 8 up to the headdim 64}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, channels = 20>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @written_state_too_large(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x256xbf16>,
                                   %c: tensor<?x?x1x256xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x256xbf16>, tensor<?x?x1x256xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 64 channels × 256 state values exceed the 8192 that a thread block keeps in registers}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, channels = 64>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @written_slice_too_wide(%x: tensor<?x?x1x128xbf16>, %b: tensor<?x?x1x16xbf16>,
                                  %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x128xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: a slice of 128 channels exceeds 64}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, channels = 128>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x128xbf16> -> tensor<?x?x1x128xf32>
  return %y : tensor<?x?x1x128xf32>
}

// -----

func.func @written_warps(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
                         %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 8 warps, but kernels have 4}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, warps = 8>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @written_stages(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
                          %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 5 stages exceed 3}}
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys, stages = 5>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @recurrent_operand(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
                             %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: recurrent kernels compute in f32, not in operand bf16}}
  %y = ssd.apply %M, %x schedule <form = recurrent, chunk = 1, sub_block = 1, operand = bf16>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @recurrent_warps(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
                           %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 3 warps are not 1, 2, 4 or 8}}
  %y = ssd.apply %M, %x schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32, warps = 3>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @recurrent_channels(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
                              %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 72 channels are not a multiple of 8 up to the headdim 64}}
  %y = ssd.apply %M, %x schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32, channels = 72>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16> -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}

// -----

func.func @recurrent_registers(%x: tensor<?x?x1x256xbf16>, %b: tensor<?x?x1x256xbf16>,
                               %c: tensor<?x?x1x256xbf16>) -> tensor<?x?x1x256xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x256xbf16>, tensor<?x?x1x256xbf16>
  // expected-error @below {{has a schedule that sm_80 cannot run: 512 values of the state a thread exceed 128}}
  %y = ssd.apply %M, %x schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32, channels = 256>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x256xbf16> -> tensor<?x?x1x256xf32>
  return %y : tensor<?x?x1x256xf32>
}
