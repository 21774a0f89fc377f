// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// REQUIRES: ptxas
// RUN: mamba-opt %S/roles.mlir -print-ptx=target=sm_90a -o /dev/null > %t.ptx
// RUN: %assemble --arch=sm_90a %t.ptx | FileCheck %s
// RUN: %ptxas -arch=sm_90a %t.ptx -o /dev/null 2>&1 | count 0
// RUN: mamba-opt %S/tensor-maps.mlir -print-ptx=target=sm_90a -o /dev/null > %t.ptx
// RUN: %assemble --arch=sm_90a %t.ptx | FileCheck %s --check-prefix=MAPS
// RUN: %ptxas -arch=sm_90a %t.ptx -o /dev/null 2>&1 | count 0

// The kernels of roles.mlir and tensor-maps.mlir assemble without spills and
// without a warning that setmaxnreg is ignored; 384 threads are launched with
// 168 registers each.
// CHECK: handover sm_90a: 168 registers
// MAPS: products sm_90a: 168 registers
