// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{unknown attribute 'ssd.nme'}}
func.func @unknown(%x: tensor<2xf32> {ssd.nme = "x"}) {
  return
}

// -----

// expected-error@+1 {{'ssd.name' must be a non-empty string, but is 3 : i64}}
func.func @name_is_a_string(%x: tensor<2xf32> {ssd.name = 3}) {
  return
}

// -----

// expected-error@+1 {{'ssd.init' must be a non-empty string, but is ""}}
func.func @init_is_not_empty(%x: tensor<2xf32> {ssd.init = ""}) {
  return
}

// -----

// expected-error@+1 {{unknown attribute 'ssd.init'}}
func.func @results_have_no_init(%x: tensor<2xf32>) -> (tensor<2xf32> {ssd.init = "normal"}) {
  return %x : tensor<2xf32>
}
