// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// REQUIRES: ptxas, slow-tests
// RUN: mamba-opt %S/assemble-sweep.mlir -ssd-to-tiles="target=sm_80 weights=values" -print-ptx=target=sm_80 -o /dev/null > %t.80.ptx
// RUN: %assemble --arch=sm_80,sm_86,sm_89 --spill=400 %t.80.ptx
// RUN: mamba-opt %S/assemble-sweep.mlir -ssd-to-tiles="target=sm_86 weights=values" -print-ptx=target=sm_86 -o /dev/null > %t.86.ptx
// RUN: %assemble --arch=sm_86,sm_89 --spill=400 %t.86.ptx
// RUN: mamba-opt %S/assemble-sweep.mlir -ssd-to-tiles="target=sm_120 weights=values" -print-ptx=target=sm_120 -o /dev/null > %t.120.ptx
// RUN: %assemble --arch=sm_120 --spill=192 %t.120.ptx
// RUN: mamba-opt %S/assemble-sweep.mlir -ssd-to-tiles="target=sm_90a weights=values consumers=0" -print-ptx=target=sm_90a -o /dev/null > %t.90.ptx
// RUN: %assemble --arch=sm_90a --spill=600 %t.90.ptx
// RUN: mamba-opt %S/assemble-sweep.mlir -ssd-to-tiles="target=sm_100a weights=values" -print-ptx=target=sm_100a -o /dev/null > %t.100.ptx
// RUN: %assemble --arch=sm_100a --spill=600 %t.100.ptx

// The mixers of assemble-sweep.mlir in kernels with teams. Spills are few bytes but
// for P = 8, N = 256, whose states take 128 registers of every thread, and for
// P = 64, N = 128 on sm_120, which has shared memory for two teams only.
