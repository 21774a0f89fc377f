// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -ssd-to-tiles="target=sm_90a consumers=2 segment=8" | FileCheck %s
// RUN: mamba-opt %s -ssd-to-tiles="target=sm_90a consumers=2 segment=0" | FileCheck %s --check-prefix=RANGES
// RUN: mamba-opt %s -ssd-to-tiles=target=sm_90a | FileCheck %s --check-prefix=ALL

// Two heads share C and B, so that one thread block makes C Bᵀ once for both. The
// state never passes through shared memory, outputs are computed transposed. The
// skip D x is what Xᵀ Mᵀ begins with, weights of x come in two bf16 parts.

// A launch may run any of four kernels.
// ALL: ssd.alternatives = [@kernels::@mamba2_0_consumers2_segments8, @kernels::@mamba2_0_consumers1_ranges, @kernels::@mamba2_0_consumers1_segments8], ssd.kernel = @kernels::@mamba2_0
// ALL-LABEL: gpu.func @mamba2_0(
// ALL-SAME: known_block_size = array<i32: 512, 1, 1>
// ALL-SAME: tile.segment_chunks = 0
// ALL-LABEL: gpu.func @mamba2_0_consumers2_segments8(
// ALL-SAME: known_block_size = array<i32: 512, 1, 1>
// ALL-SAME: tile.segment_chunks = 8
// ALL-LABEL: gpu.func @mamba2_0_consumers1_ranges(
// ALL-SAME: known_block_size = array<i32: 384, 1, 1>
// ALL-SAME: tile.gang = 4
// ALL-SAME: tile.segment_chunks = 0
// ALL: tile.role "consume" warps 4 registers 240
// ALL-LABEL: gpu.func @mamba2_0_consumers1_segments8(
// ALL-SAME: tile.segment_chunks = 8

// CHECK-NOT: ssd.alternatives
// CHECK-LABEL: gpu.func @mamba2_0(
// CHECK-SAME: known_block_size = array<i32: 512, 1, 1>
// CHECK-SAME: tile.chunk = 64
// CHECK-SAME: tile.cost = array<i64:
// CHECK-SAME: tile.gang = 2
// CHECK-SAME: tile.segment_chunks = 8
// CHECK-SAME: tile.sets = 1
// CHECK-SAME: tile.tensor_maps = [array<i64: 2, 64, 1, 64, 1>, array<i64: 3, 64, 1, 64, 1>, array<i64: 4, 64, 1, 64, 1>, array<i64: 6, 64, 1, 64, 1>]
// CHECK-SAME: tile.workspaces = [tensor<?x2x64x128xf32>, tensor<?x2xf32>, tensor<?x3xi64>]
// CHECK-DAG: %[[UNIT:.*]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[SHARED:.*]] = tile.pipeline full 1 empty 12 : !tile.pipeline<stages = 3>
// CHECK: %[[OWN:.*]] = tile.pipeline full 2 empty 8 : !tile.pipeline<stages = 3, groups = 2>
// CHECK: %[[MASK:.*]] = tile.pipeline full 4 empty 4 : !tile.pipeline<stages = 2, groups = 2>

// CHECK: %[[BLOCK_ID:.*]] = gpu.block_id x
// CHECK: %[[BLOCK:.*]] = arith.index_cast %[[BLOCK_ID]] : index to i32
// CHECK: %[[GANG:.*]] = arith.divui %[[BLOCK]], %c2_i32 : i32

