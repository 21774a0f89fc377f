// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

!p = !tile.pipeline<stages = 2>
func.func @pipeline_c2_turns(%i: index, %c: i1)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      scf.if %c {
        %s = tile.acquire %p iteration %i : !p
        tile.commit %p[%s] : !p
      } else {
        // expected-error @below {{(C2) every turn of a role makes the same arrivals, got 4 and then 8}}
        %s = tile.acquire %p iteration %i : !p
        tile.expect %p[%s] bytes 0 : !p
        tile.commit %p[%s] : !p
      }
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c2_missing_arrival(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-error @below {{(C2) arrivals on the empty barriers of group 0 are 2 ("use" 2), needs 3}}
  %p = tile.pipeline full 1 empty 3 : !p
  tile.roles {
    tile.role "make" warps 1 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 2 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
    tile.role "more" warps 1 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c2_missing_role(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-error @below {{(C2) arrivals on the full barriers of group 0 are 1 ("make" 1), needs 2}}
  %p = tile.pipeline full 2 empty 2 : !p
  tile.roles {
    tile.role "make" warps 1 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 2 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
    tile.role "more" warps 1 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c2_doubled_arrival(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-error @below {{(C2) arrivals on the full barriers of group 0 are 2 ("make" 1, "more" 1), needs 1}}
  %p = tile.pipeline full 1 empty 2 : !p
  tile.roles {
    tile.role "make" warps 1 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 2 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
    tile.role "more" warps 1 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c3_no_consumer(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-error @below {{(C3) group 0 has no consumer}}
  %p = tile.pipeline full 1 empty 2 : !p
  tile.roles {
    tile.role "make" warps 1 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !p
      tile.commit %p[%s] : !p
    }
    tile.role "use" warps 2 registers 40 {
    ^bb0(%w: index):
    }
    tile.role "more" warps 1 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c3_no_producer(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-error @below {{(C3) group 0 has no producer}}
  %p = tile.pipeline full 1 empty 2 : !p
  tile.roles {
    tile.role "make" warps 1 registers 40 {
    ^bb0(%w: index):
    }
    tile.role "use" warps 2 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !p
      tile.release %p[%s] : !p
    }
    tile.role "more" warps 1 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
!g = !tile.pipeline<stages = 2, groups = 2>
func.func @pipeline_c3_group(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-error @below {{(C3) group 1 has no producer}}
  %p = tile.pipeline full 1 empty 2 : !g
  tile.roles {
    tile.role "make" warps 1 registers 40 {
    ^bb0(%w: index):
      %s = tile.acquire %p iteration %i : !g
      tile.commit %p[%s] : !g
    }
    tile.role "use" warps 2 registers 40 {
    ^bb0(%w: index):
      %s = tile.wait %p iteration %i : !g
      tile.release %p[%s] : !g
    }
    tile.role "more" warps 1 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}

// -----
!g = !tile.pipeline<stages = 2, groups = 2>
func.func @pipeline_c3_instances(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !g
  tile.roles {
    tile.role "a" warps 1 instances 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C3) one group an instance needs as many of both, got 2 groups and 4 instances}}
      %s = tile.acquire %p[%w] iteration %i : !g
      tile.commit %p[%s] : !g
    }
  }
  return
}

// -----
!g = !tile.pipeline<stages = 2, groups = 2>
func.func @pipeline_c3_index(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !g
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      // expected-error @below {{(C3) the group is absent, a constant, the instance of the role or the number of the loop around, which has all groups}}
      %s = tile.acquire %p[%i] iteration %i : !g
      tile.commit %p[%s] : !g
    }
  }
  return
}

// -----
!g = !tile.pipeline<stages = 2, groups = 2>
func.func @pipeline_c3_loop(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !g
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      scf.for %group = %c0 to %c3 step %c1 {
        // expected-error @below {{(C3) the group is absent, a constant, the instance of the role or the number of the loop around, which has all groups}}
        %s = tile.acquire %p[%group] iteration %i : !g
        tile.commit %p[%s] : !g
      }
    }
  }
  return
}

// -----
// Two instances that both loop over the groups arrive twice on each.
!g = !tile.pipeline<stages = 2, groups = 2>
func.func @pipeline_c2_loop(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-error @below {{(C2) arrivals on the full barriers of group 0 are 4 ("a" 4), needs 2}}
  %p = tile.pipeline full 2 empty 2 : !g
  tile.roles {
    tile.role "a" warps 2 instances 2 registers 40 {
    ^bb0(%w: index):
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %group = %c0 to %c2 step %c1 {
        %s = tile.acquire %p[%group] iteration %i : !g
        tile.commit %p[%s] : !g
      }
    }
  }
  return
}

// -----
// A slot of each group is taken in the same iteration.
!g = !tile.pipeline<stages = 2, groups = 2>
func.func @pipeline_c5_group_iteration(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !g
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %group = %c0 to %c2 step %c1 {
        %next = arith.addi %i, %group : index
        // expected-error @below {{(C5) the iteration changes in the loop over the groups; it is the same for all of them}}
        %s = tile.acquire %p[%group] iteration %next : !g
        tile.commit %p[%s] : !g
      }
    }
  }
  return
}

