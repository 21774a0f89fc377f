// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Everything the user can get wrong ends with one message and status 1.
// RUN: rm -rf %t && mkdir %t
// DEFINE: %{arguments} =
// DEFINE: %{run} = not mamba-run %{arguments} 2>&1 | FileCheck %s --check-prefix

// Files.
// REDEFINE: %{arguments} = %t/nothing.mlir
// RUN: %{run} NOFILE
// NOFILE: mamba-run: error: cannot open input file {{.*}}nothing.mlir{{.*}}: No such file
// REDEFINE: %{arguments} = %t/nothing.mlir --time-compile
// RUN: %{run} NOTEXT
// NOTEXT: mamba-run: error: cannot open '{{.*}}nothing.mlir': No such file
// RUN: echo 'func.func @f(%%x: tensor<2xf32>) { return %%x }' > %t/malformed.mlir
// REDEFINE: %{arguments} = %t/malformed.mlir
// RUN: %{run} MALFORMED
// MALFORMED: malformed.mlir:1:{{.*}}: error:
// RUN: echo 'module {}' > %t/empty.mlir
// REDEFINE: %{arguments} = %t/empty.mlir
// RUN: %{run} EMPTY
// EMPTY: mamba-run: error: the file has no function

// Functions and targets.
// REDEFINE: %{arguments} = %s
// RUN: %{run} MANY
// MANY: mamba-run: error: the file has 5 public functions; choose one with --entry: @mixer, @derived, @integers, @third, @twins
// REDEFINE: %{arguments} = %s --entry=mixr
// RUN: %{run} ENTRY
// ENTRY: mamba-run: error: there is no function @mixr; there is @mixer
// REDEFINE: %{arguments} = %s --entry=mixer --target=sm_9
// RUN: %{run} TARGET
// TARGET: mamba-run: error: there is no target 'sm_9'; there is reference, cuda, cpu, sm_80
// RUN: not env MAMBA_LIBCUDA_PATH=%t/libcuda.so mamba-run %s --entry=mixer --target=cuda 2>&1 \
// RUN:   | FileCheck %s --check-prefix=DRIVER
// DRIVER: mamba-run: error: {{.*}}libcuda.so
// REDEFINE: %{arguments} = %s --entry=integers
// RUN: %{run} INTEGERS
// INTEGERS: mamba-run: error: argument '0' has type tensor<?xi32>, but only ranked tensors of bf16, f16, f32 and f64 can be passed
// REDEFINE: %{arguments} = %s --entry=third
// RUN: %{run} THIRD
// THIRD: mamba-run: error: dimension 2 of '0' is dynamic; only dimensions 0 (batch) and 1 (time) may be
// REDEFINE: %{arguments} = %s --entry=twins
// RUN: %{run} TWINS
// TWINS: mamba-run: error: @twins has two arguments called 'x'

// Names, sizes and drawn values.
// REDEFINE: %{arguments} = %s --entry=mixer --input X=x.npy
// RUN: %{run} NAME
// NAME: mamba-run: error: there is no argument 'X'; there is x, la
// REDEFINE: %{arguments} = %s --entry=mixer --output 1=x.npy
// RUN: %{run} RESULT
// RESULT: mamba-run: error: there is no result '1'; there is y
// REDEFINE: %{arguments} = %s --entry=mixer --input x
// RUN: %{run} PAIR
// PAIR: mamba-run: error: --input x: expected name=value
// REDEFINE: %{arguments} = %s --entry=mixer --input x=a.npy --input 0=b.npy
// RUN: %{run} TWICE
// TWICE: mamba-run: error: --input 0=b.npy: '0' is given twice
// REDEFINE: %{arguments} = %s --entry=mixer --dim heads=3
// RUN: %{run} DIM
// DIM: mamba-run: error: --dim heads: dynamic sizes are called batch and time
// REDEFINE: %{arguments} = %s --entry=mixer --dim time=0
// RUN: %{run} SIZE
// SIZE: mamba-run: error: --dim time=0: a size is at least 1
// REDEFINE: %{arguments} = %s --entry=mixer --dim time=many
// RUN: %{run} NUMBER
// NUMBER: mamba-run: error: --dim time=many: 'many' is not a whole number
// RUN: sed -e 's/uniform -2 -1/uniform -1/' %s > %t/init.mlir
// REDEFINE: %{arguments} = %t/init.mlir --entry=mixer
// RUN: %{run} INIT
// INIT: mamba-run: error: 'la' is to be drawn as "uniform -1", but there is "normal"
// RUN: sed -e 's/uniform -2 -1/uniform -2 one/' %s > %t/init.mlir
// RUN: %{run} WORD
// WORD: mamba-run: error: 'la' is to be drawn as "uniform -2 one", where 'one' is not a number

