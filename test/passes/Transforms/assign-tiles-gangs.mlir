// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-to-tiles=target=sm_90a | FileCheck %s

// Thread blocks that share B and C: all of the heads, if that leaves few of 132
// multiprocessors idle, or part of them (codegen/PERFORMANCE.md, "Gangs"). The
// kernel with one consumer a block is for few sequences and does not care, if
// there is another.

// CHECK-LABEL: gpu.func @heads_64_0(
// CHECK-SAME: tile.gang = 32 : i64
// CHECK-SAME: tile.sets = 1 : i64
// CHECK-LABEL: gpu.func @heads_64_0_consumers1_ranges(
// CHECK-SAME: tile.gang = 64 : i64
// CHECK-SAME: tile.sets = 1 : i64
func.func @heads_64(%x: tensor<?x?x64x64xbf16>, %a: tensor<?x?x64xf32>,
    %b: tensor<?x?x1x128xbf16>, %c: tensor<?x?x1x128xbf16>) -> tensor<?x?x64x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x64xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x64x?, causal>, tensor<?x?x64x64xbf16> -> tensor<?x?x64x64xbf16>
  return %y : tensor<?x?x64x64xbf16>
}

// CHECK-LABEL: gpu.func @heads_80_1(
// CHECK-SAME: tile.gang = 10 : i64
// CHECK-SAME: tile.sets = 4 : i64
// CHECK-LABEL: gpu.func @heads_80_1_consumers1_ranges(
// CHECK-SAME: tile.gang = 80 : i64
// CHECK-SAME: tile.sets = 1 : i64
func.func @heads_80(%x: tensor<?x?x80x64xbf16>, %a: tensor<?x?x80xf32>,
    %b: tensor<?x?x1x128xbf16>, %c: tensor<?x?x1x128xbf16>) -> tensor<?x?x80x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x80xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x80x?, causal>, tensor<?x?x80x64xbf16> -> tensor<?x?x80x64xbf16>
  return %y : tensor<?x?x80x64xbf16>
}

// CHECK-LABEL: gpu.func @heads_48_2(
// CHECK-SAME: tile.gang = 12 : i64
// CHECK-SAME: tile.sets = 2 : i64
// CHECK-LABEL: gpu.func @heads_48_2_consumers1_ranges(
// CHECK-SAME: tile.gang = 48 : i64
// CHECK-SAME: tile.sets = 1 : i64
func.func @heads_48(%x: tensor<?x?x48x64xbf16>, %a: tensor<?x?x48xf32>,
    %b: tensor<?x?x1x128xbf16>, %c: tensor<?x?x1x128xbf16>) -> tensor<?x?x48x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x48xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x48x?, causal>, tensor<?x?x48x64xbf16> -> tensor<?x?x48x64xbf16>
  return %y : tensor<?x?x48x64xbf16>
}

// CHECK-LABEL: gpu.func @wide_3(
// CHECK-SAME: tile.gang = 12 : i64
// CHECK-SAME: tile.sets = 4 : i64
func.func @wide(%x: tensor<?x?x48x64xbf16>, %a: tensor<?x?x48xf32>,
    %b: tensor<?x?x1x256xbf16>, %c: tensor<?x?x1x256xbf16>) -> tensor<?x?x48x64xbf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x256xbf16>, tensor<?x?x1x256xbf16>, tensor<?x?x48xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x48x?, causal>, tensor<?x?x48x64xbf16> -> tensor<?x?x48x64xbf16>
  return %y : tensor<?x?x48x64xbf16>
}
