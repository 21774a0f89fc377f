// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics -allow-unregistered-dialect

// A matrix is no function argument.
func.func @f(%M: !ssd.matrix<?x4x?, causal>) {
  // expected-error @below {{matrix values cannot be function or block arguments}}
  %0 = ssd.transpose %M : !ssd.matrix<?x4x?, causal>
  return
}

// -----
// Nor an argument of a block that ssd.apply reads.
func.func @f(%M: !ssd.matrix<?x4x?, causal>, %x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{matrix values cannot be function or block arguments}}
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----
// It is not returned.
func.func @f(%a: tensor<?x?x4xf32>) -> !ssd.matrix<?x4x?, causal> {
  // expected-error @below {{result is a matrix value, which cannot leave its block or be used by 'func.return'}}
  %L = ssd.decay %a : tensor<?x?x4xf32>
  return %L : !ssd.matrix<?x4x?, causal>
}

// -----
// It is not used in another block.
func.func @f(%a: tensor<?x?x4xf32>) {
  // expected-error @below {{result is a matrix value, which cannot leave its block or be used by 'ssd.transpose'}}
  %L = ssd.decay %a : tensor<?x?x4xf32>
  "test.branch"()[^next] : () -> ()
^next:
  %0 = ssd.transpose %L : !ssd.matrix<?x4x?, causal>
  return
}

// -----
// Type: three sizes
func.func private @f(
    // expected-error @below {{a matrix type has three sizes (batch, heads, time), but got 2}}
    !ssd.matrix<?x4, causal>)

// -----
// Type: support
func.func private @f(
    // expected-error @below {{expected causal, anticausal or full, got 'upper'}}
    !ssd.matrix<?x4x?, upper>)

// -----
// Type: heads
func.func private @f(
    // expected-error @below {{the head count of a matrix must be static and positive}}
    !ssd.matrix<?x?x?, causal>)

// -----
// Type: strict
func.func private @f(
    // expected-error @below {{a full matrix cannot be strict}}
    !ssd.matrix<?x4x?, full, strict>)

// -----
// schedule: chunk
// expected-error @below {{chunk must be at least 1, but is 0}}
func.func private @f() attributes {s = #ssd.schedule<form = chunked, chunk = 0, sub_block = 1, operand = f32>}

// -----
// schedule: recurrent
// expected-error @below {{the recurrent form has chunks of 1 token, but chunk is 4}}
func.func private @f() attributes {s = #ssd.schedule<form = recurrent, chunk = 4, sub_block = 1, operand = f32>}

// -----
// schedule: sub_block
// expected-error @below {{sub_block must be in 1..16, but is 32}}
func.func private @f() attributes {s = #ssd.schedule<form = chunked, chunk = 16, sub_block = 32, operand = f32>}

// -----
// schedule: operand
// expected-error @below {{operand must be bf16, f16 or f32, but is 'f64'}}
func.func private @f() attributes {s = #ssd.schedule<form = chunked, chunk = 16, sub_block = 16, operand = f64>}

// -----
// schedule: negative
// expected-error @below {{channels, warps, stages, consumers and segment must not be negative}}
func.func private @f() attributes {s = #ssd.schedule<form = chunked, chunk = 16, sub_block = 16, operand = f32, warps = -4>}

// -----
// schedule: alternatives
// expected-error @below {{an alternative has 1 consumers and segments of 0 chunks, beside 0 consumers of the schedule; all or none of the kernels have consumers}}
func.func private @f() attributes {s = #ssd.schedule<form = chunked, chunk = 16, sub_block = 16, operand = bf16, alternatives = [consumers 1]>}

// -----
// schedule: alternatives
// expected-error @below {{two kernels have 2 consumers and segments of 8 chunks}}
func.func private @f() attributes {s = #ssd.schedule<form = chunked, chunk = 16, sub_block = 16, operand = bf16, consumers = 2, alternatives = [consumers 1, consumers 2 segment 8, consumers 2 segment 8]>}

// -----
// schedule: alternatives
// expected-error @below {{an alternative has consumers or a segment}}
// expected-error @below {{failed to parse Ssd_ScheduleAttr parameter 'alternatives'}}
func.func private @f() attributes {s = #ssd.schedule<form = chunked, chunk = 16, sub_block = 16, operand = bf16, consumers = 2, alternatives = [consumer 1]>}

// -----
// schedule: segment
// expected-error @below {{only chunked kernels have segments and alternatives}}
func.func private @f() attributes {s = #ssd.schedule<form = recurrent, chunk = 1, sub_block = 1, operand = f32, segment = 8>}