// All warps look for the chunks that count in a long segment, the last ones
// first.
// CHECK: arith.cmpi ugt, %{{.*}}, %c32_i32
// CHECK: %[[REACH:.*]] = scf.if %{{.*}} -> (i32) {
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %c0_i32, %[[DECAY0:.*]] = %[[UNIT]], %[[DECAY1:.*]] = %[[UNIT]])
// CHECK-DAG: arith.cmpf une, %[[DECAY0]], %[[ZERO]] : f32
// CHECK-DAG: arith.cmpf une, %[[DECAY1]], %[[ZERO]] : f32
// CHECK: tile.load_global
// CHECK: %[[SUM:.*]] = tile.reduce_sum
// CHECK: %[[TRANSITION:.*]] = math.exp %[[SUM]]
// CHECK: tile.splat %[[TRANSITION]]
// CHECK: tile.store_shared
// CHECK: tile.barrier
// CHECK: scf.for {{.*}} = %c0 to %c8 step %c1 iter_args(%{{.*}} = %{{.*}}, %[[ALL0:.*]] = %[[DECAY0]], %[[ALL1:.*]] = %[[DECAY1]])
// CHECK: tile.load_element
// CHECK: arith.mulf %[[ALL0]]
// CHECK: tile.load_element
// CHECK: arith.mulf %[[ALL1]]
// CHECK: tile.barrier

