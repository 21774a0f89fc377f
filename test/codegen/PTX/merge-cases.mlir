// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -print-ptx=target=sm_80 -o /dev/null | FileCheck %s

// Cases 0 and 2 do the same, case 1 and the default differ in an operand and in
// the number of ops: three codes are left.
gpu.module @kernels {
  // CHECK-LABEL: .entry cases(
  // CHECK-COUNT-4: membar.gl
  // CHECK-NOT: membar.gl
  // CHECK: ret;
  gpu.func @cases(%p: !llvm.ptr<1>, %part: index, %x: f32, %y: f32) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %value = scf.index_switch %part -> f32
    case 0 {
      llvm.inline_asm has_side_effects "membar.gl;", "" : () -> ()
      %0 = arith.addf %x, %y : f32
      scf.yield %0 : f32
    }
    case 1 {
      llvm.inline_asm has_side_effects "membar.gl;", "" : () -> ()
      %0 = arith.addf %y, %y : f32
      scf.yield %0 : f32
    }
    case 2 {
      llvm.inline_asm has_side_effects "membar.gl;", "" : () -> ()
      %0 = arith.addf %x, %y : f32
      scf.yield %0 : f32
    }
    default {
      llvm.inline_asm has_side_effects "membar.gl;", "" : () -> ()
      llvm.inline_asm has_side_effects "membar.gl;", "" : () -> ()
      %0 = arith.addf %x, %y : f32
      scf.yield %0 : f32
    }
    llvm.store %value, %p : f32, !llvm.ptr<1>
    gpu.return
  }
}
