// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-select-schedule=target=sm_90a | FileCheck %s
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_90a segment=16" | FileCheck %s --check-prefix=SEGMENT
// RUN: mamba-opt %s -ssd-to-tiles="target=sm_90a segment=16" | FileCheck %s --check-prefix=TILES

// With sizes that are known, the number of consumers and whether sequences are
// split is what was faster on an H100: the shapes of codegen/PERFORMANCE.md, by
// batch, time, heads, headdim, state and groups. Only S5 has the choice of one
// consumer and takes it.

// CHECK-LABEL: @S1
// CHECK: consumers = 2>
func.func @S1(%x: tensor<8x4096x80x64xbf16>, %a: tensor<8x4096x80xf32>,
               %b: tensor<8x4096x1x128xbf16>, %c: tensor<8x4096x1x128xbf16>)
    -> tensor<8x4096x80x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<8x4096x1x128xbf16>, tensor<8x4096x1x128xbf16>, tensor<8x4096x80xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<8x80x4096, causal>, tensor<8x4096x80x64xbf16> -> tensor<8x4096x80x64xbf16>
  return %y : tensor<8x4096x80x64xbf16>
}

// CHECK-LABEL: @S2
// CHECK: consumers = 2>
func.func @S2(%x: tensor<16x2048x24x64xbf16>, %a: tensor<16x2048x24xf32>,
               %b: tensor<16x2048x1x128xbf16>, %c: tensor<16x2048x1x128xbf16>)
    -> tensor<16x2048x24x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<16x2048x1x128xbf16>, tensor<16x2048x1x128xbf16>, tensor<16x2048x24xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<16x24x2048, causal>, tensor<16x2048x24x64xbf16> -> tensor<16x2048x24x64xbf16>
  return %y : tensor<16x2048x24x64xbf16>
}

// CHECK-LABEL: @S3
// CHECK: consumers = 2>
func.func @S3(%x: tensor<2x8192x128x64xbf16>, %a: tensor<2x8192x128xf32>,
               %b: tensor<2x8192x8x128xbf16>, %c: tensor<2x8192x8x128xbf16>)
    -> tensor<2x8192x128x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<2x8192x8x128xbf16>, tensor<2x8192x8x128xbf16>, tensor<2x8192x128xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<2x128x8192, causal>, tensor<2x8192x128x64xbf16> -> tensor<2x8192x128x64xbf16>
  return %y : tensor<2x8192x128x64xbf16>
}

// CHECK-LABEL: @S4
// CHECK: consumers = 2, segment = 8>
func.func @S4(%x: tensor<1x65536x24x64xbf16>, %a: tensor<1x65536x24xf32>,
               %b: tensor<1x65536x1x128xbf16>, %c: tensor<1x65536x1x128xbf16>)
    -> tensor<1x65536x24x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<1x65536x1x128xbf16>, tensor<1x65536x1x128xbf16>, tensor<1x65536x24xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<1x24x65536, causal>, tensor<1x65536x24x64xbf16> -> tensor<1x65536x24x64xbf16>
  return %y : tensor<1x65536x24x64xbf16>
}

// CHECK-LABEL: @S5
// CHECK: consumers = 1, segment = 8>
func.func @S5(%x: tensor<1x4096x24x64xbf16>, %a: tensor<1x4096x24xf32>,
               %b: tensor<1x4096x1x128xbf16>, %c: tensor<1x4096x1x128xbf16>)
    -> tensor<1x4096x24x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<1x4096x1x128xbf16>, tensor<1x4096x1x128xbf16>, tensor<1x4096x24xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<1x24x4096, causal>, tensor<1x4096x24x64xbf16> -> tensor<1x4096x24x64xbf16>
  return %y : tensor<1x4096x24x64xbf16>
}

// CHECK-LABEL: @S6
// CHECK: consumers = 2>
func.func @S6(%x: tensor<16x4096x64x64xbf16>, %a: tensor<16x4096x64xf32>,
               %b: tensor<16x4096x1x64xbf16>, %c: tensor<16x4096x1x64xbf16>)
    -> tensor<16x4096x64x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<16x4096x1x64xbf16>, tensor<16x4096x1x64xbf16>, tensor<16x4096x64xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<16x64x4096, causal>, tensor<16x4096x64x64xbf16> -> tensor<16x4096x64x64xbf16>
  return %y : tensor<16x4096x64x64xbf16>
}

// CHECK-LABEL: @S7
// CHECK: consumers = 1>
func.func @S7(%x: tensor<4x4096x32x64xbf16>, %a: tensor<4x4096x32xf32>,
               %b: tensor<4x4096x1x256xbf16>, %c: tensor<4x4096x1x256xbf16>)
    -> tensor<4x4096x32x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<4x4096x1x256xbf16>, tensor<4x4096x1x256xbf16>, tensor<4x4096x32xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<4x32x4096, causal>, tensor<4x4096x32x64xbf16> -> tensor<4x4096x32x64xbf16>
  return %y : tensor<4x4096x32x64xbf16>
}

