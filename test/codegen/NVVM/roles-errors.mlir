// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -convert-tile-to-nvvm=target=sm_90a -split-input-file -verify-diagnostics
// RUN: not mamba-opt %s -convert-tile-to-nvvm=target=sm_86 -split-input-file 2>&1 | FileCheck %s

// CHECK: error: target sm_86 cannot divide a CTA into roles; sm_90a can

gpu.module @twice {
  gpu.func @k() kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    tile.roles {
      tile.role "a" warps 1 registers 40 {
      ^bb0(%w: index):
      }
    }
    // expected-error @below {{a kernel divides its warps into roles once}}
    tile.roles {
      tile.role "a" warps 1 registers 40 {
      ^bb0(%w: index):
      }
    }
    gpu.return
  }
}

// -----
gpu.module @barriers {
  gpu.func @k() kernel attributes {known_block_size = array<i32: 1024, 1, 1>} {
    // expected-error @below {{roles of several warps have 16 instances, there are barriers for 15}}
    tile.roles {
      tile.role "a" warps 2 instances 16 registers 64 {
      ^bb0(%w: index):
      }
    }
    gpu.return
  }
}

// -----
gpu.module @layout {
  gpu.func @k() kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    tile.roles {
      tile.role "a" warps 4 instances 2 registers 64 {
      ^bb0(%w: index):
        // expected-error @below {{layout #tile.accumulator<warps = [8, 1]> is for 8 warps, the role has 4}}
        %0 = arith.constant dense<0.0> : tensor<128x8xf32, #tile.accumulator<warps = [8, 1]>>
      }
    }
    gpu.return
  }
}

// -----
gpu.module @constant {
  gpu.func @k() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %0 = arith.constant dense<0.0> : tensor<64x8xf32, #tile.accumulator<warps = [4, 1]>>
    tile.roles {
      tile.role "a" warps 2 instances 2 registers 64 {
      ^bb0(%w: index):
        // expected-error @below {{layout #tile.accumulator<warps = [4, 1]> is for 4 warps, the role has 2}}
        %1 = arith.addf %0, %0 : tensor<64x8xf32, #tile.accumulator<warps = [4, 1]>>
      }
    }
    gpu.return
  }
}

// -----
gpu.module @shared {
  // expected-error @below {{kernel k needs 232464 bytes of shared memory, target sm_90a has 232448 a block}}
  gpu.func @k() kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
    %s = tile.alloc : !tile.buffer<1816x64xbf16>
    %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 1>
    gpu.return
  }
}
