// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-select-schedule -remarks-filter=ssd-select-schedule -remark-format=emitRemark 2>&1 >/dev/null | FileCheck %s --check-prefix=CPU --implicit-check-not=remark:
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_90a" -remarks-filter=ssd-select-schedule -remark-format=emitRemark 2>&1 >/dev/null | FileCheck %s --check-prefix=GPU --implicit-check-not=remark:
// RUN: mamba-opt %s -ssd-select-schedule="target=sm_80 weights=values" -remarks-filter=ssd-select-schedule -remark-format=emitRemark 2>&1 >/dev/null | FileCheck %s --check-prefix=VALUES
// RUN: not mamba-opt %s -ssd-select-schedule="form=quadratic" -remarks-filter=ssd-select-schedule -remark-format=emitRemark 2>&1 >/dev/null | FileCheck %s --check-prefix=ONE --implicit-check-not=remark:

// Every candidate is one remark: a time, or the number that rejected it.
// CPU-DAG: remark: [Missed]{{.*}}recurrent: {{[0-9.]+}} us predicted
// CPU-DAG: remark: [Missed]{{.*}}chunked, chunk {{16|32|64}}: {{[0-9.]+}} us predicted
// CPU-DAG: remark: [Passed]{{.*}}chunked, chunk {{16|32|64}} on cpu: {{[0-9.]+}} us predicted; 1362 kB
// CPU-DAG: remark: [Missed]{{.*}}chunked, chunk {{16|32|64}}: {{[0-9.]+}} us predicted
// CPU-DAG: remark: [Missed]{{.*}}chunked, chunk 128: {{[0-9.]+}} us predicted
// CPU-DAG: remark: [Missed]{{.*}}chunked, chunk 256: {{[0-9.]+}} us predicted
// CPU-DAG: remark: [Missed]{{.*}}quadratic: rejected, {{[0-9]+}} B of tiles exceed 2097152 B

// GPU-DAG: remark: [Analysis]{{.*}}predicted 192 registers a thread (limit 255), 107520 B of shared memory (limit 232448 B)
// GPU-DAG: remark: [Analysis]{{.*}}2 teams of 2 warps, predicted 200 registers a thread (limit 255), 56840 B of shared memory (limit 232448 B)
// GPU-DAG: remark: [Analysis]{{.*}}2 teams of 2 warps, predicted 232 registers a thread (limit 255), 121864 B of shared memory (limit 232448 B)
// GPU-DAG: remark: [Analysis]{{.*}}2 teams of 4 warps, predicted 168 registers a thread (limit 255), 178184 B of shared memory (limit 232448 B)
// GPU-DAG: remark: [Missed]{{.*}}recurrent: {{[0-9.]+}} us predicted
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 16: rejected, kernels have 4 warps of 16 token rows, 64 tokens a chunk
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 16, with teams: rejected, kernels with teams have chunks of a multiple of 32 tokens
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 32: rejected
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 32, with teams: {{[0-9.]+}} us predicted
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 64: {{[0-9.]+}} us predicted
// GPU-DAG: remark: [Passed]{{.*}}chunked, chunk 64, with teams on sm_90a: {{[0-9.]+}} us predicted
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 64, with roles: rejected, output 0 is not a 16-bit tensor over channels
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 128: rejected
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 128, with teams: {{[0-9.]+}} us predicted
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 256: rejected
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 256, with teams: rejected, 616 registers a thread for scores and states of 256 tokens exceed 255
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 16, with roles: rejected, chunks of 16 tokens, kernels with roles have 64
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 32, with roles: rejected, chunks of 32 tokens, kernels with roles have 64
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 128, with roles: rejected, chunks of 128 tokens, kernels with roles have 64
// GPU-DAG: remark: [Missed]{{.*}}chunked, chunk 256, with roles: rejected, chunks of 256 tokens, kernels with roles have 64
// GPU-DAG: remark: [Missed]{{.*}}quadratic: rejected

// Only kernels with teams put the weights on the values.
// VALUES-DAG: remark: [Passed]{{.*}}with teams on sm_80: {{[0-9.]+}} us predicted
// VALUES-DAG: remark: [Missed]{{.*}}chunked, chunk 64: rejected, kernels without teams put the state weights on the keys

// ONE: remark: [Missed]{{.*}}quadratic: rejected, {{[0-9]+}} B of tiles exceed 2097152 B
// ONE: error: {{.*}}has no legal schedule for cpu
// ONE: note: quadratic: rejected, {{[0-9]+}} B of tiles exceed 2097152 B
func.func @mamba2(%x: tensor<1x1000x2x64xbf16>, %dt: tensor<1x1000x2xf32>,
                  %a: tensor<1x1000x2xf32>, %b: tensor<1x1000x1x128xbf16>,
                  %c: tensor<1x1000x1x128xbf16>, %s0: tensor<1x2x64x128xf32>)
    -> tensor<1x1000x2x64xf32> {
  %M = ssd.state_space %c, %b decay %a : tensor<1x1000x1x128xbf16>,
      tensor<1x1000x1x128xbf16>, tensor<1x1000x2xf32>
  %S = ssd.scale_columns %M, %dt : !ssd.matrix<1x2x1000, causal>, tensor<1x1000x2xf32>
  %y = ssd.apply %S, %x init %s0 : !ssd.matrix<1x2x1000, causal>,
      tensor<1x1000x2x64xbf16>, tensor<1x2x64x128xf32> -> tensor<1x1000x2x64xf32>
  return %y : tensor<1x1000x2x64xf32>
}
