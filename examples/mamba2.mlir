// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The SSD layer of Mamba-2 (Dao and Gu 2024) at the size of the 130m model:
// 24 heads of 64 channels, states of 128, one group of B and C for all heads.
// Batch and time are dynamic.
//
//   dt = softplus(dt_raw + bias)
//   y  = (M diag(dt) x + D x) silu(z),  M_ij = (C_i · B_j) exp(Σ_{j<k≤i} A dt_k)

#bthp = affine_map<(b, t, h, p) -> (b, t, h, p)>
#per_head = affine_map<(b, t, h, p) -> (h)>
#bth = affine_map<(b, t, h) -> (b, t, h)>
#h = affine_map<(b, t, h) -> (h)>

func.func @mamba2(
    %x: tensor<?x?x24x64xbf16> {ssd.name = "x"},
    %dt_raw: tensor<?x?x24xf32> {ssd.name = "dt"},
    %A: tensor<24xf32> {ssd.name = "A", ssd.init = "uniform -16 -1"},
    %B: tensor<?x?x1x128xbf16> {ssd.name = "B"},
    %C: tensor<?x?x1x128xbf16> {ssd.name = "C"},
    %D: tensor<24xf32> {ssd.name = "D"},
    %z: tensor<?x?x24x64xbf16> {ssd.name = "z"},
    %bias: tensor<24xf32> {ssd.name = "dt_bias", ssd.init = "uniform -7 -2"},
    %S0: tensor<?x24x64x128xf32> {ssd.name = "S0"})
    -> (tensor<?x?x24x64xbf16> {ssd.name = "y"},
        tensor<?x24x64x128xf32> {ssd.name = "S"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x24x64xbf16>
  %time = tensor.dim %x, %c1 : tensor<?x?x24x64xbf16>
  %per_token = tensor.empty(%batch, %time) : tensor<?x?x24xf32>

  // The step dt, and the log decay A·dt ≤ 0. Beyond 20, softplus(u) is u.
  %dt = linalg.generic {indexing_maps = [#bth, #h, #bth],
                        iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt_raw, %bias : tensor<?x?x24xf32>, tensor<24xf32>)
      outs(%per_token : tensor<?x?x24xf32>) {
  ^bb0(%raw: f32, %offset: f32, %out: f32):
    %large = arith.constant 20.0 : f32
    %u = arith.addf %raw, %offset : f32
    %exp = math.exp %u : f32
    %log = math.log1p %exp : f32
    %is_large = arith.cmpf ogt, %u, %large : f32
    %softplus = arith.select %is_large, %u, %log : f32
    linalg.yield %softplus : f32
  } -> tensor<?x?x24xf32>
  %log_decay = linalg.generic {
      indexing_maps = [#bth, #h, #bth],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt, %A : tensor<?x?x24xf32>, tensor<24xf32>)
      outs(%per_token : tensor<?x?x24xf32>) {
  ^bb0(%step: f32, %rate: f32, %out: f32):
    %product = arith.mulf %step, %rate : f32
    linalg.yield %product : f32
  } -> tensor<?x?x24xf32>

  // The mixer, as a matrix along time.
  %L = ssd.decay %log_decay : tensor<?x?x24xf32>
  %G = ssd.low_rank %C, %B : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x24x?, causal>, !ssd.matrix<?x1x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x24x?, causal>, tensor<?x?x24xf32>
  %mixed, %S = ssd.apply %M, %x init %S0
      : !ssd.matrix<?x24x?, causal>, tensor<?x?x24x64xbf16>, tensor<?x24x64x128xf32>
      -> tensor<?x?x24x64xf32>, tensor<?x24x64x128xf32>

  // The skip D·x and the gate silu(z) = z / (1 + exp(−z)).
  %result = tensor.empty(%batch, %time) : tensor<?x?x24x64xbf16>
  %y = linalg.generic {
      indexing_maps = [#bthp, #bthp, #per_head, #bthp, #bthp],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%mixed, %x, %D, %z : tensor<?x?x24x64xf32>, tensor<?x?x24x64xbf16>,
                               tensor<24xf32>, tensor<?x?x24x64xbf16>)
      outs(%result : tensor<?x?x24x64xbf16>) {
  ^bb0(%m: f32, %x16: bf16, %d: f32, %z16: bf16, %out: bf16):
    %one = arith.constant 1.0 : f32
    %x32 = arith.extf %x16 : bf16 to f32
    %z32 = arith.extf %z16 : bf16 to f32
    %skip = arith.mulf %d, %x32 : f32
    %sum = arith.addf %m, %skip : f32
    %minus = arith.negf %z32 : f32
    %exp = math.exp %minus : f32
    %denominator = arith.addf %one, %exp : f32
    %silu = arith.divf %z32, %denominator : f32
    %gated = arith.mulf %sum, %silu : f32
    %rounded = arith.truncf %gated : f32 to bf16
    linalg.yield %rounded : bf16
  } -> tensor<?x?x24x64xbf16>
  return %y, %S : tensor<?x?x24x64xbf16>, tensor<?x24x64x128xf32>
}
