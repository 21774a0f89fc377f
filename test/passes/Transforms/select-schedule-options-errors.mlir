// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: not mamba-opt %s -ssd-select-schedule=target=sm_70 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not mamba-opt %s -ssd-select-schedule=form=square 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not mamba-opt %s -ssd-select-schedule=weights=both 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// RUN: not mamba-opt %s -ssd-select-schedule=assume-length=0 2>&1 | FileCheck %s --check-prefix=ASSUME
// RUN: not mamba-opt %s -ssd-select-schedule=chunk=-64 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not mamba-opt %s -ssd-select-schedule="form=recurrent chunk=64" 2>&1 | FileCheck %s --check-prefix=FIT
// RUN: not mamba-opt %s -ssd-select-schedule=form=quadratic 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// RUN: not mamba-opt %s -ssd-select-schedule="target=sm_80 chunk=256" 2>&1 | FileCheck %s --check-prefix=CHUNK
// RUN: not mamba-opt %s -ssd-select-schedule="target=sm_80 chunk=128 weights=keys" 2>&1 | FileCheck %s --check-prefix=KEYS
// RUN: not mamba-opt %s -ssd-select-schedule="target=sm_80 chunk=16 weights=values" 2>&1 | FileCheck %s --check-prefix=VALUES
// RUN: not mamba-opt %s -ssd-select-schedule="target=sm_80 channels=72" 2>&1 | FileCheck %s --check-prefix=CHANNELS
// RUN: not mamba-opt %s -ssd-select-schedule="target=sm_80 consumers=1" 2>&1 | FileCheck %s --check-prefix=CONSUMERS
// RUN: not mamba-opt %s -ssd-select-schedule="target=sm_90a consumers=1 stages=2" 2>&1 | FileCheck %s --check-prefix=STAGES
// RUN: not mamba-opt %s -ssd-select-schedule="target=sm_80 segment=8 weights=keys" 2>&1 | FileCheck %s --check-prefix=PLAIN
// RUN: not mamba-opt %s -ssd-select-schedule=segment=8 2>&1 | FileCheck %s --check-prefix=PLAIN
// RUN: not mamba-opt %s -ssd-select-schedule=segment=-8 2>&1 | FileCheck %s --check-prefix=SEGMENT

// TARGET: error: ssd-select-schedule: unknown target 'sm_70'; known are cpu, sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_120
// FORM: error: ssd-select-schedule: unknown form 'square'; known are recurrent, chunked, quadratic
// WEIGHTS: error: ssd-select-schedule: unknown weights 'both'; known are values, keys
// ASSUME: error: ssd-select-schedule: assume-batch and assume-length must be at least 1, but are 1 and 0
// NEGATIVE: error: ssd-select-schedule: a forced number must not be negative, but one is -64
// SEGMENT: error: ssd-select-schedule: consumers and segment must be -1 (chosen) or more, but are -1 and -8
// PLAIN: error: {{.*}}has no legal schedule for {{sm_80|cpu}}: segments and ranges are of kernels with consumers or teams
// FIT: error: {{.*}}has no legal schedule for cpu: chunk 64 does not fit the form recurrent
// DYNAMIC: error: {{.*}}has no legal schedule for cpu
// DYNAMIC: note: quadratic: rejected, the length of the sequence is dynamic
// CHUNK: error: {{.*}}has no legal schedule for sm_80
// CHUNK: note: chunked, chunk 256: rejected, kernels have 4 warps of 16 token rows, 64 tokens a chunk
// CHUNK: note: chunked, chunk 256, with teams: rejected, {{[0-9]+}} registers a thread for scores and states of 256 tokens exceed 255
// KEYS: error: {{.*}}has no legal schedule for sm_80
// KEYS: note: chunked, chunk 128: rejected, kernels have 4 warps of 16 token rows, 64 tokens a chunk
// KEYS-NOT: note: chunked
// VALUES: note: chunked, chunk 16: rejected, kernels have 4 warps of 16 token rows, 64 tokens a chunk
// VALUES: note: chunked, chunk 16, with teams: rejected, kernels with teams have chunks of a multiple of 32 tokens
// CONSUMERS: error: {{.*}}has no legal schedule for sm_80: kernels with consumers are chunked and need products of a warpgroup
// STAGES: note: chunked, chunk 64, with roles: rejected, channels, warps, stages and weights of kernels with roles follow from their consumers and cannot be forced
// CHANNELS: note: chunked, chunk 64: rejected, 72 channels are not a multiple of 8 up to the headdim 64
// CHANNELS: note: chunked, chunk 64, with teams: rejected, 72 channels are not a multiple of 8 up to the headdim 64
func.func @f(%x: tensor<?x?x1x64xbf16>, %b: tensor<?x?x1x16xbf16>,
             %c: tensor<?x?x1x16xbf16>) -> tensor<?x?x1x64xf32> {
  %M = ssd.state_space %c, %b : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  %y = ssd.apply %M, %x : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x64xbf16>
      -> tensor<?x?x1x64xf32>
  return %y : tensor<?x?x1x64xf32>
}
