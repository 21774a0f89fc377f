// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -convert-tile-to-nvvm=target=sm_90a -canonicalize -cse | FileCheck %s

!slots = !tile.pipeline<stages = 2>
!panels = !tile.buffer<64x128xbf16, panels>
!rows = !tile.buffer<32x64xf16>

gpu.module @kernels {
  // A copy for each panel of 64 columns, on the full barrier of the slot; one
  // lane starts them.
  // CHECK-LABEL: gpu.func @loads
  // CHECK: %[[T:.*]] = arith.index_cast %arg2 : index to i32
  // CHECK: try_wait
  // CHECK: expect_tx{{.*}} %[[FULL:[0-9]+]], %c20480_i32
  // CHECK: %[[X:.*]] = llvm.getelementptr
  // CHECK: %[[ONE:.*]] = arith.cmpi eq, %{{.*}}, %c0_i32
  // CHECK: %[[NEXT:.*]] = llvm.getelementptr %[[X]][8192]
  // CHECK: llvm.inline_asm has_side_effects "@$0 cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [$1], [$2, {$4, $5, $6, $7}], [$3];", "b,r,l,r,r,r,r,r,~{memory}" %[[ONE]], %[[X]], %arg0, %[[FULL]], %c0_i32, %c1_i32, %[[T]], %c0_i32
  // CHECK: llvm.inline_asm {{.*}}tensor.4d{{.*}} %[[ONE]], %[[NEXT]], %arg0, %[[FULL]], %c64_i32, %c1_i32, %[[T]], %c0_i32
  // CHECK: tensor.3d.shared::cluster{{.*}}[$1], [$2, {$4, $5, $6}], [$3];
  // CHECK-NOT: tensor
  // CHECK: gpu.return
  gpu.func @loads(%map: !llvm.ptr, %map3: !llvm.ptr, %t: index) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %xs = tile.alloc : !tile.buffer<64x128xbf16, stages = 2, panels>
    %ys = tile.alloc : !tile.buffer<32x64xf16, stages = 2>
    %p = tile.pipeline full 1 empty 1 : !slots
    tile.roles {
      tile.role "load" warps 1 registers 40 {
      ^bb0(%w: index):
        %slot = tile.acquire %p iteration %t : !slots
        tile.expect %p[%slot] bytes 20480 : !slots
        %x = tile.stage %xs[%slot] : !tile.buffer<64x128xbf16, stages = 2, panels>
        %y = tile.stage %ys[%slot] : !tile.buffer<32x64xf16, stages = 2>
        tile.copy_bulk %map[%c0, %c1, %t, %c0] -> %x on %p[%slot] : !panels, !slots
        tile.copy_bulk %map3[%c0, %t, %c0] -> %y on %p[%slot] : !rows, !slots
      }
      tile.role "use" warps 1 registers 40 {
      ^bb0(%w: index):
        %slot = tile.wait %p iteration %t : !slots
        tile.release %p[%slot] : !slots
      }
    }
    gpu.return
  }

  // The first thread of each instance waits until the buffers of older stores
  // are read, and starts the copy behind the barrier.
  // CHECK-LABEL: gpu.func @stores
  // CHECK: "llvm.nvvm.fence.proxy.async.shared_cta"
  // CHECK: %[[THREAD:.*]] = arith.andi %{{.*}}, %c127_i32
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[THREAD]], %c0_i32
  // CHECK: llvm.inline_asm has_side_effects "@$0 cp.async.bulk.wait_group.read 1;", "b,~{memory}" %[[FIRST]]
  // CHECK: "llvm.nvvm.barrier.cta.sync.aligned.count"
  // CHECK: llvm.inline_asm has_side_effects "@$0 cp.async.bulk.tensor.4d.global.shared::cta.bulk_group [$1, {$3, $4, $5, $6}], [$2];", "b,l,r,r,r,r,r,~{memory}" %[[FIRST]], %arg0, %{{.*}}, %c0_i32
  // CHECK: tensor.4d.global{{.*}} %c64_i32
  // CHECK: llvm.inline_asm has_side_effects "@$0 cp.async.bulk.commit_group;", "b,~{memory}" %[[FIRST]]
  // CHECK: llvm.inline_asm has_side_effects "@$0 cp.async.bulk.wait_group 0;", "b,~{memory}"
  gpu.func @stores(%map: !llvm.ptr, %t: index) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : index
    %ys = tile.alloc : !tile.buffer<64x128xbf16, stages = 2, panels>
    tile.roles {
      tile.role "store" warps 4 instances 2 registers 128 {
      ^bb0(%w: index):
        %y = tile.stage %ys[%w] : !tile.buffer<64x128xbf16, stages = 2, panels>
        tile.store_bulk %y -> %map[%c0, %w, %t, %c0] pending 1 : !panels
        tile.wait_stores
      }
    }
    gpu.return
  }

  // Lane l of one warp copies the elements l, l + 32 and l + 64, the last where
  // the vector has it. Nothing is read beyond the bound.
  // CHECK-LABEL: gpu.func @vectors
  // CHECK: %[[TID:.*]] = llvm.call_intrinsic "llvm.nvvm.read.ptx.sreg.tid.x"
  // CHECK: arith.minsi %{{.*}}, %c80_i64
  // CHECK: %[[STRIDE:.*]] = arith.muli %{{.*}}, %c4_i64
  // CHECK: arith.muli %{{.*}}, %[[STRIDE]] : i64
  // CHECK: %[[VALID:.*]] = arith.cmpi slt
  // CHECK: %[[BYTES:.*]] = arith.select %[[VALID]], %c4_i32, %c0_i32
  // CHECK: "llvm.nvvm.cp.async.ca.shared.global.4.s"(%[[V:.*]], %{{.*}}, %[[BYTES]])
  // CHECK: %[[V32:.*]] = llvm.getelementptr %[[V]][128]
  // CHECK: "llvm.nvvm.cp.async.ca.shared.global.4.s"(%[[V32]],
  // CHECK: %[[E:.*]] = arith.addi %{{.*}}, %c64_i32
  // CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %[[E]], %c80_i32
  // CHECK: scf.if %[[INSIDE]]
  // CHECK: "llvm.nvvm.cp.async.ca.shared.global.4.s"
  // CHECK: "llvm.nvvm.bar.warp.sync"
  // CHECK: llvm.getelementptr %{{.*}}[268]
  // CHECK: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
  // Four warps share the elements, and one step does.
  // CHECK: } else {
  // CHECK-COUNT-1: cp.async.ca
  // CHECK-NOT: cp.async.ca
  // CHECK: gpu.return
  gpu.func @vectors(%dt: !llvm.ptr<1>, %y: !llvm.ptr<1>, %offset: index,
                    %stride: index, %n: index) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %v = tile.alloc : !tile.buffer<80xf32>
    tile.roles {
      tile.role "load" warps 1 instances 4 registers 40 {
      ^bb0(%w: index):
        tile.copy_vector %dt[%offset] stride %stride bound %n -> %v
            : !llvm.ptr<1>, !tile.buffer<80xf32>
        tile.commit_copies
        tile.wait_copies pending 0
        tile.barrier
        %e = tile.load_element %v[67] : !tile.buffer<80xf32>
        llvm.store %e, %y : f32, !llvm.ptr<1>
      }
      tile.role "share" warps 4 registers 40 {
      ^bb0(%w: index):
        tile.copy_vector %dt[%offset] stride %stride bound %n -> %v
            : !llvm.ptr<1>, !tile.buffer<80xf32>
      }
    }
    gpu.return
  }
}
