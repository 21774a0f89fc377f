// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>
func.func @mma_c1(%a: tensor<64x32xbf16, #a>, %b: !tile.buffer<64x64xbf16>,
                  %c: tensor<64x64xf32, #acc>) {
  // expected-error @below {{(C1) shapes do not agree: 64x32 times 64x64 plus 64x64}}
  %0 = tile.mma %a, %b, %c
      : tensor<64x32xbf16, #a>, !tile.buffer<64x64xbf16> -> tensor<64x64xf32, #acc>
  return
}

// -----
#a = #tile.operand_a<warps = [4, 1]>
func.func @mma_c2(%a: tensor<64x64xbf16, #a>, %b: !tile.buffer<64x64xbf16>,
                  %c: tensor<64x64xf32, #a>) {
  // expected-error @below {{(C2) the accumulator must be f32 in an accumulator layout}}
  %0 = tile.mma %a, %b, %c
      : tensor<64x64xbf16, #a>, !tile.buffer<64x64xbf16> -> tensor<64x64xf32, #a>
  return
}

// -----
#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>
func.func @mma_c3(%a: tensor<64x64xbf16, #a>, %b: !tile.buffer<64x64xf16>,
                  %c: tensor<64x64xf32, #acc>) {
  // expected-error @below {{(C3) operands must both be f16 or both bf16, got 'bf16' and 'f16'}}
  %0 = tile.mma %a, %b, %c
      : tensor<64x64xbf16, #a>, !tile.buffer<64x64xf16> -> tensor<64x64xf32, #acc>
  return
}

// -----
#acc = #tile.accumulator<warps = [1, 4]>
#a = #tile.operand_a<warps = [4, 1]>
func.func @mma_c4(%a: tensor<64x64xbf16, #a>, %b: !tile.buffer<64x64xbf16>,
                  %c: tensor<64x64xf32, #acc>) {
  // expected-error @below {{(C4) operand a must have the layout #tile.operand_a<warps = [1, 4]>}}
  %0 = tile.mma %a, %b, %c
      : tensor<64x64xbf16, #a>, !tile.buffer<64x64xbf16> -> tensor<64x64xf32, #acc>
  return
}

// -----
#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>
func.func @mma_c5(%a: tensor<64x64xbf16, #a>, %b: !tile.buffer<64x64xbf16>,
                  %c: tensor<64x64xf32, #acc>) {
  // expected-error @below {{(C5) operand a is in registers and cannot be transposed}}
  %0 = tile.mma %a transposed, %b, %c
      : tensor<64x64xbf16, #a>, !tile.buffer<64x64xbf16> -> tensor<64x64xf32, #acc>
  return
}

// -----
#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>
func.func @mma_c6_stages(%a: tensor<64x64xbf16, #a>,
                  %b: !tile.buffer<64x64xbf16, stages = 3>,
                  %c: tensor<64x64xf32, #acc>) {
  // expected-error @below {{(C6) operand b must be one stage of a buffer}}
  %0 = tile.mma %a, %b, %c
      : tensor<64x64xbf16, #a>, !tile.buffer<64x64xbf16, stages = 3> -> tensor<64x64xf32, #acc>
  return
}

// -----
#acc = #tile.accumulator<warps = [4, 1]>
func.func @mma_c6_multiple(%a: !tile.buffer<64x8xbf16>,
                  %b: !tile.buffer<8x64xbf16>, %c: tensor<64x64xf32, #acc>) {
  // expected-error @below {{(C6) operand a in shared memory: (C2) extent 8 of axis 1 is not a positive multiple of 16}}
  %0 = tile.mma %a, %b, %c
      : !tile.buffer<64x8xbf16>, !tile.buffer<8x64xbf16> -> tensor<64x64xf32, #acc>
  return
}

// -----
#acc = #tile.accumulator<warps = [4, 1]>
func.func @mma_c7(%a: !tile.buffer<64x64xbf16>,
                  %b: !tile.buffer<64x32xbf16>, %c: tensor<64x32xf32, #acc>) {
  // expected-error @below {{(C7) a triangular result must be square, got 64x32}}
  %0 = tile.mma %a, %b, %c result lower
      : !tile.buffer<64x64xbf16>, !tile.buffer<64x32xbf16> -> tensor<64x32xf32, #acc>
  return
}

