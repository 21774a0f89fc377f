// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/MixerPrograms.h"

namespace mamba::test {

std::string instantiate(std::string text, const Sizes &s) {
  std::string heads = std::to_string(s.heads), type = s.type;
  std::string x =
      "tensor<?x?x" + heads + "x" + std::to_string(s.channels) + "x";
  std::string groups = std::to_string(s.groups);
  std::string states = std::to_string(s.states);
  const std::pair<std::string, std::string> names[] = {
      {"{x}", x + type + ">"},
      {"{y32}", x + "f32>"},
      {"{token}", "tensor<?x?x" + heads + "xf32>"},
      {"{key}", "tensor<?x?x" + groups + "x" + states + "x" + type + ">"},
      {"{state}", "tensor<?x" + heads + "x" + std::to_string(s.channels) + "x" +
                      states + "xf32>"},
      {"{head}", "tensor<" + heads + "xf32>"},
      {"{L}", "!ssd.matrix<?x" + heads + "x?, causal>"},
      {"{U}", "!ssd.matrix<?x" + heads + "x?, anticausal>"},
      {"{S}", "!ssd.matrix<?x" + heads + "x?, causal, strict>"},
      {"{G}", "!ssd.matrix<?x" + groups + "x?, full>"},
      {"{T}", type}};
  for (const auto &[name, with] : names)
    for (size_t at; (at = text.find(name)) != std::string::npos;)
      text.replace(at, name.size(), with);
  return text;
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

const char *const kMamba2 = R"mlir(
#bthp = affine_map<(b, t, h, p) -> (b, t, h, p)>
#per_head = affine_map<(b, t, h, p) -> (h)>
#bth = affine_map<(b, t, h) -> (b, t, h)>
#h = affine_map<(b, t, h) -> (h)>
func.func @mamba2(%x: {x} {ssd.name = "x"}, %raw: {token} {ssd.name = "dt"},
    %A: {head} {ssd.name = "A"}, %B: {key} {ssd.name = "B"},
    %C: {key} {ssd.name = "C"}, %D: {head} {ssd.name = "D"},
    %z: {x} {ssd.name = "z"}, %bias: {head} {ssd.name = "bias"},
    %S0: {state} {ssd.name = "S0"})
    -> ({x} {ssd.name = "y"}, {state} {ssd.name = "S"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : {x}
  %t = tensor.dim %x, %c1 : {x}
  %per_token = tensor.empty(%b, %t) : {token}
  %dt = linalg.generic {indexing_maps = [#bth, #h, #bth],
                        iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%raw, %bias : {token}, {head}) outs(%per_token : {token}) {
  ^bb0(%r: f32, %offset: f32, %out: f32):
    %large = arith.constant 20.0 : f32
    %u = arith.addf %r, %offset : f32
    %exp = math.exp %u : f32
    %log = math.log1p %exp : f32
    %is_large = arith.cmpf ogt, %u, %large : f32
    %softplus = arith.select %is_large, %u, %log : f32
    linalg.yield %softplus : f32
  } -> {token}
  %decay = linalg.generic {indexing_maps = [#bth, #h, #bth],
                           iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt, %A : {token}, {head}) outs(%per_token : {token}) {
  ^bb0(%step: f32, %rate: f32, %out: f32):
    %product = arith.mulf %step, %rate : f32
    linalg.yield %product : f32
  } -> {token}
  %L = ssd.decay %decay : {token}
  %G = ssd.low_rank %C, %B : {key}, {key}
  %K = ssd.hadamard %L, %G : {L}, {G}
  %M = ssd.scale_columns %K, %dt : {L}, {token}
  %mixed, %S = ssd.apply %M, %x init %S0 : {L}, {x}, {state} -> {y32}, {state}
  %result = tensor.empty(%b, %t) : {x}
  %y = linalg.generic {
      indexing_maps = [#bthp, #bthp, #per_head, #bthp, #bthp],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%mixed, %x, %D, %z : {y32}, {x}, {head}, {x}) outs(%result : {x}) {
  ^bb0(%m: f32, %x16: {T}, %d: f32, %z16: {T}, %out: {T}):
    %one = arith.constant 1.0 : f32
    %x32 = arith.extf %x16 : {T} to f32
    %z32 = arith.extf %z16 : {T} to f32
    %skip = arith.mulf %d, %x32 : f32
    %sum = arith.addf %m, %skip : f32
    %minus = arith.negf %z32 : f32
    %exp = math.exp %minus : f32
    %denominator = arith.addf %one, %exp : f32
    %silu = arith.divf %z32, %denominator : f32
    %gated = arith.mulf %sum, %silu : f32
    %rounded = arith.truncf %gated : f32 to {T}
    linalg.yield %rounded : {T}
  } -> {x}
  return %y, %S : {x}, {state}
})mlir";

/// The mixer of Mamba-2 by itself: steps, initial and final state.
const char *const kMixer = R"mlir(
func.func @mixer(%x: {x} {ssd.name = "x"}, %a: {token} {ssd.name = "decay"},
    %dt: {token} {ssd.name = "step"}, %B: {key} {ssd.name = "B"},
    %C: {key} {ssd.name = "C"}, %S0: {state} {ssd.name = "S0"})
    -> ({x} {ssd.name = "y"}, {state} {ssd.name = "S"}) {
  %L = ssd.decay %a : {token}
  %G = ssd.low_rank %C, %B : {key}, {key}
  %K = ssd.hadamard %L, %G : {L}, {G}
  %M = ssd.scale_columns %K, %dt : {L}, {token}
  %y, %S = ssd.apply %M, %x init %S0 : {L}, {x}, {state} -> {x}, {state}
  return %y, %S : {x}, {state}
})mlir";

/// The same, its result unrounded.
const char *const kWideMixer = R"mlir(
func.func @wide_mixer(%x: {x} {ssd.name = "x"},
    %a: {token} {ssd.name = "decay"}, %dt: {token} {ssd.name = "step"},
    %B: {key} {ssd.name = "B"}, %C: {key} {ssd.name = "C"},
    %S0: {state} {ssd.name = "S0"})
    -> ({y32} {ssd.name = "y"}, {state} {ssd.name = "S"}) {
  %L = ssd.decay %a : {token}
  %G = ssd.low_rank %C, %B : {key}, {key}
  %K = ssd.hadamard %L, %G : {L}, {G}
  %M = ssd.scale_columns %K, %dt : {L}, {token}
  %y, %S = ssd.apply %M, %x init %S0 : {L}, {x}, {state} -> {y32}, {state}
  return %y, %S : {y32}, {state}
})mlir";

/// Without steps and states.
const char *const kDecayOnly = R"mlir(
func.func @decay_only(%x: {x} {ssd.name = "x"},
    %a: {token} {ssd.name = "decay"}, %B: {key} {ssd.name = "B"},
    %C: {key} {ssd.name = "C"}) -> ({x} {ssd.name = "y"}) {
  %L = ssd.decay %a : {token}
  %G = ssd.low_rank %C, %B : {key}, {key}
  %M = ssd.hadamard %L, %G : {L}, {G}
  %y = ssd.apply %M, %x : {L}, {x} -> {x}
  return %y : {x}
})mlir";

const char *const kLinearAttention = R"mlir(
func.func @linear_attention(%q: {key} {ssd.name = "C"},
    %k: {key} {ssd.name = "B"}, %v: {x} {ssd.name = "x"})
    -> ({x} {ssd.name = "y"}) {
  %I = ssd.causal : !ssd.matrix<?x1x?, causal>
  %G = ssd.low_rank %q, %k : {key}, {key}
  %M = ssd.hadamard %I, %G : !ssd.matrix<?x1x?, causal>, {G}
  %y = ssd.apply %M, %v : {L}, {x} -> {x}
  return %y : {x}
})mlir";

const char *const kRetention = R"mlir(
func.func @retention(%q: {key} {ssd.name = "C"}, %k: {key} {ssd.name = "B"},
    %v: {x} {ssd.name = "x"}, %S0: {state} {ssd.name = "S0"})
    -> ({x} {ssd.name = "y"}, {state} {ssd.name = "S"}) {
  %gamma = arith.constant dense<[-0.0317, -0.0157]> : {head}
  %L = ssd.decay %gamma : {head}
  %G = ssd.low_rank %q, %k : {key}, {key}
  %M = ssd.hadamard %L, %G : {L}, {G}
  %y, %S = ssd.apply %M, %v init %S0 : {L}, {x}, {state} -> {x}, {state}
  return %y, %S : {x}, {state}
})mlir";

