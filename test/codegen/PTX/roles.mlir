// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -print-ptx=target=sm_90a -o /dev/null | FileCheck %s
// RUN: mamba-opt %s "-print-ptx=target=sm_90a llvm-ir" -o /dev/null | FileCheck %s --check-prefix=LLVM

// A producer, a transformer of two instances and a store, each with registers of
// its own: ptxas takes setmaxnreg only with the kernel's bounds. What one lane
// does is predicated, with no branch around it.

#acc = #tile.accumulator<warps = [4, 1]>
!words = !tile.pipeline<stages = 3>
!tiles = !tile.pipeline<stages = 2, groups = 2>

// CHECK: .visible .entry handover(
// CHECK: .maxntid 384, 1, 1
// CHECK: .minnctapersm 1
// CHECK: mbarrier.init.shared.b64
// CHECK: fence.mbarrier_init.release.cluster;
// CHECK: fence.proxy.async.shared::cta;
// CHECK: bar.sync 0;
// CHECK: setmaxnreg.dec.sync.aligned.u32 40;
// CHECK: mbarrier.try_wait.parity.shared::cta.b64 complete, [%r{{[0-9]+}}], %r{{[0-9]+}};
// CHECK: @!complete bra wait_0;
// CHECK: @%p{{[0-9]+}} mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r{{[0-9]+}}], %r{{[0-9]+}};
// CHECK: setmaxnreg.inc.sync.aligned.u32 200;
// CHECK: stmatrix
// CHECK: bar.warp.sync -1;
// CHECK: @%p{{[0-9]+}} mbarrier.arrive.shared::cta.b64 _, [%r{{[0-9]+}}];
// The bits of what was read, and a zero.
// CHECK: %ctaid.z
// CHECK: and.b32
// Flags: the number of the launch, kept in shared memory.
// CHECK: @%p{{[0-9]+}} atom.relaxed.gpu.global.add.u64 number, [%rd{{[0-9]+}}], %rd{{[0-9]+}};
// CHECK: @%p{{[0-9]+}} st.shared.b64 [%r{{[0-9]+}}], number;
// CHECK: bar.sync %r{{[0-9]+}}, 128;
// CHECK: fence.acq_rel.gpu;
// CHECK: st.release.gpu.global.b64
// CHECK: ld.shared.b64 %[[NUMBER:rd[0-9]+]],
// CHECK: ld.acquire.gpu.global.b64 %[[SEEN:rd[0-9]+]],
// CHECK: setp.eq.b64 %p{{[0-9]+}}, %[[SEEN]], %[[NUMBER]];
// CHECK: nanosleep.u32 40;
// CHECK: // handover: 384 threads

// Warp-wide instructions must not move into divergent code.
// LLVM: call void asm sideeffect "{{.*}}try_wait{{.*}}"({{.*}}) #[[CONVERGENT:[0-9]+]]
// LLVM: attributes #[[CONVERGENT]] = { convergent
gpu.module @kernels {
  gpu.func @handover(%x: !llvm.ptr<1>, %flags: !llvm.ptr<1>, %n: index) kernel
      attributes {known_block_size = array<i32: 384, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %xs = tile.alloc : !tile.buffer<64x64xbf16, stages = 3>
    %ys = tile.alloc : !tile.buffer<64x64xbf16, stages = 4>
    %p = tile.pipeline full 1 empty 8 : !words
    %q = tile.pipeline full 4 empty 1 : !tiles
    tile.roles {
      tile.role "load" warps 1 registers 40 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %slot = tile.acquire %p iteration %i : !words
          tile.expect %p[%slot] bytes 0 : !words
        }
      }
      tile.role "take" warps 1 registers 40 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %s0 = tile.wait %q iteration %i : !tiles
          tile.release %q[%s0] : !tiles
          %s1 = tile.wait %q[%c1] iteration %i : !tiles
          tile.release %q[%s1] : !tiles
        }
      }
      tile.role "idle" warps 1 instances 2 registers 40 {
      ^bb0(%w: index):
      }
      tile.role "turn" warps 4 instances 2 registers 200 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %n step %c1 {
          %s = tile.wait %p iteration %i : !words
          %x0 = tile.stage %xs[%s] : !tile.buffer<64x64xbf16, stages = 3>
          %v = tile.load_shared %x0 : !tile.buffer<64x64xbf16> -> tensor<64x64xbf16, #acc>
          %t = tile.acquire %q[%w] iteration %i : !tiles
          %y0 = tile.stage %ys[%t] : !tile.buffer<64x64xbf16, stages = 4>
          tile.store_shared %v, %y0 : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16>
          tile.commit %q[%t] : !tiles
          tile.release %p[%s] after %v : !words, tensor<64x64xbf16, #acc>
        }
        %opened = tile.flags %flags : !llvm.ptr<1>
        tile.await %opened[%w]
        tile.signal %opened[%w]
      }
    }
    gpu.return
  }
}
