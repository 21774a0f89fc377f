// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s | FileCheck %s
// RUN: mamba-opt %s | mamba-opt | FileCheck %s
// RUN: mamba-opt %s --mlir-print-op-generic | mamba-opt | FileCheck %s

#acc = #tile.accumulator<warps = [4, 1]>
#a = #tile.operand_a<warps = [4, 1]>
// CHECK-DAG: #[[$ACC:.*]] = #tile.accumulator<warps = [4, 1]>
// CHECK-DAG: #[[$A:.*]] = #tile.operand_a<warps = [4, 1]>

// CHECK-LABEL: func.func private @types
// CHECK-SAME: !tile.buffer<64xf32>,
// CHECK-SAME: !tile.buffer<64xf32, stages = 4>,
// CHECK-SAME: !tile.buffer<64x128xbf16, panels>,
// CHECK-SAME: !tile.buffer<64x128xf16, stages = 2, panels>,
// CHECK-SAME: !tile.pipeline<stages = 3>, !tile.pipeline<stages = 3, groups = 2>,
// CHECK-SAME: !tile.pending<tensor<64x64xf32, #[[$ACC]]>>, !tile.flags
func.func private @types(
    !tile.buffer<64xf32>, !tile.buffer<64xf32, stages = 4>,
    !tile.buffer<64x128xbf16, panels>,
    !tile.buffer<64x128xf16, stages = 2, panels>,
    !tile.pipeline<stages = 3>, !tile.pipeline<stages = 3, groups = 2>,
    !tile.pending<tensor<64x64xf32, #acc>>, !tile.flags)

// CHECK-LABEL: gpu.func @roles
gpu.module @kernels {
  gpu.func @roles(%x: !llvm.ptr<1>, %map: !llvm.ptr, %n: index) kernel
      attributes {known_block_size = array<i32: 384, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 6, panels>
    %vs = tile.alloc : !tile.buffer<64xf32, stages = 6>
    // CHECK: %[[P:.*]] = tile.pipeline full 2 empty 4 : !tile.pipeline<stages = 3, groups = 2>
    %p = tile.pipeline full 2 empty 4 : !tile.pipeline<stages = 3, groups = 2>
    // CHECK: tile.roles {
    tile.roles {
      // CHECK: tile.role "load" warps 1 instances 2 registers 40 {
      tile.role "load" warps 1 instances 2 registers 40 {
      // CHECK-NEXT: ^bb0(%[[W:.*]]: index):
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          // CHECK: %[[S:.*]] = tile.acquire %[[P]][%[[W]]] iteration %{{.*}} : !tile.pipeline<stages = 3, groups = 2>
          %slot = tile.acquire %p[%w] iteration %i
              : !tile.pipeline<stages = 3, groups = 2>
          %b = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 6, panels>
          %v = tile.stage %vs[%slot] : !tile.buffer<64xf32, stages = 6>
          // CHECK: tile.expect %[[P]][%[[S]]] bytes 8192 : !tile.pipeline<stages = 3, groups = 2>
          tile.expect %p[%slot] bytes 8192 : !tile.pipeline<stages = 3, groups = 2>
          // CHECK: tile.copy_bulk %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] -> %{{.*}} on %[[P]][%[[S]]] : !tile.buffer<64x64xbf16, panels>, !tile.pipeline<stages = 3, groups = 2>
          tile.copy_bulk %map[%c0, %w, %i, %c0] -> %b on %p[%slot]
              : !tile.buffer<64x64xbf16, panels>, !tile.pipeline<stages = 3, groups = 2>
          // CHECK: tile.copy_vector %{{.*}}[%{{.*}}] stride %{{.*}} bound %{{.*}} -> %{{.*}} : !llvm.ptr<1>, !tile.buffer<64xf32>
          tile.copy_vector %x[%i] stride %c1 bound %n -> %v
              : !llvm.ptr<1>, !tile.buffer<64xf32>
          // CHECK: tile.copy_vector %{{.*}} -> %{{.*}} team 1 : !llvm.ptr<1>, !tile.buffer<64xf32>
          tile.copy_vector %x[%i] stride %c1 bound %n -> %v team 1
              : !llvm.ptr<1>, !tile.buffer<64xf32>
          tile.commit_copies
          tile.wait_copies pending 0
          // CHECK: tile.commit %[[P]][%[[S]]] : !tile.pipeline<stages = 3, groups = 2>
          tile.commit %p[%slot] : !tile.pipeline<stages = 3, groups = 2>
        }
      }
      // CHECK: tile.role "idle" warps 2 registers 40 {
      tile.role "idle" warps 2 registers 40 {
      ^bb0(%w: index):
        // CHECK: %[[FLAGS:.*]] = tile.flags %{{.*}} : !llvm.ptr<1>
        %flags = tile.flags %x : !llvm.ptr<1>
        // CHECK: tile.await %[[FLAGS]][%{{.*}}]
        tile.await %flags[%n]
        // CHECK: tile.await %[[FLAGS]][%[[N:.*]]] count %[[N]] stride %[[N]]
        tile.await %flags[%n] count %n stride %n
        // CHECK: %[[PACKED:.*]] = tile.load_packed %{{.*}}[%{{.*}}] : !llvm.ptr<1> -> tensor<64x64xf32, #{{.*}}>
        %packed = tile.load_packed %x[%n] : !llvm.ptr<1> -> tensor<64x64xf32, #acc>
        // CHECK: tile.store_packed %[[PACKED]] -> %{{.*}}[%{{.*}}] : tensor<64x64xf32, #{{.*}}>, !llvm.ptr<1>
        tile.store_packed %packed -> %x[%n] : tensor<64x64xf32, #acc>, !llvm.ptr<1>
        // CHECK: tile.signal %[[FLAGS]][%{{.*}}]
        tile.signal %flags[%n]
      }
      tile.role "consume" warps 4 instances 2 registers 184 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          // CHECK: %[[T:.*]] = tile.wait %[[P]][%{{.*}}] iteration %{{.*}} : !tile.pipeline<stages = 3, groups = 2>
          %slot = tile.wait %p[%w] iteration %i
              : !tile.pipeline<stages = 3, groups = 2>
          %b = tile.stage %xs[%slot] : !tile.buffer<64x64xbf16, stages = 6, panels>
          %v = tile.stage %vs[%slot] : !tile.buffer<64xf32, stages = 6>
          // CHECK: tile.load_element %{{.*}}[63] : !tile.buffer<64xf32>
          %e = tile.load_element %v[63] : !tile.buffer<64xf32>
          %scale = tile.splat %e : f32 -> tensor<64x64xf32, #acc>
          // CHECK: %[[G:.*]] = tile.wgmma %{{.*}}, %{{.*}} transposed : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels> -> !tile.pending<tensor<64x64xf32, #[[$ACC]]>>
          %g = tile.wgmma %b, %b transposed
              : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>
                -> !tile.pending<tensor<64x64xf32, #acc>>
          // CHECK: %[[R:.*]] = tile.wgmma_wait %[[G]] : !tile.pending<tensor<64x64xf32, #[[$ACC]]>>
          %r = tile.wgmma_wait %g : !tile.pending<tensor<64x64xf32, #acc>>
          // CHECK: tile.release %[[P]][%[[T]]] after %[[R]], %{{.*}} : !tile.pipeline<stages = 3, groups = 2>, tensor<64x64xf32, #[[$ACC]]>, tensor<64x64xf32, #[[$ACC]]>
          tile.release %p[%slot] after %r, %scale
              : !tile.pipeline<stages = 3, groups = 2>, tensor<64x64xf32, #acc>,
                tensor<64x64xf32, #acc>
        }
      }
    }
    gpu.return
  }
}

