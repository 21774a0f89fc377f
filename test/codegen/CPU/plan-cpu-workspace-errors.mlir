// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s --ssd-plan-cpu-workspace --verify-diagnostics

func.func @dynamic(%n: index) {
  // expected-error @+1 {{a kernel's buffer must have a static size, but is 'memref<?xf32>'}}
  %a = memref.alloc(%n) : memref<?xf32>
  return
}