// Arrays.
// REDEFINE: %{arguments} = %s --entry=mixer --input x=%t/nothing.npy
// RUN: %{run} NONPY
// NONPY: mamba-run: error: cannot read '{{.*}}nothing.npy': No such file
// REDEFINE: %{arguments} = %s --entry=mixer --input x=%s
// RUN: %{run} NOTNPY
// NOTNPY: mamba-run: error: {{.*}}mamba-run-errors.mlir{{.*}}npy
// REDEFINE: %{arguments} = %s --entry=mixer --input x=%golden/mamba2_t7/in_dt.npy
// RUN: %{run} SHAPE
// SHAPE: mamba-run: error: the array given for 'x' has shape 3x7x2, but its type has ?x?x2x4
// REDEFINE: %{arguments} = %s --entry=mixer --input la=%golden/mamba2_t7/in_dt.npy
// RUN: %{run} DECAY
// DECAY: mamba-run: error: log decay 'la' is {{.*}} at [0, {{.*}}], but must be finite and <= 0
// REDEFINE: %{arguments} = %s --entry=derived --target=reference
// RUN: %{run} DERIVED
// DERIVED: error: 'ssd.decay' op log decay (result of 'arith.negf') is 2 at [0, 0, 0], but must be finite and <= 0
// DERIVED-NOT: note: see current operation
// DERIVED: mamba-run: error: the reference interpreter rejects the function or its inputs
// REDEFINE: %{arguments} = %s --entry=mixer --input la=%golden/mamba2_t7/in_dt.npy --dim time=9
// RUN: %{run} TIME
// TIME: mamba-run: error: the array given for 'la' says time = 7, but --dim says 9
// REDEFINE: %{arguments} = %s --entry=mixer --target=reference --expect y=%golden/mamba2_t7/in_dt.npy
// RUN: %{run} EXPECT
// EXPECT: mamba-run: error: 'y' has shape 1x512x2x4, but {{.*}}in_dt.npy has 3x7x2
// REDEFINE: %{arguments} = %s --entry=mixer --target=reference --output y=%t/no/y.npy
// RUN: %{run} WRITE
// WRITE: mamba-run: error: {{.*}}y.npy': No such file
// REDEFINE: %{arguments} = %s --entry=mixer --target=reference --json=%t/no/run.json
// RUN: %{run} WRITEJSON
// WRITEJSON: mamba-run: error: {{.*}}run.json: No such file
// REDEFINE: %{arguments} = %s --entry=mixer --target=reference --verify --verify-limit=100
// RUN: %{run} LIMIT
// LIMIT: mamba-run: error: --verify: the token recurrence takes 8.{{.*}}e+03 multiply-adds, more than --verify-limit=1.00e+02, and there is no oracle but on a GPU
// REDEFINE: %{arguments} = %s --entry=mixer --target=reference --time --runs=0
// RUN: %{run} RUNS
// RUNS: mamba-run: error: --runs: at least 1 call is measured

func.func @mixer(%x: tensor<?x?x2x4xf32> {ssd.name = "x"},
                 %la: tensor<?x?x2xf32> {ssd.name = "la", ssd.init = "uniform -2 -1"})
    -> (tensor<?x?x2x4xf32> {ssd.name = "y"}) {
  %L = ssd.decay %la : tensor<?x?x2xf32>
  %y = ssd.apply %L, %x : !ssd.matrix<?x2x?, causal>, tensor<?x?x2x4xf32> -> tensor<?x?x2x4xf32>
  return %y : tensor<?x?x2x4xf32>
}

func.func @derived(%x: tensor<?x?x2x4xf32>, %r: tensor<?x?x2xf32> {ssd.init = "constant -2"})
    -> tensor<?x?x2x4xf32> {
  %la = arith.negf %r : tensor<?x?x2xf32>
  %L = ssd.decay %la : tensor<?x?x2xf32>
  %y = ssd.apply %L, %x : !ssd.matrix<?x2x?, causal>, tensor<?x?x2x4xf32> -> tensor<?x?x2x4xf32>
  return %y : tensor<?x?x2x4xf32>
}

func.func @integers(%x: tensor<?xi32>) {
  return
}

func.func @third(%x: tensor<?x?x?xf32>) {
  return
}

func.func @twins(%x: tensor<2xf32> {ssd.name = "x"}, %y: tensor<2xf32> {ssd.name = "x"}) {
  return
}
