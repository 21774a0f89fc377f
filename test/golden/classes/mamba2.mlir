// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Golden class "mamba2". ${x} is the type of array x; ${D.dims} is h or h, p;
// ${dt_low} and ${dt_high} are the option dt_limit, ${float} the type of x. Lines
// that end with "f32 only" or "16-bit only" are dropped for other types.

#bthp = affine_map<(b, t, h, p) -> (b, t, h, p)>
#skip = affine_map<(b, t, h, p) -> (${D.dims})>
#bth = affine_map<(b, t, h) -> (b, t, h)>
#h = affine_map<(b, t, h) -> (h)>

func.func @mamba2(%x: ${x} {ssd.name = "x"}, %dt_raw: ${dt} {ssd.name = "dt"},
                  %A: ${A} {ssd.name = "A"}, %B: ${B} {ssd.name = "B"},
                  %C: ${C} {ssd.name = "C"}, %D: ${D} {ssd.name = "D"},
                  %z: ${z} {ssd.name = "z"}, %bias: ${dt_bias} {ssd.name = "dt_bias"},
                  %S0: ${S0} {ssd.name = "S0"})
    -> (${y} {ssd.name = "y"}, ${S} {ssd.name = "S"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %x, %c0 : ${x}
  %time = tensor.dim %x, %c1 : ${x}
  %per_token = tensor.empty(%batch, %time) : ${dt}
  %dt = linalg.generic {indexing_maps = [#bth, #h, #bth],
                        iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt_raw, %bias : ${dt}, ${dt_bias}) outs(%per_token : ${dt}) {
  ^bb0(%raw: f32, %offset: f32, %out: f32):
    %large = arith.constant 20.0 : f32
    %low = arith.constant ${dt_low} : f32
    %high = arith.constant ${dt_high} : f32
    %u = arith.addf %raw, %offset : f32
    %exp = math.exp %u : f32
    %log = math.log1p %exp : f32
    %is_large = arith.cmpf ogt, %u, %large : f32
    %softplus = arith.select %is_large, %u, %log : f32
    %at_least = arith.maximumf %softplus, %low : f32
    %clamped = arith.minimumf %at_least, %high : f32
    linalg.yield %clamped : f32
  } -> ${dt}
  %log_decay = linalg.generic {
      indexing_maps = [#bth, #h, #bth],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt, %A : ${dt}, ${A}) outs(%per_token : ${dt}) {
  ^bb0(%step: f32, %rate: f32, %out: f32):
    %product = arith.mulf %step, %rate : f32
    linalg.yield %product : f32
  } -> ${dt}
  %L = ssd.decay %log_decay : ${dt}
  %G = ssd.low_rank %C, %B : ${C}, ${B}
  %K = ssd.hadamard %L, %G : !ssd.matrix<?x${H}x?, causal>, !ssd.matrix<?x${G}x?, full>
  %M = ssd.scale_columns %K, %dt : !ssd.matrix<?x${H}x?, causal>, ${dt}
  %mixed, %S = ssd.apply %M, %x init %S0
      : !ssd.matrix<?x${H}x?, causal>, ${x}, ${S0} -> tensor<?x?x${H}x${P}xf32>, ${S}
  %result = tensor.empty(%batch, %time) : ${y}
  %y = linalg.generic {
      indexing_maps = [#bthp, #bthp, #skip, #bthp, #bthp],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%mixed, %x, %D, %z : tensor<?x?x${H}x${P}xf32>, ${x}, ${D}, ${z})
      outs(%result : ${y}) {
  ^bb0(%m: f32, %x32: f32, %d: f32, %z32: f32, %out: f32): // f32 only
  ^bb0(%m: f32, %x16: ${float}, %d: f32, %z16: ${float}, %out: ${float}): // 16-bit only
    %x32 = arith.extf %x16 : ${float} to f32 // 16-bit only
    %z32 = arith.extf %z16 : ${float} to f32 // 16-bit only
    %one = arith.constant 1.0 : f32
    %scaled = arith.mulf %d, %x32 : f32
    %sum = arith.addf %m, %scaled : f32
    %minus = arith.negf %z32 : f32
    %exp = math.exp %minus : f32
    %denominator = arith.addf %one, %exp : f32
    %silu = arith.divf %z32, %denominator : f32
    %gated = arith.mulf %sum, %silu : f32
    linalg.yield %gated : f32 // f32 only
    %rounded = arith.truncf %gated : f32 to ${float} // 16-bit only
    linalg.yield %rounded : ${float} // 16-bit only
  } -> ${y}
  return %y, %S : ${y}, ${S}
}