// The producers walk both passes in one loop: that which sums up a segment,
// backwards over as many chunks (B without C, weights times the decay of the
// chunks behind, no masks), and the main pass.
// CHECK: tile.role "load" warps 1 registers 48
// CHECK: %[[TURNS:.*]] = arith.addi %{{.*}}, %[[REACH]] : i32
// CHECK: %[[LAST:.*]] = arith.subi %{{.*}}, %c1_i32
// CHECK: scf.for %[[I:.*]] = %c0_i32 to %[[TURNS]]
// CHECK: %[[SUMS_UP:.*]] = arith.cmpi slt, %[[I]], %[[REACH]] : i32
// CHECK: %[[BACK:.*]] = arith.subi %[[LAST]], %[[I]]
// CHECK: arith.select %[[SUMS_UP]], %[[BACK]]
// CHECK: scf.if %[[SUMS_UP]] {
// CHECK: tile.expect %[[SHARED]][{{.*}}] bytes 16384
// CHECK: scf.for %[[HEAD:.*]] = %c0 to %c2 step %c1 {
// CHECK: tile.acquire %[[OWN]][%[[HEAD]]]
// CHECK: tile.expect %[[OWN]][{{.*}}] bytes 8192
// CHECK: } else {
// CHECK: tile.expect %[[SHARED]][{{.*}}] bytes 32768
// CHECK: tile.expect %[[OWN]][{{.*}}] bytes 8192
// CHECK: tile.role "vectors" warps 1 instances 2 registers 48
// CHECK: %[[TURNS:.*]] = arith.addi %{{.*}}, %[[REACH]] : i32
// CHECK: scf.for %{{.*}} = %c0_i32 to %c4_i32
// CHECK: tile.copy_vector
// CHECK: scf.for %[[I:.*]] = %c0_i32 to %[[TURNS]] {{.*}} iter_args(%[[BEHIND:.*]] = %[[UNIT]])
// CHECK: %[[SUMS_UP:.*]] = arith.cmpi slt, %[[I]], %[[REACH]] : i32
// CHECK: tile.wait_copies pending 3
// CHECK: %[[SUMS:.*]] = tile.cumsum %{{.*}} : tensor
// CHECK-NOT: tile.cumsum
// CHECK: %[[SUM:.*]] = tile.extract %[[SUMS]][63]
// CHECK: %[[WHOLE:.*]] = tile.splat %[[SUM]]
// CHECK: arith.subf %[[WHOLE]], %[[SUMS]]
// CHECK: %[[SPLAT:.*]] = tile.splat %[[BEHIND]]
// CHECK: %[[WEIGHTS:.*]] = arith.mulf %{{.*}}, %[[SPLAT]] : tensor<64xf32, #tile.lane>
// CHECK: %[[HIGH:.*]] = arith.truncf %[[WEIGHTS]] : tensor<64xf32, #tile.lane> to tensor<64xbf16, #tile.lane>
// CHECK: %[[WIDE:.*]] = arith.extf %[[HIGH]]
// CHECK: %[[REST:.*]] = arith.subf %[[WEIGHTS]], %[[WIDE]]
// CHECK: arith.truncf %[[REST]]
// CHECK: %[[IN_FRONT:.*]] = arith.mulf %[[BEHIND]], %{{.*}} : f32
// CHECK: %[[GOES_ON:.*]] = arith.cmpi slt, %{{.*}}, %[[REACH]] : i32
// CHECK: arith.select %[[GOES_ON]], %[[IN_FRONT]], %[[UNIT]] : f32
// CHECK: scf.if %[[SUMS_UP]] {
// CHECK-NEXT: } else {
// CHECK: tile.extract %[[SUMS]][15]
// CHECK: tile.commit %[[OWN]]
// CHECK: tile.copy_vector
// CHECK-NOT: tile.copy_vector
// CHECK: tile.role "idle"
// CHECK: tile.role "mask" warps 4 registers 80
// CHECK: %[[G:.*]] = tile.wgmma_wait
// CHECK: scf.for %[[GROUP:.*]] = %c0 to %c2 step %c1 {
// CHECK: tile.wait %[[OWN]][%[[GROUP]]]
// CHECK: tile.segment_decay %{{.*}} scale %{{.*}} factors %{{.*}}, %{{.*}}, %{{.*}} scores %[[G]]
// CHECK: tile.commit %[[MASK]]
// CHECK-NOT: tile.segment_decay
// CHECK: tile.role "consume" warps 4 instances 2 registers 192
// CHECK: scf.for {{.*}} to %[[REACH]] {{.*}} iter_args(%[[PART:.*]] = %{{.*}}, %{{.*}} = %[[UNIT]])
// CHECK: tile.wgmma %{{.*}}, %{{.*}}, %[[PART]]
// CHECK: tile.store_packed
// CHECK: tile.signal
// CHECK: tile.await %{{.*}} count
// CHECK: scf.for {{.*}} iter_args(%[[BEFORE:.*]] = %{{.*}}, %[[LEFT:.*]] = %[[UNIT]], %[[DECAY:.*]] = %{{.*}})
// Of the segment that comes next but one, if there is one; no slot lies in front
// of the first gang's.
// CHECK: %[[FRONT:.*]] = arith.subi %[[GANG]], %{{.*}} : i32
// CHECK: arith.maxsi %[[FRONT]], %c0_i32 : i32
// CHECK: %[[AHEAD:.*]] = llvm.load
// CHECK: %[[COUNTS:.*]] = arith.cmpf une, %[[LEFT]], %[[ZERO]] : f32
// CHECK: scf.if %[[COUNTS]]
// CHECK: tile.load_packed
// CHECK: else
// CHECK-NEXT: scf.yield %[[BEFORE]]
// CHECK: %[[PRODUCT:.*]] = arith.mulf %[[LEFT]], %[[DECAY]] : f32
// CHECK: scf.yield %{{.*}}, %[[PRODUCT]], %[[AHEAD]]
// CHECK: %[[INTER:.*]] = tile.wgmma %{{.*}}, %{{.*}} transposed : tensor<64x128xbf16, #{{.*}}>
// CHECK: %[[X:.*]] = tile.load_shared %{{.*}} transposed
// CHECK: %[[LOW:.*]] = arith.mulf %[[X]], %{{.*}} : tensor<64x64xbf16, #{{.*}}>
// CHECK: math.fma %[[X]], %{{.*}}, %[[LOW]] : tensor<64x64xbf16, #{{.*}}>
// CHECK: tile.wgmma_wait %[[INTER]]
// CHECK: tile.convert_layout %[[X]] : tensor<64x64xbf16, #[[$LEFT:.*]]> -> tensor<64x64xbf16, #[[$ACC:.*]]>
// CHECK: %[[BEGIN:.*]] = arith.addf %{{.*}} : tensor<64x64xf32, #[[$ACC]]>
// CHECK: %[[OUT:.*]] = tile.wgmma %[[X]], %{{.*}} transposed, %[[BEGIN]]
// CHECK: %[[STATE:.*]] = tile.wgmma
// CHECK: tile.wgmma_wait %[[OUT]] pending 1
// CHECK: tile.release %[[MASK]]
// CHECK-NOT: tile.load_shared
// CHECK: tile.store_shared %{{.*}} transposed
// CHECK: tile.wgmma_wait %[[STATE]]
// CHECK: tile.release %[[OWN]]
// CHECK: tile.release %[[SHARED]]
// CHECK: tile.store_bulk

