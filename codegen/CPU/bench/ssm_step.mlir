// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The same for one token, as generation needs it: compiled for that length, the
// recurrent form is chosen.

#bth = affine_map<(b, t, h) -> (b, t, h)>
#h = affine_map<(b, t, h) -> (h)>
func.func @ssm_step(
    %x: tensor<?x1x48x64xf32> {ssd.name = "x"},
    %dt_raw: tensor<?x1x48xf32> {ssd.name = "dt"},
    %A: tensor<48xf32> {ssd.name = "A", ssd.init = "uniform -16 -1"},
    %B: tensor<?x1x1x128xf32> {ssd.name = "B"},
    %C: tensor<?x1x1x128xf32> {ssd.name = "C"},
    %S0: tensor<?x48x64x128xf32> {ssd.name = "S0"})
    -> (tensor<?x1x48x64xf32> {ssd.name = "y"},
        tensor<?x48x64x128xf32> {ssd.name = "S"}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x1x48x64xf32>
  %per_token = tensor.empty(%batch) : tensor<?x1x48xf32>
  %dt = linalg.generic {indexing_maps = [#bth, #bth],
                        iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt_raw : tensor<?x1x48xf32>) outs(%per_token : tensor<?x1x48xf32>) {
  ^bb0(%u: f32, %out: f32):
    %large = arith.constant 20.0 : f32
    %exp = math.exp %u : f32
    %log = math.log1p %exp : f32
    %is_large = arith.cmpf ogt, %u, %large : f32
    %softplus = arith.select %is_large, %u, %log : f32
    linalg.yield %softplus : f32
  } -> tensor<?x1x48xf32>
  %log_decay = linalg.generic {indexing_maps = [#bth, #h, #bth],
                               iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt, %A : tensor<?x1x48xf32>, tensor<48xf32>)
      outs(%per_token : tensor<?x1x48xf32>) {
  ^bb0(%step: f32, %rate: f32, %out: f32):
    %product = arith.mulf %step, %rate : f32
    linalg.yield %product : f32
  } -> tensor<?x1x48xf32>
  %L = ssd.decay %log_decay : tensor<?x1x48xf32>
  %G = ssd.low_rank %C, %B : tensor<?x1x1x128xf32>, tensor<?x1x1x128xf32>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x48x1, causal>, !ssd.matrix<?x1x1, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x48x1, causal>, tensor<?x1x48xf32>
  %y, %S = ssd.apply %M, %x init %S0
      : !ssd.matrix<?x48x1, causal>, tensor<?x1x48x64xf32>, tensor<?x48x64x128xf32>
      -> tensor<?x1x48x64xf32>, tensor<?x48x64x128xf32>
  return %y, %S : tensor<?x1x48x64xf32>, tensor<?x48x64x128xf32>
}