// -----
// The loop over the groups takes one slot of each, whatever the loop around.
!g = !tile.pipeline<stages = 2, groups = 2>
func.func @pipeline_c5_loop(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 4 empty 4 : !g
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %j = %c0 to %i step %c1 {
        scf.for %group = %c0 to %c2 step %c1 {
          // expected-error @below {{(C5) the iteration stays the same in a loop around; it counts the slots that the role has taken}}
          %s = tile.acquire %p[%group] iteration %i : !g
          tile.commit %p[%s] : !g
        }
      }
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c5_constant(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      scf.for %j = %c0 to %i step %c1 {
        // expected-error @below {{(C5) the iteration stays the same in a loop around; it counts the slots that the role has taken}}
        %s = tile.acquire %p iteration %c0 : !p
        tile.commit %p[%s] : !p
      }
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c5_outer(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      scf.for %k = %c0 to %i step %c1 {
        scf.for %j = %c0 to %i step %c1 {
          // expected-error @below {{(C5) the iteration stays the same in a loop around; it counts the slots that the role has taken}}
          %s = tile.acquire %p iteration %j : !p
          tile.commit %p[%s] : !p
        }
      }
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c5_carried(%i: index)
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 1 : !p
  tile.roles {
    tile.role "a" warps 4 registers 40 {
    ^bb0(%w: index):
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = scf.for %k = %c0 to %i step %c1 iter_args(%j = %c0) -> index {
        // expected-error @below {{(C5) the iteration stays the same in a loop around; it counts the slots that the role has taken}}
        %s = tile.acquire %p iteration %j : !p
        tile.commit %p[%s] : !p
        scf.yield %j : index
      }
    }
  }
  return
}

// -----
!p = !tile.pipeline<stages = 2>
func.func @pipeline_c5_totals()
    attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-note @below {{the pipeline is here}}
  %p = tile.pipeline full 1 empty 2 : !p
  tile.roles {
    tile.role "make" warps 1 registers 40 {
    ^bb0(%w: index):
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %end = arith.constant 8 : index
      scf.for %j = %c0 to %end step %c1 {
        %s = tile.acquire %p iteration %j : !p
        tile.commit %p[%s] : !p
      }
    }
    // expected-error @below {{(C5) takes 7 slots of group 0, but role "make" takes 8}}
    tile.role "use" warps 2 registers 40 {
    ^bb0(%w: index):
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %end = arith.constant 7 : index
      scf.for %j = %c0 to %end step %c1 {
        %s = tile.wait %p iteration %j : !p
        tile.release %p[%s] : !p
      }
    }
    tile.role "idle" warps 1 registers 40 {
    ^bb0(%w: index):
    }
  }
  return
}
