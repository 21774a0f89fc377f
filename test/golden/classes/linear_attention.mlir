// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Golden class "linear" without decay. ${x} is the type of array x.

func.func @linear_attention(%x: ${x} {ssd.name = "x"}, %B: ${B} {ssd.name = "B"},
                            %C: ${C} {ssd.name = "C"}, %S0: ${S0} {ssd.name = "S0"})
    -> (${y} {ssd.name = "y"}, ${S} {ssd.name = "S"}) {
  %I = ssd.causal : !ssd.matrix<?x1x?, causal>
  %G = ssd.low_rank %C, %B : ${C}, ${B}
  %M = ssd.hadamard %I, %G : !ssd.matrix<?x1x?, causal>, !ssd.matrix<?x${H}x?, full>
  %y, %S = ssd.apply %M, %x init %S0
      : !ssd.matrix<?x${H}x?, causal>, ${x}, ${S0} -> ${y}, ${S}
  return %y, %S : ${y}, ${S}
}
