// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

// Accumulator (C1)
// expected-error @below {{(C1) expected two warp grid factors and copies, all at least 1, got warps = [4, 0], copies = 1}}
func.func private @f(tensor<64x64xf32, #tile.accumulator<warps = [4, 0]>>)

// -----
// Accumulator (C2)
// expected-error @below {{(C2) extent 48 of axis 0 is not a positive multiple of 64}}
func.func private @f(tensor<48x64xf32, #tile.accumulator<warps = [4, 1]>>)

// -----
// Accumulator (C2)
// expected-error @below {{(C2) the layout is for 2-D tiles, got rank 1}}
func.func private @f(tensor<64xf32, #tile.accumulator<warps = [4, 1]>>)

// -----
// OperandA (C2)
// expected-error @below {{(C2) extent 24 of axis 1 is not a positive multiple of 16}}
func.func private @f(tensor<64x24xbf16, #tile.operand_a<warps = [4, 1]>>)

// -----
// OperandB (C2)
// expected-error @below {{(C2) extent 24 of axis 1 is not a positive multiple of 32}}
func.func private @f(tensor<64x24xbf16, #tile.operand_b<warps = [1, 4]>>)

// -----
// Lane (C1)
// expected-error @below {{(C1) the lane layout is for vectors of 1 to 1024 elements, got [8, 8]}}
func.func private @f(tensor<8x8xf32, #tile.lane>)

// -----
// Slice (C1)
// expected-error @below {{(C1) the axis of a slice is 0 or 1, got 2}}
func.func private @f(tensor<64xf32, #tile.slice<axis = 2, of = #tile.accumulator<warps = [4, 1]>>>)

// -----
// Slice (C1)
// expected-error @below {{(C1) a slice is taken of a 2-D register layout, got #tile.lane}}
func.func private @f(tensor<64xf32, #tile.slice<axis = 0, of = #tile.lane>>)

// -----
// Slice (C2)
// expected-error @below {{(C2) extent 20 of axis 1 is not a positive multiple of 8}}
func.func private @f(tensor<20xf32, #tile.slice<axis = 1, of = #tile.accumulator<warps = [4, 1]>>>)

// -----
// Slice (C2)
// expected-error @below {{(C2) a slice is a vector, got rank 2}}
func.func private @f(tensor<64x64xf32, #tile.slice<axis = 0, of = #tile.accumulator<warps = [4, 1]>>>)

// -----
// Buffer (C1)
// expected-error @below {{(C1) a buffer is a static tile of rank 1 or 2, got [2, 64, 64]}}
func.func private @f(!tile.buffer<2x64x64xf32>)

// -----
// Buffer (C2)
// expected-error @below {{(C2) rows must be a multiple of 16 bytes and their number one of 8, got 64 rows of 24 bytes}}
func.func private @f(!tile.buffer<64x12xbf16>)

// -----
// Buffer (C3)
// expected-error @below {{(C3) element type must be f32, f16 or bf16, got 'i16'}}
func.func private @f(!tile.buffer<64x16xi16>)

// -----
// Buffer (C4)
// expected-error @below {{(C4) a buffer has at least one stage, got 0}}
func.func private @f(!tile.buffer<64x16xbf16, stages = 0>)

// -----
// Buffer (C2), rank 1
// expected-error @below {{(C2) rows must be a multiple of 16 bytes and their number one of 8, got 8 rows of 24 bytes}}
func.func private @f(!tile.buffer<6xf32>)

// -----
// Buffer (C5)
// expected-error @below {{(C5) panels need rank 2 and rows of a multiple of 128 bytes, got [64, 32] of 'bf16'}}
func.func private @f(!tile.buffer<64x32xbf16, panels>)

// -----
// Buffer (C5), rank 1
// expected-error @below {{(C5) panels need rank 2 and rows of a multiple of 128 bytes, got [64] of 'f32'}}
func.func private @f(!tile.buffer<64xf32, panels>)

// -----
func.func @alloc_c1(%c: i1) {
  scf.if %c {
    // expected-error @below {{(C1) must stand in the entry block of a function}}
    %b = tile.alloc : !tile.buffer<64x16xbf16>
  }
  return
}

// -----
func.func @copy_async_c1(%p: !llvm.ptr<1>, %n: index) {
  %b = tile.alloc : !tile.buffer<64x16xbf16, stages = 2>
  // expected-error @below {{(C1) works on one stage of a buffer, got 2 stages}}
  tile.copy_async %p[%n] stride %n bounds [%n, %n] -> %b
      : !llvm.ptr<1>, !tile.buffer<64x16xbf16, stages = 2>
  return
}

// -----
func.func @copy_out_c1(%p: !llvm.ptr<1>, %n: index) {
  %b = tile.alloc : !tile.buffer<64x16xbf16, stages = 2>
  // expected-error @below {{(C1) works on one stage of a buffer, got 2 stages}}
  tile.copy_out %b -> %p[%n] stride %n bounds [%n, %n]
      : !tile.buffer<64x16xbf16, stages = 2>, !llvm.ptr<1>
  return
}

// -----
func.func @copy_async_c2(%p: !llvm.ptr<1>, %n: index) {
  %b = tile.alloc : !tile.buffer<64x16xbf16>
  // expected-error @below {{(C2) a team has at least one warp, got 0}}
  tile.copy_async %p[%n] stride %n bounds [%n, %n] -> %b team 0
      : !llvm.ptr<1>, !tile.buffer<64x16xbf16>
  return
}

// -----
func.func @wait_copies_c1() {
  // expected-error @below {{(C1) the number of pending groups is at least 0, got -1}}
  tile.wait_copies pending -1
  return
}

// -----
func.func @load_shared_c1(%b: !tile.buffer<64x16xbf16, stages = 2>) {
  // expected-error @below {{(C1) works on one stage of a buffer, got 2 stages}}
  %0 = tile.load_shared %b : !tile.buffer<64x16xbf16, stages = 2>
      -> tensor<64x16xbf16, #tile.operand_a<warps = [4, 1]>>
  return
}

// -----
func.func @load_shared_c2(%b: !tile.buffer<32x64xbf16>) {
  // expected-error @below {{(C2) buffer '!tile.buffer<32x64xbf16>' and tile}}
  %0 = tile.load_shared %b : !tile.buffer<32x64xbf16>
      -> tensor<64x32xbf16, #tile.operand_a<warps = [4, 1]>>
  return
}

// -----
func.func @load_shared_c3(%b: !tile.buffer<64x64xf32>) {
  // expected-error @below {{(C3) a transposed load needs a 16-bit element type, got 'f32'}}
  %0 = tile.load_shared %b transposed : !tile.buffer<64x64xf32>
      -> tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
  return
}

// -----
func.func @store_shared_c1(%b: !tile.buffer<64x64xbf16, stages = 2>,
    %t: tensor<64x64xbf16, #tile.accumulator<warps = [4, 1]>>) {
  // expected-error @below {{(C1) works on one stage of a buffer, got 2 stages}}
  tile.store_shared %t, %b
      : tensor<64x64xbf16, #tile.accumulator<warps = [4, 1]>>,
        !tile.buffer<64x64xbf16, stages = 2>
  return
}

// -----
func.func @store_shared_c3(%b: !tile.buffer<64x64xbf16>,
    %t: tensor<64x64xbf16, #tile.operand_b<warps = [4, 1]>>) {
  // expected-error @below {{(C3) the layout must be accumulator or operand_a}}
  tile.store_shared %t, %b
      : tensor<64x64xbf16, #tile.operand_b<warps = [4, 1]>>, !tile.buffer<64x64xbf16>
  return
}

// -----
func.func @store_shared_c3_vector(%b: !tile.buffer<64xf32>,
    %t: tensor<64xf32, #tile.slice<axis = 0, of = #tile.accumulator<warps = [4, 1]>>>) {
  // expected-error @below {{(C3) the layout must be accumulator or operand_a, of a vector lane}}
  tile.store_shared %t, %b
      : tensor<64xf32, #tile.slice<axis = 0, of = #tile.accumulator<warps = [4, 1]>>>,
        !tile.buffer<64xf32>
  return
}

// -----
func.func @store_shared_c4(%b: !tile.buffer<64x64xf32>,
    %t: tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>) {
  // expected-error @below {{(C4) a transposed store needs a 16-bit element type, got 'f32'}}
  tile.store_shared %t, %b transposed
      : tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>, !tile.buffer<64x64xf32>
  return
}

// -----
func.func @store_shared_c2(%b: !tile.buffer<64x64xbf16>,
    %t: tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>) {
  // expected-error @below {{(C2) buffer}}
  tile.store_shared %t, %b
      : tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>, !tile.buffer<64x64xbf16>
  return
}

// -----
func.func @load_global_c1(%p: !llvm.ptr<1>, %n: index) {
  // expected-error @below {{(C1) a tile of rank 1 needs 1 strides and bounds, got 2 and 1}}
  %0 = tile.load_global %p[%n] strides [%n, %n] bounds [%n]
      : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
  return
}

// -----
func.func @store_global_c1(%p: !llvm.ptr<1>, %n: index,
                           %t: tensor<64xf32, #tile.lane>) {
  // expected-error @below {{(C1) a tile of rank 1 needs 1 strides and bounds, got 1 and 2}}
  tile.store_global %t -> %p[%n] strides [%n] bounds [%n, %n]
      : tensor<64xf32, #tile.lane>, !llvm.ptr<1>
  return
}
