// RUN: mamba-opt %s | mamba-opt | FileCheck %s
// The ops of the Hopper family print and parse.

// CHECK-LABEL: gpu.func @k
// CHECK: tile.role "consume" warps 4 registers 184
gpu.module @kernels {
  gpu.func @k(%x: !llvm.ptr<1>, %n: i64, %map: !llvm.ptr) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 3, panels>
    %p = tile.pipeline full 1 empty 4 : !tile.pipeline<stages = 3>
    tile.roles {
      tile.role "load" warps 1 registers 40 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %c8 step %c1 {
          %slot = tile.acquire %p iteration %i : !tile.pipeline<stages = 3>
          tile.expect %p[%slot] bytes 8192 : !tile.pipeline<stages = 3>
          %b = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 3, panels>
          tile.copy_bulk %map[%c0, %c0, %i, %c0] -> %b on %p[%slot] : !tile.buffer<64x64xbf16, panels>, !tile.pipeline<stages = 3>
        }
      }
      tile.role "idle" warps 1 instances 3 registers 40 {
      ^bb0(%w: index):
      }
      tile.role "consume" warps 4 registers 184 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %c8 step %c1 {
          %slot = tile.wait %p iteration %i : !tile.pipeline<stages = 3>
          %b = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 3, panels>
          %g = tile.wgmma %b, %b transposed : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels> -> !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
          %r = tile.wgmma_wait %g : !tile.pending<tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>>
          tile.release %p[%slot] after %r : !tile.pipeline<stages = 3>, tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>>
          %r16 = arith.truncf %r : tensor<64x64xf32, #tile.accumulator<warps = [4, 1]>> to tensor<64x64xbf16, #tile.accumulator<warps = [4, 1]>>
          tile.store_shared %r16, %b transposed : tensor<64x64xbf16, #tile.accumulator<warps = [4, 1]>>, !tile.buffer<64x64xbf16, panels>
          tile.store_bulk %b -> %map[%c0, %c0, %i, %c0] pending 1 : !tile.buffer<64x64xbf16, panels>
        }
        tile.wait_stores
      }
    }
    gpu.return
  }
}