// With ranges there is neither search nor first pass; what comes in is an initial
// state or that of the block before, what goes out a final state or the next
// block's.
// RANGES-LABEL: gpu.func @mamba2_0(
// RANGES-SAME: tile.segment_chunks = 0
// RANGES-NOT: tile.barrier
// RANGES: tile.role "load"
// RANGES-COUNT-2: tile.expect
// RANGES-NOT: tile.expect
// RANGES: tile.role "vectors"
// RANGES-COUNT-1: tile.cumsum
// RANGES-NOT: tile.cumsum
// RANGES: tile.role "consume"
// RANGES: tile.await
// RANGES-NEXT: arith.muli
// RANGES-NEXT: tile.load_packed
// RANGES: scf.for
// RANGES: tile.store_bulk
// RANGES: tile.store_global
// RANGES: else
// RANGES: tile.store_packed
// RANGES-NEXT: tile.signal

#bth = affine_map<(b, t, h) -> (b, t, h)>
#h3 = affine_map<(b, t, h) -> (h)>
#full = affine_map<(b, t, h, p) -> (b, t, h, p)>
#h4 = affine_map<(b, t, h, p) -> (h)>
func.func @mamba2(%x: tensor<?x?x4x64xbf16>, %dt: tensor<?x?x4xf32>, %A: tensor<4xf32>, %b: tensor<?x?x1x128xbf16>, %c: tensor<?x?x1x128xbf16>, %D: tensor<4xf32>) -> (tensor<?x?x4x64xbf16>, tensor<?x4x64x128xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %B = tensor.dim %x, %c0 : tensor<?x?x4x64xbf16>
  %T = tensor.dim %x, %c1 : tensor<?x?x4x64xbf16>
  %e3 = tensor.empty(%B, %T) : tensor<?x?x4xf32>
  %e4 = tensor.empty(%B, %T) : tensor<?x?x4x64xbf16>
  %a = linalg.generic {indexing_maps = [#bth, #h3, #bth], iterator_types = ["parallel", "parallel", "parallel"]} ins(%dt, %A : tensor<?x?x4xf32>, tensor<4xf32>) outs(%e3 : tensor<?x?x4xf32>) {
  ^bb0(%r: f32, %bi: f32, %o: f32):
    %u = arith.mulf %r, %bi : f32
    linalg.yield %u : f32
  } -> tensor<?x?x4xf32>
  %L = ssd.decay %a : tensor<?x?x4xf32>
  %G = ssd.low_rank %c, %b : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>
  %M = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x1x?, full>
  %S = ssd.scale_columns %M, %dt : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %S, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xf32>, tensor<?x4x64x128xf32>
  %out = linalg.generic {indexing_maps = [#full, #full, #h4, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%y, %x, %D : tensor<?x?x4x64xf32>, tensor<?x?x4x64xbf16>, tensor<4xf32>) outs(%e4 : tensor<?x?x4x64xbf16>) {
  ^bb0(%yi: f32, %xi: bf16, %di: f32, %o: bf16):
    %xf = arith.extf %xi : bf16 to f32
    %dx = arith.mulf %di, %xf : f32
    %v = arith.addf %yi, %dx : f32
    %r = arith.truncf %v : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x?x4x64xbf16>
  return %out, %s : tensor<?x?x4x64xbf16>, tensor<?x4x64x128xf32>
}
