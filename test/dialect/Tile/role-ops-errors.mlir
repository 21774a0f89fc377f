// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

// Pending (C1)
// expected-error @below {{(C1) a pending tile has an accumulator layout, got}}
func.func private @f(!tile.pending<tensor<64x64xf32, #tile.operand_a<warps = [4, 1]>>>)

// -----
// Pipeline (C1)
// expected-error @below {{(C1) a pipeline has at least one stage and group, got 0 and 1}}
func.func private @f(!tile.pipeline<stages = 0>)

// -----
// Pipeline (C1)
// expected-error @below {{(C1) a pipeline has at least one stage and group, got 2 and 0}}
func.func private @f(!tile.pipeline<stages = 2, groups = 0>)

// -----
func.func @roles_c1_function()
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %true = arith.constant true
  scf.if %true {
  // expected-error @below {{(C1) stands in the body of a function}}
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
    }
  }
  }
  return
}

// -----
func.func @roles_c1_threads()
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  // expected-error @below {{(C1) has 4 warps, which known_block_size must state as 128 threads}}
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
func.func @roles_c1_start()
    attributes {known_block_size = array<i32: 192, 1, 1>} {
  tile.roles {
    tile.role "a" warps 2 registers 40 {
    ^bb0(%w: index):
    }
    // expected-error @below {{(C1) has whole warpgroups, but starts inside of one, at warp 2}}
    tile.role "b" warps 4 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
func.func @roles_c2_budget()
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  tile.roles {
    tile.role "a" warps 1 registers 40 {
    ^bb0(%w: index):
    }
    // expected-error @below {{(C2) has 48 registers, but shares a warpgroup with a role of 40}}
    tile.role "b" warps 1 instances 3 registers 48 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
func.func @roles_c2_rest()
    attributes {known_block_size = array<i32: 416, 1, 1>} {
  tile.roles {
    tile.role "a" warps 4 instances 3 registers 40 {
    ^bb0(%w: index):
    }
    // expected-error @below {{(C2) warps that are no warpgroup keep the 152 registers they start with, got 160}}
    tile.role "b" warps 1 registers 160 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
// The budgets are 65536 registers, but 12 warps start with 168 a thread.
func.func @roles_c2_sum()
    attributes {known_block_size = array<i32: 384, 1, 1>} {
  // expected-error @below {{(C2) warpgroups need 65536 registers, 12 of 12 warps start with 64512}}
  tile.roles {
    tile.role "a" warps 4 registers 48 {
    ^bb0(%w: index):
    }
    tile.role "b" warps 4 instances 2 registers 232 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
func.func @roles_holds() attributes {known_block_size = array<i32: 128, 1, 1>} {
  tile.roles {
    // expected-error @below {{stands in tile.roles, which hold tile.role only}}
    tile.barrier
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
func.func @role_c1_warps()
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  tile.roles {
    // expected-error @below {{(C1) has 1, 2 or a multiple of 4 warps, got 3}}
    tile.role "a" warps 3 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
func.func @role_c1_instances()
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  tile.roles {
    // expected-error @below {{(C1) has at least one instance, got 0}}
    tile.role "a" warps 4 instances 0 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
func.func @role_c2()
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  tile.roles {
    // expected-error @below {{(C2) registers are a multiple of 8 from 24 to 256, got 44}}
    tile.role "a" warps 4 registers 44 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
func.func @role_c3()
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  tile.roles {
    // expected-error @below {{(C3) the region has one argument, an index}}
    tile.role "a" warps 4 registers 40 {
      tile.barrier
    }
  }
  return
}

// -----
func.func @role_c4(%more: i1)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C4) a role holds scf.for and scf.if only}}
      scf.while : () -> () {
        scf.condition(%more)
      } do {
        scf.yield
      }
    }
  }
  return
}

// -----
func.func @pipeline_c4(%c: i1) {
  scf.if %c {
    // expected-error @below {{(C4) must stand in the entry block of a function}}
    %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 2>
  }
  return
}

// -----
func.func @pipeline_arrivals() {
  // expected-error @below {{needs at least one arrival on full and on empty, got 0 and 1}}
  %p = tile.pipeline full 0 empty 1 : !tile.pipeline<stages = 2>
  return
}

// -----
func.func @acquire_c1()
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 2, groups = 2>
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %c2 = arith.constant 2 : index
      // expected-error @below {{(C1) group 2 is outside of}}
      %s = tile.acquire %p[%c2] iteration %c2 : !tile.pipeline<stages = 2, groups = 2>
    }
  }
  return
}

// -----
func.func @acquire_c2(%i: index) {
  %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 2, groups = 2>
  // expected-error @below {{(C2) stands in a role}}
  %s = tile.acquire %p iteration %i : !tile.pipeline<stages = 2, groups = 2>
  return
}

// -----
func.func @wait_c1()
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 2, groups = 2>
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %c2 = arith.constant 2 : index
      // expected-error @below {{(C1) group 2 is outside of}}
      %s = tile.wait %p[%c2] iteration %c2 : !tile.pipeline<stages = 2, groups = 2>
    }
  }
  return
}

// -----
func.func @wait_c2(%i: index) {
  %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 2, groups = 2>
  // expected-error @below {{(C2) stands in a role}}
  %s = tile.wait %p iteration %i : !tile.pipeline<stages = 2, groups = 2>
  return
}

// -----
func.func @expect_c1(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 2, groups = 2>
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !tile.pipeline<stages = 2, groups = 2>
      // expected-error @below {{(C1) stands in a role of one warp}}
      tile.expect %p[%s] bytes 0 : !tile.pipeline<stages = 2, groups = 2>
    }
  }
  return
}

// -----
func.func @expect_c2(%i: index, %map: !llvm.ptr, %b: !tile.buffer<64x64xbf16, panels>)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %p = tile.pipeline full 1 empty 1 : !tile.pipeline<stages = 2, groups = 2>
  tile.roles {
    tile.role "a" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !tile.pipeline<stages = 2, groups = 2>
      // expected-error @below {{(C2) announces 8192 bytes, the copies that follow have 16384}}
      tile.expect %p[%s] bytes 8192 : !tile.pipeline<stages = 2, groups = 2>
      tile.copy_bulk %map[%i, %i, %i] -> %b on %p[%s] : !tile.buffer<64x64xbf16, panels>, !tile.pipeline<stages = 2, groups = 2>
      tile.copy_bulk %map[%i, %i, %i] -> %b on %p[%s] : !tile.buffer<64x64xbf16, panels>, !tile.pipeline<stages = 2, groups = 2>
    }
  }
  return
}

// -----
func.func @flags_c1_branch(%area: !llvm.ptr<1>, %b: i1)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  scf.if %b {
    // expected-error @below {{(C1) stands in the body of a function or of a role, got one of 'scf.if'}}
    %flags = tile.flags %area : !llvm.ptr<1>
  }
  return
}

// -----
func.func @flags_c2(%area: !llvm.ptr<1>, %i: index)
    attributes {known_block_size = array<i32: 256, 1, 1>} {
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C2) another op opens the same flags}}
      %flags = tile.flags %area : !llvm.ptr<1>
      tile.signal %flags[%i]
    }
    tile.role "b" warps 4 registers 40 {
    ^bb0(%w: index):
      %flags = tile.flags %area : !llvm.ptr<1>
      tile.await %flags[%i]
    }
  }
  return
}
