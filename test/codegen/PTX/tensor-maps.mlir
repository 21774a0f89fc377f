// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -print-ptx=target=sm_90a -o /dev/null | FileCheck %s

// Tensor maps are parameters of 128 bytes, which copies read where the launch
// has put them: no local copy.

#acc = #tile.accumulator<warps = [4, 1]>
!slots = !tile.pipeline<stages = 3>
!xs = !tile.buffer<64x128xbf16, stages = 3, panels>
!ys = !tile.buffer<64x64xbf16, stages = 2, panels>

// CHECK: .visible .entry products(
// CHECK: .param .u64 products_param_1
// CHECK: .param .align 64 .b8 products_param_2[128],
// CHECK: .param .align 64 .b8 products_param_3[128]
// CHECK-NOT: .local
// CHECK: mov.b64 [[Y:%rd[0-9]+]], products_param_3;
// CHECK: cvta.param.u64 [[Y_MAP:%rd[0-9]+]], [[Y]];
// CHECK: mov.b64 [[X:%rd[0-9]+]], products_param_2;
// CHECK: cvta.param.u64 [[X_MAP:%rd[0-9]+]], [[X]];
// CHECK-NOT: ld.param{{.*}}products_param_{{[23]}}
// CHECK: [[X_LANE:@%p[0-9]+]] cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%r{{[0-9]+}}], {{\[}}[[X_MAP]], {%r{{[0-9]+}}, %r{{[0-9]+}}, %r{{[0-9]+}}, %r{{[0-9]+}}}], [%r{{[0-9]+}}];
// CHECK: [[X_LANE]] cp.async.bulk.tensor.4d.shared::cluster
// CHECK: fence.proxy.async.shared::cta;
// CHECK: [[THREAD:@%p[0-9]+]] cp.async.bulk.wait_group.read 1;
// CHECK: bar.sync {{[0-9]+}}, 128;
// CHECK: [[THREAD]] cp.async.bulk.tensor.4d.global.shared::cta.bulk_group {{\[}}[[Y_MAP]], {
// CHECK: [[THREAD]] cp.async.bulk.commit_group;
// CHECK: @%p{{[0-9]+}} cp.async.bulk.wait_group 0;
// CHECK: cp.async.ca.shared.global [%r{{[0-9]+}}+{{[0-9]+}}], [%rd{{[0-9]+}}], 4, %r{{[0-9]+}};
gpu.module @kernels {
  gpu.func @products(%dt: !llvm.ptr<1>, %n: i64,
      %x: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64},
      %y: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64})
      kernel attributes {known_block_size = array<i32: 384, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %length = arith.index_cast %n : i64 to index
    %xs = tile.alloc : !xs
    %ys = tile.alloc : !ys
    %v = tile.alloc : !tile.buffer<64xf32>
    %p = tile.pipeline full 1 empty 4 : !slots
    tile.roles {
      tile.role "load" warps 1 registers 40 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %length step %c1 {
          %slot = tile.acquire %p iteration %i : !slots
          tile.expect %p[%slot] bytes 16384 : !slots
          %b = tile.stage %xs[%slot] : !xs
          tile.copy_bulk %x[%c0, %c0, %i, %c1] -> %b on %p[%slot]
              : !tile.buffer<64x128xbf16, panels>, !slots
        }
      }
      tile.role "tokens" warps 1 registers 40 {
      ^bb0(%w: index):
        tile.copy_vector %dt[%c0] stride %length bound %length -> %v
            : !llvm.ptr<1>, !tile.buffer<64xf32>
        tile.commit_copies
        tile.wait_copies pending 0
        tile.barrier
        %e = tile.load_element %v[63] : !tile.buffer<64xf32>
        llvm.store %e, %dt : f32, !llvm.ptr<1>
      }
      tile.role "idle" warps 1 instances 2 registers 40 {
      ^bb0(%w: index):
      }
      tile.role "multiply" warps 4 registers 184 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %length step %c1 {
          %slot = tile.wait %p iteration %i : !slots
          %b = tile.stage %xs[%slot] : !xs
          %odd = arith.remui %slot, %c1 : index
          %out = tile.stage %ys[%odd] : !ys
          %g = tile.wgmma %b, %b transposed
              : !tile.buffer<64x128xbf16, panels>, !tile.buffer<64x128xbf16, panels>
                -> !tile.pending<tensor<64x64xf32, #acc>>
          %r = tile.wgmma_wait %g : !tile.pending<tensor<64x64xf32, #acc>>
          tile.release %p[%slot] after %r : !slots, tensor<64x64xf32, #acc>
          %r16 = arith.truncf %r : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
          tile.store_shared %r16, %out : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, panels>
          tile.store_bulk %out -> %y[%c0, %c0, %i, %c1] pending 1
              : !tile.buffer<64x64xbf16, panels>
        }
        tile.wait_stores
      }
      tile.role "rest" warps 4 registers 40 {
      ^bb0(%w: index):
      }
    }
    gpu.return
  }
}