// -----
#acc = #tile.accumulator<warps = [4, 1]>
func.func @mma_c7_a(%a: !tile.buffer<64x32xbf16>,
                  %b: !tile.buffer<32x64xbf16>, %c: tensor<64x64xf32, #acc>) {
  // expected-error @below {{(C7) a triangular operand a must be square, got 64x32}}
  %0 = tile.mma %a, %b, %c a lower
      : !tile.buffer<64x32xbf16>, !tile.buffer<32x64xbf16> -> tensor<64x64xf32, #acc>
  return
}

// -----
func.func @convert_layout_c1(%v: tensor<64xf32, #tile.lane>) {
  // expected-error @below {{(C1) source}}
  %0 = tile.convert_layout %v : tensor<64xf32, #tile.lane>
      -> tensor<32xf32, #tile.lane>
  return
}

// -----
func.func @convert_layout_c2(
    %v: tensor<64x64xbf16, #tile.accumulator<warps = [1, 4]>>) {
  // expected-error @below {{(C2) threads do not hold what}}
  %0 = tile.convert_layout %v
      : tensor<64x64xbf16, #tile.accumulator<warps = [1, 4]>>
        -> tensor<64x64xbf16, #tile.operand_a<warps = [4, 1]>>
  return
}

// -----
#acc = #tile.accumulator<warps = [4, 1]>
func.func @broadcast_c1(%v: tensor<64xf32, #tile.lane>) {
  // expected-error @below {{(C1) the source layout must be a slice of}}
  %0 = tile.broadcast %v
      : tensor<64xf32, #tile.lane> -> tensor<64x64xf32, #acc>
  return
}

// -----
#acc = #tile.accumulator<warps = [4, 1]>
#rows = #tile.slice<axis = 0, of = #acc>
func.func @broadcast_c2(%v: tensor<64xf32, #rows>) {
  // expected-error @below {{(C2) source}}
  %0 = tile.broadcast %v
      : tensor<64xf32, #rows> -> tensor<128x64xf32, #acc>
  return
}

// -----
func.func @splat_c1(%v: f32) {
  // expected-error @below {{(C1) scalar 'f32' is not the element type}}
  %0 = tile.splat %v : f32 -> tensor<64xbf16, #tile.lane>
  return
}

// -----
func.func @iota_c1() {
  // expected-error @below {{(C1) element type must be i32, got 'f32'}}
  %0 = tile.iota axis 0 : tensor<64xf32, #tile.lane>
  return
}

// -----
func.func @iota_c2() {
  // expected-error @below {{(C2) axis 1 is not less than the rank 1}}
  %0 = tile.iota axis 1 : tensor<64xi32, #tile.lane>
  return
}

// -----
func.func @cumsum_c1(%v: tensor<40xf32, #tile.lane>) {
  // expected-error @below {{(C1) expected f32 elements in the lane layout, a multiple of 32 of them}}
  %0 = tile.cumsum %v : tensor<40xf32, #tile.lane>
  return
}

// -----
func.func @reduce_sum_c1(%v: tensor<40xf32, #tile.lane>) {
  // expected-error @below {{(C1) expected f32 elements in the lane layout, a multiple of 32 of them}}
  %0 = tile.reduce_sum %v : tensor<40xf32, #tile.lane>
  return
}

// -----
#sl = #tile.slice<axis = 1, of = #tile.coalesced<warps = [1, 4]>>
func.func @reduce_sum_c2(%v: tensor<128xf32, #sl>) {
  // expected-error @below {{(C2) the warps divide 'tensor<128xf32}}
  %0 = tile.reduce_sum %v : tensor<128xf32, #sl>
  return
}

// -----
#co = #tile.coalesced<warps = [4, 1]>
#rows = #tile.slice<axis = 0, of = #co>
func.func @reduce_c1(%t: tensor<64x128xbf16, #co>) {
  // expected-error @below {{(C1) expected a 2-D tile of f32 and axis 0 or 1, got 'tensor<64x128xbf16, #tile.coalesced<warps = [4, 1]>>' and 1}}
  %0 = tile.reduce %t axis 1 : tensor<64x128xbf16, #co> -> tensor<64xf32, #rows>
  return
}