// CHECK-LABEL: @S8
// CHECK: consumers = 2>
func.func @S8(%x: tensor<4x4096x32x128xbf16>, %a: tensor<4x4096x32xf32>,
               %b: tensor<4x4096x1x128xbf16>, %c: tensor<4x4096x1x128xbf16>)
    -> tensor<4x4096x32x128xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<4x4096x1x128xbf16>, tensor<4x4096x1x128xbf16>, tensor<4x4096x32xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<4x32x4096, causal>, tensor<4x4096x32x128xbf16> -> tensor<4x4096x32x128xbf16>
  return %y : tensor<4x4096x32x128xbf16>
}

// One dynamic size is enough for the choice to be made at launch.
// CHECK-LABEL: @dynamic_batch
// SEGMENT-LABEL: @dynamic_batch
// SEGMENT: consumers = 2, segment = 16, alternatives = [consumers 1 segment 16]>
// CHECK: consumers = 2, alternatives = [consumers 2 segment 8, consumers 1, consumers 1 segment 8]>
func.func @dynamic_batch(%x: tensor<?x4096x4x64xbf16>, %a: tensor<?x4096x4xf32>,
                         %b: tensor<?x4096x1x64xbf16>, %c: tensor<?x4096x1x64xbf16>)
    -> tensor<?x4096x4x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x4096x1x64xbf16>, tensor<?x4096x1x64xbf16>, tensor<?x4096x4xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x4096, causal>, tensor<?x4096x4x64xbf16> -> tensor<?x4096x4x64xbf16>
  return %y : tensor<?x4096x4x64xbf16>
}

// Three heads cannot be taken in pairs.
// CHECK-LABEL: @odd_heads
// CHECK: consumers = 1, alternatives = [consumers 1 segment 8]>
func.func @odd_heads(%x: tensor<?x?x3x64xbf16>, %a: tensor<?x?x3xf32>,
                     %b: tensor<?x?x1x64xbf16>, %c: tensor<?x?x1x64xbf16>)
    -> tensor<?x?x3x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x64xbf16>, tensor<?x?x1x64xbf16>, tensor<?x?x3xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x3x?, causal>, tensor<?x?x3x64xbf16> -> tensor<?x?x3x64xbf16>
  return %y : tensor<?x?x3x64xbf16>
}

// No sequence is split where there are more of them than multiprocessors, or
// where the longest has fewer chunks than two segments.
// CHECK-LABEL: @large_batch
// CHECK: consumers = 2, alternatives = [consumers 1]>
func.func @large_batch(%x: tensor<128x?x4x64xbf16>, %a: tensor<128x?x4xf32>,
                       %b: tensor<128x?x1x128xbf16>, %c: tensor<128x?x1x128xbf16>)
    -> tensor<128x?x4x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<128x?x1x128xbf16>, tensor<128x?x1x128xbf16>, tensor<128x?x4xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<128x4x?, causal>, tensor<128x?x4x64xbf16> -> tensor<128x?x4x64xbf16>
  return %y : tensor<128x?x4x64xbf16>
}

// CHECK-LABEL: @short
// CHECK: consumers = 2, alternatives = [consumers 1]>
func.func @short(%x: tensor<?x960x4x64xbf16>, %a: tensor<?x960x4xf32>,
                 %b: tensor<?x960x1x64xbf16>, %c: tensor<?x960x1x64xbf16>)
    -> tensor<?x960x4x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x960x1x64xbf16>, tensor<?x960x1x64xbf16>, tensor<?x960x4xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x960, causal>, tensor<?x960x4x64xbf16> -> tensor<?x960x4x64xbf16>
  return %y : tensor<?x960x4x64xbf16>
}

// What is written is kept; other kernels have the forced segments.
// SEGMENT-LABEL: @written
// SEGMENT: consumers = 1, alternatives = [consumers 2 segment 4]>
// TILES: gpu.func @dynamic_batch_8({{.*}}tile.segment_chunks = 16
// TILES: gpu.func @dynamic_batch_8_consumers1_segments16({{.*}}tile.segment_chunks = 16
// TILES: gpu.func @written_12({{.*}}tile.segment_chunks = 0
// TILES: gpu.func @written_12_consumers2_segments4({{.*}}tile.segment_chunks = 4
// CHECK-LABEL: @written
// CHECK: consumers = 1, alternatives = [consumers 2 segment 4]>
func.func @written(%x: tensor<?x?x4x64xbf16>, %a: tensor<?x?x4xf32>,
                   %b: tensor<?x?x1x64xbf16>, %c: tensor<?x?x1x64xbf16>)
    -> tensor<?x?x4x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x64xbf16>, tensor<?x?x1x64xbf16>, tensor<?x?x4xf32>
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, consumers = 1, alternatives = [consumers 2 segment 4]> : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xbf16>
  return %y : tensor<?x?x4x64xbf16>
}
