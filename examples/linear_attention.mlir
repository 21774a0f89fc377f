// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Causal linear attention (Katharopoulos et al. 2020) without normalisation:
// 16 heads, queries and keys of 64, values of 64. Batch and time are dynamic.
//
//   y_i = Σ_{j≤i} (q_i · k_j) v_j

func.func @linear_attention(
    %q: tensor<?x?x16x64xbf16> {ssd.name = "q"},
    %k: tensor<?x?x16x64xbf16> {ssd.name = "k"},
    %v: tensor<?x?x16x64xbf16> {ssd.name = "v"})
    -> (tensor<?x?x16x64xbf16> {ssd.name = "y"}) {
  %I = ssd.causal : !ssd.matrix<?x1x?, causal>
  %G = ssd.low_rank %q, %k : tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>
  %M = ssd.hadamard %I, %G : !ssd.matrix<?x1x?, causal>, !ssd.matrix<?x16x?, full>
  %y = ssd.apply %M, %v : !ssd.matrix<?x16x?, causal>, tensor<?x?x16x64xbf16> -> tensor<?x?x16x64xbf16>
  return %y : tensor<?x?x16x64xbf16>
}