/// Every token sees those behind it, which are walked from the last on.
const char *const kBackwards = R"mlir(
func.func @backwards(%x: {x} {ssd.name = "x"},
    %a: {token} {ssd.name = "decay"}, %dt: {token} {ssd.name = "step"},
    %B: {key} {ssd.name = "B"}, %C: {key} {ssd.name = "C"})
    -> ({x} {ssd.name = "y"}) {
  %L = ssd.decay %a : {token}
  %G = ssd.low_rank %C, %B : {key}, {key}
  %K = ssd.hadamard %L, %G : {L}, {G}
  %M = ssd.scale_columns %K, %dt : {L}, {token}
  %T = ssd.transpose %M : {L}
  %y = ssd.apply %T, %x : {U}, {x} -> {x}
  return %y : {x}
})mlir";

/// No token sees itself.
const char *const kStrict = R"mlir(
func.func @strict(%x: {x} {ssd.name = "x"}, %a: {token} {ssd.name = "decay"},
    %B: {key} {ssd.name = "B"}, %C: {key} {ssd.name = "C"})
    -> ({x} {ssd.name = "y"}) {
  %M = ssd.state_space %C, %B decay %a strict : {key}, {key}, {token}
  %y = ssd.apply %M, %x : {S}, {x} -> {x}
  return %y : {x}
})mlir";

/// Decays in [−`rate`, 0], steps in [0, 0.1], dt's bias around −4.
Fill decays(double rate) {
  return [=](llvm::StringRef name, std::vector<double> &values) {
    for (double &value : values) {
      double part = std::fabs(std::fmod(value, 1));
      if (name == "decay")
        value = -rate * part;
      else if (name == "step")
        value = 0.1 * part;
      else if (name == "A")
        value = -1 - rate * part;
      else if (name == "bias")
        value = -4 + value;
    }
  };
}

/// The same, but `name` is `value` everywhere.
Fill constant(llvm::StringRef name, double value) {
  return [=, fill = decays(0.5)](llvm::StringRef input,
                                 std::vector<double> &values) {
    fill(input, values);
    if (input == name)
      llvm::fill(values, value);
  };
}

} // namespace mamba::test