// CHECK-LABEL: func.func @products
func.func @products(%s: tensor<64x64xbf16, #a>, %b: !tile.buffer<64x64xbf16, panels>,
                    %c: tensor<64x64xf32, #acc>) {
  // CHECK: %[[Y:.*]] = tile.wgmma %{{.*}}, %{{.*}} : tensor<64x64xbf16, #[[$A]]>, !tile.buffer<64x64xbf16, panels> -> !tile.pending<
  %y = tile.wgmma %s, %b
      : tensor<64x64xbf16, #a>, !tile.buffer<64x64xbf16, panels>
        -> !tile.pending<tensor<64x64xf32, #acc>>
  // CHECK: tile.wgmma %{{.*}} transposed, %{{.*}}, %{{.*}} : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>, tensor<64x64xf32, #[[$ACC]]> -> !tile.pending<
  %z = tile.wgmma %b transposed, %b, %c
      : !tile.buffer<64x64xbf16, panels>, !tile.buffer<64x64xbf16, panels>,
        tensor<64x64xf32, #acc> -> !tile.pending<tensor<64x64xf32, #acc>>
  // CHECK: tile.wgmma_wait %[[Y]] pending 1 : !tile.pending<
  %0 = tile.wgmma_wait %y pending 1 : !tile.pending<tensor<64x64xf32, #acc>>
  %1 = tile.wgmma_wait %z : !tile.pending<tensor<64x64xf32, #acc>>
  return
}

// CHECK-LABEL: func.func @stores
func.func @stores(%y: tensor<64x64xbf16, #acc>, %v: tensor<64xf32, #tile.lane>,
                  %buffer: !tile.buffer<64x64xbf16, panels>,
                  %vector: !tile.buffer<64xf32>, %map: !llvm.ptr, %i: index) {
  // CHECK: tile.store_shared %{{.*}}, %[[B:.*]] transposed : tensor<64x64xbf16, #[[$ACC]]>, !tile.buffer<64x64xbf16, panels>
  tile.store_shared %y, %buffer transposed
      : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, panels>
  // CHECK: tile.store_shared %{{.*}}, %{{.*}} : tensor<64xf32, #tile.lane>, !tile.buffer<64xf32>
  tile.store_shared %v, %vector : tensor<64xf32, #tile.lane>, !tile.buffer<64xf32>
  // CHECK: tile.load_shared %{{.*}} : !tile.buffer<64xf32> -> tensor<64xf32, #tile.lane>
  %w = tile.load_shared %vector : !tile.buffer<64xf32> -> tensor<64xf32, #tile.lane>
  // CHECK: tile.store_bulk %[[B]] -> %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] : !tile.buffer<64x64xbf16, panels>
  tile.store_bulk %buffer -> %map[%i, %i, %i] : !tile.buffer<64x64xbf16, panels>
  // CHECK: tile.store_bulk %[[B]] -> %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] pending 1 : !tile.buffer<64x64xbf16, panels>
  tile.store_bulk %buffer -> %map[%i, %i, %i, %i, %i] pending 1
      : !tile.buffer<64x64xbf16, panels>
  // CHECK: tile.wait_stores
  tile.wait_stores
  return
}
