// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_no_arrival(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C1) no arrival follows on the slot; needs a tile.expect or tile.commit in this block (role "a")}}
      %s = tile.acquire %p iteration %i : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_two_commits(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C1) at most one tile.expect and one tile.commit of the slot follow, got 0 and 2}}
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
      tile.commit %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_two_expects(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C1) at most one tile.expect and one tile.commit of the slot follow, got 2 and 0}}
      %s = tile.acquire %p iteration %i : !p
      tile.expect %p[%s] bytes 0 : !p
      tile.expect %p[%s] bytes 0 : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_no_release(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C1) one tile.release of the slot follows in this block, got 0}}
      %s = tile.wait %p iteration %i : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_two_releases(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C1) one tile.release of the slot follows in this block, got 2}}
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_commit_in_if(%i: index, %c: i1)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      scf.if %c {
        // expected-error @below {{(C1) arrives on a slot that no tile.acquire of this pipeline yields in this block}}
        tile.commit %p[%s] : !p
      }
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_release_in_if(%i: index, %c: i1)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      scf.if %c {
        // expected-error @below {{(C1) arrives on a slot that no tile.wait of this pipeline yields in this block}}
        tile.release %p[%s] : !p
      }
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_commit_waited(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      // expected-error @below {{(C1) arrives on a slot that no tile.acquire of this pipeline yields in this block}}
      tile.commit %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_release_acquired(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      // expected-error @below {{(C1) arrives on a slot that no tile.wait of this pipeline yields in this block}}
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_other_pipeline(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  %q = tile.pipeline full 1 empty 1 : !p
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %q iteration %i : !p
      // expected-error @below {{(C1) arrives on a slot that no tile.wait of this pipeline yields in this block}}
      tile.release %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_two_slots(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
      // expected-error @below {{(C1) takes a second slot of a group in one block; a block takes one}}
      %t = tile.acquire %p iteration %i : !p
      tile.commit %p[%t] : !p
    }
  }
  return
}

// -----
!g = !tile.pipeline<stages = 2, groups = 2>
func.func @pipeline_c1_instance_and_constant(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !g
  tile.roles {
    tile.role "a" warps 2 instances 2 registers 40 {
    ^bb0(%w: index):
      %c1 = arith.constant 1 : index
      %s = tile.acquire %p[%w] iteration %i : !g
      tile.commit %p[%s] : !g
      // expected-error @below {{(C1) takes a second slot of a group in one block; a block takes one}}
      %t = tile.acquire %p[%c1] iteration %i : !g
      tile.commit %p[%t] : !g
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_both_sides(%i: index, %c: i1)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      scf.if %c {
        %s = tile.acquire %p iteration %i : !p
        tile.commit %p[%s] : !p
      } else {
        // expected-error @below {{(C1) a role either produces or consumes, this one does both}}
        %s = tile.wait %p iteration %i : !p
        tile.release %p[%s] : !p
      }
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_two_roles_ops(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
  }
  tile.roles {
    tile.role "b" warps 4 registers 40 {
    ^bb0(%w: index):
      %t = tile.wait %p iteration %i : !p
      // expected-error @below {{(C1) uses a pipeline of another tile.roles}}
      tile.release %p[%t] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c1_argument(%p: !p, %i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C1) takes a slot of the result of tile.pipeline}}
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
  }
  return
}