// -----
#co = #tile.coalesced<warps = [4, 1]>
#columns = #tile.slice<axis = 1, of = #co>
func.func @reduce_c2(%t: tensor<64x128xf32, #co>) {
  // expected-error @below {{(C2) the result must be 'tensor<64xf32, #tile.slice<axis = 0, of = #tile.coalesced<warps = [4, 1]>>>'}}
  %0 = tile.reduce %t axis 1 : tensor<64x128xf32, #co> -> tensor<64xf32, #columns>
  return
}

// -----
#co = #tile.coalesced<warps = [4, 1]>
#columns = #tile.slice<axis = 1, of = #co>
func.func @reduce_c3(%t: tensor<64x128xf32, #co>) {
  // expected-error @below {{(C3) the warps divide axis 0 of 'tensor<64x128xf32}}
  %0 = tile.reduce %t axis 0 : tensor<64x128xf32, #co> -> tensor<128xf32, #columns>
  return
}

// -----
func.func @range_scale_c1(%v: tensor<64xf32, #tile.lane>) {
  // expected-error @below {{(C1) expects f32 elements in an accumulator layout}}
  %0 = tile.range_scale %v : tensor<64xf32, #tile.lane>
  return
}

// -----
func.func @extract_c2(%v: tensor<64xf32, #tile.lane>) {
  // expected-error @below {{(C2) index 64 is outside of}}
  %0 = tile.extract %v[64] : tensor<64xf32, #tile.lane>
  return
}

// -----
func.func @extract_c1(%v: tensor<64xbf16, #tile.lane>) {
  // expected-error @below {{(C1) expected f32 elements in the lane layout}}
  %0 = tile.extract %v[0] : tensor<64xbf16, #tile.lane>
  return
}

// -----
func.func @segment_decay_c1() {
  // expected-error @below {{(C1) the result must be a square f32 accumulator}}
  %0 = tile.segment_decay : () -> tensor<64x32xf32, #tile.accumulator<warps = [4, 1]>>
  return
}

// -----
func.func @segment_decay_c2(%v: tensor<32xf32, #tile.lane>) {
  // expected-error @below {{(C2) the prefix must be a vector of 64 f32 in the lane layout}}
  %0 = tile.segment_decay %v : (tensor<32xf32, #tile.lane>)
      -> tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
  return
}

// -----
func.func @segment_decay_c2_scale(%v: tensor<32xf32, #tile.lane>) {
  // expected-error @below {{(C2) the scale must be a vector of 64 f32 in the lane layout, or one stage of a buffer, got}}
  %0 = tile.segment_decay scale %v : (tensor<32xf32, #tile.lane>)
      -> tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
  return
}

// -----
func.func @segment_decay_c2_both(%v: tensor<64xf32, #tile.lane>) {
  %buffer = tile.alloc : !tile.buffer<64xf32>
  // expected-error @below {{(C2) prefix and scale are both in lanes or both in buffers}}
  %0 = tile.segment_decay %v scale %buffer : (tensor<64xf32, #tile.lane>, !tile.buffer<64xf32>)
      -> tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
  return
}

// -----
func.func @segment_decay_c3(%g: tensor<32x32xf32, #tile.accumulator<warps = [2, 1]>>) {
  // expected-error @below {{(C3) scores must be of type}}
  %0 = tile.segment_decay scores %g : (tensor<32x32xf32, #tile.accumulator<warps = [2, 1]>>)
      -> tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
  return
}

// -----
func.func @segment_decay_c4(%v: !tile.buffer<64xf32>, %g: tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>) {
  // expected-error @below {{(C4) needs 3 factors, each one stage of a buffer of 64 f32}}
  %0 = tile.segment_decay %v factors %v scores %g
      : (!tile.buffer<64xf32>, !tile.buffer<64xf32>, tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>)
      -> tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
  return
}

// -----
func.func @segment_decay_c4_scores(%v: !tile.buffer<64xf32>) {
  // expected-error @below {{(C4) factors need a prefix in a buffer and scores}}
  %0 = tile.segment_decay %v factors %v, %v, %v
      : (!tile.buffer<64xf32>, !tile.buffer<64xf32>, !tile.buffer<64xf32>, !tile.buffer<64xf32>)
      -> tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
  return
}
