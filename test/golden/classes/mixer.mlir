// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Golden class "mixer": x, B and C with head counts of their own. ${x} is the
// type of array x.

func.func @mixer(%x: ${x} {ssd.name = "x"}, %B: ${B} {ssd.name = "B"},
                 %C: ${C} {ssd.name = "C"}, %la: ${la} {ssd.name = "la"},
                 %S0: ${S0} {ssd.name = "S0"})
    -> (${y} {ssd.name = "y"}, ${S} {ssd.name = "S"}) {
  %M = ssd.state_space %C, %B decay %la : ${C}, ${B}, ${la}
  %y, %S = ssd.apply %M, %x init %S0
      : !ssd.matrix<?x${H}x?, causal>, ${x}, ${S0} -> ${y}, ${S}
  return %y, %S : ${y}, ${S}
}
