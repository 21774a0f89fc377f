// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Retention (RetNet, Sun et al. 2023), the core without rotation and group
// norm: 8 heads, queries and keys of 64, values of 128, a decay γ per head
// that is constant along time. Batch and time are dynamic; the state goes in
// and out, so that a sequence can be worked on in parts.
//
//   y_i = Σ_{j≤i} γ^{i−j} (q_i · k_j) v_j,   γ_h = 1 − 2^{−5−h}

func.func @retention(
    %q: tensor<?x?x8x64xbf16> {ssd.name = "q"},
    %k: tensor<?x?x8x64xbf16> {ssd.name = "k"},
    %v: tensor<?x?x8x128xbf16> {ssd.name = "v"},
    %S0: tensor<?x8x128x64xf32> {ssd.name = "S0"})
    -> (tensor<?x?x8x128xbf16> {ssd.name = "y"},
        tensor<?x8x128x64xf32> {ssd.name = "S"}) {
  // log γ_h
  %log_gamma = arith.constant dense<[
      -0.031748698314580298, -0.015748356968139112, -0.007843177461025893,
      -0.003913899321136329, -0.001955034835803351, -0.000977039647826613,
      -0.000488400498109, -0.000244170432174]> : tensor<8xf32>
  %L = ssd.decay %log_gamma : tensor<8xf32>
  %G = ssd.low_rank %q, %k : tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16>
  %M = ssd.hadamard %L, %G : !ssd.matrix<?x8x?, causal>, !ssd.matrix<?x8x?, full>
  %y, %S = ssd.apply %M, %v init %S0
      : !ssd.matrix<?x8x?, causal>, tensor<?x?x8x128xbf16>, tensor<?x8x128x64xf32>
      -> tensor<?x?x8x128xbf16>, tensor<?x8x128x64xf32>
  return %y, %S : tensor<?x?x8x128xbf16>, tensor<?x8x128x64xf32>
}
