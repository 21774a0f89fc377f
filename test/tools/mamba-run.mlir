// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Results written and read back are the same, whatever names them.
// RUN: rm -rf %t && mkdir %t
// RUN: mamba-run %s --entry=retention --target=reference --dim batch=2 --dim time=7 --seed=5 \
// RUN:   --output y=%t/y.npy --output 1=%t/S.npy
// RUN: mamba-run %s --entry=retention --target=reference --dim batch=2 --dim time=7 --seed=5 \
// RUN:   --expect 0=%t/y.npy --expect S=%t/S.npy --rtol=1e-7 --verify --time --runs=3 --json=%t/run.json \
// RUN:   | FileCheck %s --check-prefix=AGAIN
// RUN: FileCheck %s --check-prefix=JSON < %t/run.json
// RUN: mamba-run %s --entry=retention --time-compile | FileCheck %s --check-prefix=COMPILE
// COMPILE: compiled for this CPU
// COMPILE-NEXT: compile {{.*}} ms from text to code

// AGAIN: @retention on the float64 reference interpreter: batch 2, time 7, seed 5
// AGAIN-DAG: y error 0.00e+00 (limit 1.0e-07) against {{.*}}y.npy
// AGAIN-DAG: S error 0.00e+00 (limit 1.0e-07) against {{.*}}S.npy
// AGAIN-DAG: y error {{.*}}e-08 (limit 1.0e-07) against the reference interpreter
// AGAIN: time {{.*}} ms (median of 3, best
// AGAIN: memory {{.*}} GB/s
// JSON-DAG: "function": "retention"
// JSON-DAG: "passed": true
// JSON-DAG: "median_s":
// JSON-DAG: "runs": 3

// Sizes come from files; another seed gives other numbers, and they fail.
// RUN: not mamba-run %s --entry=retention --target=reference --input S0=%t/S.npy --dim time=7 --seed=6 \
// RUN:   --expect y=%t/y.npy | FileCheck %s --check-prefix=FAILED
// FAILED: batch 2, time 7, seed 6
// FAILED: y error {{.*}} (limit 2.0e-06) against {{.*}}y.npy FAILED, worst at [{{[0-9, ]*}}]: {{.*}}, not

// Inputs in bf16 allow for its rounding.
// RUN: mamba-run %s --entry=skip --target=reference --verify | FileCheck %s --check-prefix=BF16
// BF16: @skip on the float64 reference interpreter: batch 1, time 512
// BF16: 0 error {{.*}} (limit 4.0e-03) against the reference interpreter

// Arguments are drawn as their attributes say.
// RUN: mamba-run %s --entry=drawn --target=reference --dim batch=1 --dim time=3 --output 0=%t/sum.npy
// RUN: mamba-run %s --entry=seven --target=reference --expect 0=%t/sum.npy --rtol=0

func.func @retention(%x: tensor<?x?x2x4xf32> {ssd.name = "x"},
                     %b: tensor<?x?x1x3xf32>, %c: tensor<?x?x2x3xf32>,
                     %g: tensor<2xf32> {ssd.name = "log_gamma"},
                     %s: tensor<?x2x4x3xf32> {ssd.name = "S0"})
    -> (tensor<?x?x2x4xf32> {ssd.name = "y"},
        tensor<?x2x4x3xf32> {ssd.name = "S"}) {
  %M = ssd.state_space %c, %b decay %g : tensor<?x?x2x3xf32>, tensor<?x?x1x3xf32>, tensor<2xf32>
  %y, %t = ssd.apply %M, %x init %s
      : !ssd.matrix<?x2x?, causal>, tensor<?x?x2x4xf32>, tensor<?x2x4x3xf32>
      -> tensor<?x?x2x4xf32>, tensor<?x2x4x3xf32>
  return %y, %t : tensor<?x?x2x4xf32>, tensor<?x2x4x3xf32>
}

func.func @skip(%x: tensor<?x?xbf16>) -> tensor<?x?xbf16> {
  %y = arith.mulf %x, %x : tensor<?x?xbf16>
  return %y : tensor<?x?xbf16>
}

func.func @drawn(%x: tensor<?x?xf32> {ssd.init = "constant 3"},
                 %y: tensor<?x?xf32> {ssd.init = "uniform 4 4"}) -> tensor<?x?xf32> {
  %z = arith.addf %x, %y : tensor<?x?xf32>
  return %z : tensor<?x?xf32>
}

func.func @seven() -> tensor<1x3xf32> {
  %z = arith.constant dense<7.0> : tensor<1x3xf32>
  return %z : tensor<1x3xf32>
}
