// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A C program runs the object file through the generated header:
// S_1 = 8/2 + 2·3 = 10, S_2 = 10/2 + 7·5 = 40, y = 1·10, 10·40.
// RUN: rm -rf %t && mkdir %t
// RUN: mamba-compile %s -o %t/mixer | FileCheck %s --check-prefix=FILES
// FILES: mixer.o
// FILES: mixer.h
// RUN: cc -std=c11 -Wall -Werror -I %source -I %t %S/Inputs/mixer.c %t/mixer.o %binary/runtime/libMambaRuntime.a \
// RUN:   -lstdc++ -ldl -lm -o %t/mixer
// RUN: %t/mixer | FileCheck %s --check-prefix=PROGRAM
// PROGRAM: y = 10.0000 400.0000, S = 40.0000
// PROGRAM: error: {{.*}}'mixer'{{.*}}2

// The header says what it takes, in order, and is C++ too.
// RUN: FileCheck %s --check-prefix=HEADER < %t/mixer.h
// HEADER: Made by mamba-compile from mamba-compile.mlir: @mixer for cpu.
// HEADER: input x
// HEADER-NEXT: input la
// HEADER: output S
// HEADER: {"la", 1, 3, 3, 0, 0, {{[{][{]1, 0[}], [{]1, 1[}], [{]1, -1[}][}][}]}},
// HEADER: static inline mamba_status *mixer_create(mamba_function **function)
// RUN: c++ -std=c++20 -fsyntax-only -x c++ -I %source %t/mixer.h

// Every level can be written.
// RUN: cd %t && mamba-compile %s --emit=chunks,llvm
// RUN: FileCheck %s --check-prefix=CHUNKS < %t/mixer.chunks.mlir
// CHUNKS: func.func @mixer
// CHUNKS: ssd.chunk_scan chunk
// RUN: FileCheck %s --check-prefix=LLVM < %t/mixer.ll
// LLVM: target triple
// LLVM: define void @mixer

// Bad input.
// RUN: not mamba-compile %s --target=sm_9 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: mamba-compile: error: there is no target 'sm_9'; there is cpu, sm_80
// RUN: not mamba-compile %s --emit=elf 2>&1 | FileCheck %s --check-prefix=EMIT
// EMIT: mamba-compile: error: --emit=elf: for cpu there is chunks, llvm, object, header
// RUN: not mamba-compile %t/none.mlir 2>&1 | FileCheck %s --check-prefix=NOFILE
// NOFILE: mamba-compile: error: cannot open input file {{.*}}none.mlir{{.*}}: No such file
// RUN: not mamba-compile %s -o %t/none/mixer 2>&1 | FileCheck %s --check-prefix=NODIR
// NODIR: mamba-compile: error: cannot open output file {{.*}}mixer.o{{.*}}: No such file
// RUN: not mamba-compile %s --entry=mixr 2>&1 | FileCheck %s --check-prefix=ENTRY
// ENTRY: mamba-compile: error: there is no function @mixr; there is @mixer
// RUN: sed -e 's/decay %%la/decay %%lb/' %s > %t/bad.mlir
// RUN: not mamba-compile %t/bad.mlir 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: bad.mlir:{{.*}}: error: use of undeclared SSA value name

func.func @mixer(%x: tensor<?x?x1x1xf32> {ssd.name = "x"},
                 %la: tensor<?x?x1xf32> {ssd.name = "la"},
                 %b: tensor<?x?x1x1xf32> {ssd.name = "b"},
                 %c: tensor<?x?x1x1xf32> {ssd.name = "c"},
                 %s0: tensor<?x1x1x1xf32> {ssd.name = "S0"})
    -> (tensor<?x?x1x1xf32> {ssd.name = "y"},
        tensor<?x1x1x1xf32> {ssd.name = "S"}) {
  %M = ssd.state_space %c, %b decay %la : tensor<?x?x1x1xf32>, tensor<?x?x1x1xf32>, tensor<?x?x1xf32>
  %y, %s = ssd.apply %M, %x init %s0
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x1xf32>, tensor<?x1x1x1xf32>
      -> tensor<?x?x1x1xf32>, tensor<?x1x1x1xf32>
  return %y, %s : tensor<?x?x1x1xf32>, tensor<?x1x1x1xf32>
}
