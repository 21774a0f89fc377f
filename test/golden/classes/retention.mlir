// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Golden class "linear" with a decay per head that is constant along time.
// ${x} is the type of array x.

func.func @retention(%x: ${x} {ssd.name = "x"}, %B: ${B} {ssd.name = "B"},
                     %C: ${C} {ssd.name = "C"}, %S0: ${S0} {ssd.name = "S0"},
                     %log_gamma: ${log_gamma} {ssd.name = "log_gamma"})
    -> (${y} {ssd.name = "y"}, ${S} {ssd.name = "S"}) {
  %L = ssd.decay %log_gamma : ${log_gamma}
  %G = ssd.low_rank %C, %B : ${C}, ${B}
  %M = ssd.hadamard %L, %G : !ssd.matrix<?x${H}x?, causal>, !ssd.matrix<?x${H}x?, full>
  %y, %S = ssd.apply %M, %x init %S0
      : !ssd.matrix<?x${H}x?, causal>, ${x}, ${S0} -> ${y}, ${S}
  return %y, %S : ${y}, ${S}
}
