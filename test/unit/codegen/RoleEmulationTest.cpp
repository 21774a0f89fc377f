// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers of the warp-specialised kernels of sm_90a, without a GPU.

#include "test/unit/codegen/RoleHarness.h"

using namespace mamba;
using namespace mamba::test;

namespace {

struct Sizes {
  int64_t heads, groups, channels, states;
  const char *type = "bf16";
};

/// Replaces `{name}` by sizes and types.
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

RoleProgram program(const char *text, const Sizes &sizes, int64_t consumers) {
  return {instantiate(text, sizes), consumers,
          llvm::StringRef(sizes.type) == "f16"};
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

using Lengths = std::initializer_list<int64_t>;

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

void check(const char *text, const Sizes &sizes, int64_t consumers,
           Lengths lengths, int64_t batch = 1, Fill fill = decays(0.5)) {
  RoleRunner runner(program(text, sizes, consumers));
  runner.fill = std::move(fill);
  for (int64_t length : lengths)
    runner.check(batch, length);
}

/// With every number of gangs.
void checkDivisions(const char *text, const Sizes &sizes, int64_t consumers,
                    int64_t batch, int64_t length, Lengths groups) {
  RoleRunner runner(program(text, sizes, consumers));
  runner.fill = decays(0.05);
  for (int64_t count : groups)
    runner.check(batch, length, count);
}

//===----------------------------------------------------------------------===//
// Programs and sizes
//===----------------------------------------------------------------------===//

// Lengths around the chunk of 64.
TEST(RoleEmulation, Mixer) {
  check(kMixer, {2, 1, 64, 64}, 2, {1, 63, 64, 65, 200, 257});
}

TEST(RoleEmulation, MixerWithoutSteps) {
  check(kDecayOnly, {2, 1, 64, 64}, 2, {1, 65, 200});
}

TEST(RoleEmulation, Mamba2) {
  check(kMamba2, {2, 1, 64, 128}, 2, {1, 65, 200});
  check(kMamba2, {3, 3, 40, 16}, 1, {64, 200});
}

TEST(RoleEmulation, Backwards) {
  check(kBackwards, {2, 1, 64, 64}, 2, {1, 65, 200});
  checkDivisions(kBackwards, {2, 1, 64, 64}, 2, 3, 200, {2, 6});
}

TEST(RoleEmulation, Strict) { check(kStrict, {2, 1, 64, 64}, 2, {65, 200}); }

TEST(RoleEmulation, LinearAttention) {
  check(kLinearAttention, {2, 2, 64, 64}, 1, {63, 200});
}

TEST(RoleEmulation, Retention) {
  check(kRetention, {2, 2, 128, 64}, 2, {63, 200});
}

TEST(RoleEmulation, HalfPrecision) {
  check(kMixer, {2, 1, 16, 16, "f16"}, 2, {7, 100}, /*batch=*/2);
}

TEST(RoleEmulation, SizesBesideThePanels) {
  check(kMixer, {4, 2, 40, 24}, 2, {70});
  check(kMixer, {2, 1, 16, 128}, 1, {70});
}

TEST(RoleEmulation, HeadsInSlices) {
  check(kMixer, {3, 3, 96, 64}, 2, {65});
  check(kMixer, {2, 1, 128, 128}, 2, {130});
  check(kMamba2, {2, 1, 96, 64}, 2, {130});
}

TEST(RoleEmulation, WideStates) { check(kMixer, {2, 1, 64, 256}, 1, {1, 130}); }

//===----------------------------------------------------------------------===//
// Division of the work
//===----------------------------------------------------------------------===//

// Three sequences of four chunks: a gang each, ranges that begin and end inside
// of sequences, sequences cut into segments.
TEST(RoleEmulation, Ranges) {
  checkDivisions(kMixer, {2, 1, 64, 64}, 2, 3, 200, {1, 2, 3});
  checkDivisions(kDecayOnly, {3, 3, 64, 16}, 1, 1, 257, {2});
}

TEST(RoleEmulation, Segments) {
  checkDivisions(kMixer, {2, 1, 64, 64}, 2, 3, 200, {6, 9, 12});
  checkDivisions(kMamba2, {4, 2, 64, 128}, 2, 1, 257, {4, 10});
  checkDivisions(kRetention, {2, 2, 64, 64}, 1, 1, 257, {4, 6});
}

// Four heads read the same keys: two thread blocks walk side by side.
TEST(RoleEmulation, Gangs) {
  checkDivisions(kMixer, {4, 1, 64, 64}, 2, 2, 200, {1, 2, 4});
}

//===----------------------------------------------------------------------===//
// Extreme values
//===----------------------------------------------------------------------===//

// The state is forgotten within a few tokens; its decay underflows.
TEST(RoleEmulation, StrongDecay) {
  check(kMixer, {2, 1, 64, 64}, 2, {200}, 1, decays(60));
  check(kMamba2, {2, 1, 64, 64}, 2, {200}, 1, decays(2000));
}

TEST(RoleEmulation, ExtremeSteps) {
  RoleRunner runner(program(kMixer, {2, 1, 64, 64}, 2));
  for (double step : {0.0, 20.0}) {
    runner.fill = constant("step", step);
    runner.check(1, 130);
  }
}

TEST(RoleEmulation, ExtremeSoftplus) {
  RoleRunner runner(program(kMamba2, {2, 1, 64, 64}, 2));
  for (double raw : {-200.0, 24.0}) {
    runner.fill = constant("dt", raw);
    runner.check(1, 130);
  }
}

} // namespace
