// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What ggml's SSM_SCAN computes (Mamba-2, one group, f32), for tools/bench-ggml:
// 48 heads of 64 channels, states of 128, softplus of the step included.

#bth = affine_map<(b, t, h) -> (b, t, h)>
#h = affine_map<(b, t, h) -> (h)>
func.func @ssm_scan(
    %x: tensor<?x?x48x64xf32> {ssd.name = "x"},
    %dt_raw: tensor<?x?x48xf32> {ssd.name = "dt"},
    %A: tensor<48xf32> {ssd.name = "A", ssd.init = "uniform -16 -1"},
    %B: tensor<?x?x1x128xf32> {ssd.name = "B"},
    %C: tensor<?x?x1x128xf32> {ssd.name = "C"},
    %S0: tensor<?x48x64x128xf32> {ssd.name = "S0"})
    -> (tensor<?x?x48x64xf32> {ssd.name = "y"},
        tensor<?x48x64x128xf32> {ssd.name = "S"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x48x64xf32>
  %time = tensor.dim %x, %c1 : tensor<?x?x48x64xf32>
  %per_token = tensor.empty(%batch, %time) : tensor<?x?x48xf32>
  %dt = linalg.generic {indexing_maps = [#bth, #bth],
                        iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt_raw : tensor<?x?x48xf32>) outs(%per_token : tensor<?x?x48xf32>) {
  ^bb0(%u: f32, %out: f32):
    %large = arith.constant 20.0 : f32
    %exp = math.exp %u : f32
    %log = math.log1p %exp : f32
    %is_large = arith.cmpf ogt, %u, %large : f32
    %softplus = arith.select %is_large, %u, %log : f32
    linalg.yield %softplus : f32
  } -> tensor<?x?x48xf32>
  %log_decay = linalg.generic {indexing_maps = [#bth, #h, #bth],
                               iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt, %A : tensor<?x?x48xf32>, tensor<48xf32>)
      outs(%per_token : tensor<?x?x48xf32>) {
  ^bb0(%step: f32, %rate: f32, %out: f32):
    %product = arith.mulf %step, %rate : f32
    linalg.yield %product : f32
  } -> tensor<?x?x48xf32>
  %L = ssd.decay %log_decay : tensor<?x?x48xf32>
  %G = ssd.low_rank %C, %B : tensor<?x?x1x128xf32>, tensor<?x?x1x128xf32>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x48x?, causal>, !ssd.matrix<?x1x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x48x?, causal>, tensor<?x?x48xf32>
  %y, %S = ssd.apply %M, %x init %S0
      : !ssd.matrix<?x48x?, causal>, tensor<?x?x48x64xf32>, tensor<?x48x64x128xf32>
      -> tensor<?x?x48x64xf32>, tensor<?x48x64x128xf32>
  return %y, %S : tensor<?x?x48x64xf32>, tensor<?x48x64x128xf32>
}
