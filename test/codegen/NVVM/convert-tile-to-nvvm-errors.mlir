// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -convert-tile-to-nvvm=target=sm_86 -split-input-file -verify-diagnostics
// RUN: not mamba-opt %s -convert-tile-to-nvvm=target=sm_70 -split-input-file 2>&1 | FileCheck %s
// RUN: not mamba-opt %s -print-ptx=target=cpu -split-input-file 2>&1 | FileCheck %s --check-prefix=CPU

// CHECK: no target row sm_70 for a GPU; known are cpu, sm_80, sm_86
// CPU: no target row cpu for a GPU; known are

gpu.module @too_large {
  // expected-error @below {{kernel k needs 131072 bytes of shared memory, target sm_86 has 101376 a block}}
  gpu.func @k() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %s = tile.alloc : !tile.buffer<64x256xbf16, stages = 4>
    gpu.return
  }
}

// -----
gpu.module @block_size {
  // expected-error @below {{a tile kernel needs known_block_size = array<i32: W*32, 1, 1> with 1 to 32 warps}}
  gpu.func @k() kernel attributes {known_block_size = array<i32: 100, 1, 1>} {
    gpu.return
  }
}

// -----
gpu.module @warps {
  gpu.func @k() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    // expected-error @below {{layout #tile.accumulator<warps = [8, 1]> is for 8 warps, the kernel has 4}}
    %0 = arith.constant dense<0.0> : tensor<128x8xf32, #tile.accumulator<warps = [8, 1]>>
    gpu.return
  }
}

// -----
gpu.module @math {
  gpu.func @k(%p: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %0 = tile.load_global %p[%n] strides [%n] bounds [%n]
        : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    // expected-error @below {{has no lowering on the GPU for 'f32'}}
    %1 = math.erf %0 : tensor<64xf32, #tile.lane>
    tile.store_global %1 -> %p[%n] strides [%n] bounds [%n]
        : tensor<64xf32, #tile.lane>, !llvm.ptr<1>
    gpu.return
  }
}

// -----
gpu.module @constants {
  gpu.func @k() kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error @below {{constants of register tiles must be splats}}
    // expected-error @below {{failed to legalize}}
    %0 = arith.constant dense<[0.0, 1.0]> : tensor<2xf32, #tile.lane>
    gpu.return
  }
}

// -----
gpu.module @products {
  gpu.func @k() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %x = tile.alloc : !tile.buffer<64x64xbf16, panels>
    // expected-error @below {{target sm_86 has no warpgroup instruction for 'bf16'}}
    // expected-error @below {{failed to legalize}}
    %0 = tile.wgmma %x, %x : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
        -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
    %1 = tile.wgmma_wait %0 : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
    gpu.return
  }
}

// -----
gpu.module @transposed_store {
  gpu.func @k() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %x = tile.alloc : !tile.buffer<64x64xbf16>
    %t = arith.constant dense<0.0> : tensor<64x64xbf16, #tile.accumulator<warps = [4, 1]>>
    // expected-error @below {{target sm_86 has no transposed stores of matrices}}
    // expected-error @below {{failed to legalize}}
    tile.store_shared %t, %x transposed
        : tensor<64x64xbf16, #tile.accumulator<warps = [4, 1]>>, !tile.buffer<64x64xbf16>
    gpu.return
  }
}
