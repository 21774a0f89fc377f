// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Mixers as chunk programs, compiled and run on this machine, against a
// token-by-token recurrence in float64.

#include "test/unit/codegen/CpuHarness.h"

#include "llvm/Support/FormatVariadic.h"

namespace mamba::test {
namespace {

/// A scalar-decay mixer with a step: y_t = C_t S_t, S_t = e^{α_t} S_{t−1} +
/// Δ_t x_t B_tᵀ with Δ = softplus(raw), α = Δ A. With `reverse` it runs from
/// the last token to the first and the decay acts behind the read.
struct Mixer {
  int64_t heads = 2, groups = 1, channels = 8, state = 16, chunk = 16;
  const char *type = "f32";
  int32_t dtype = MAMBA_DTYPE_F32;
  bool reverse = false, hasInit = true, outputsFloat = true;

  std::string print() const;
  void check(std::vector<int64_t> lengths, int64_t batch = 1) const;

private:
  std::string printBody() const;
  std::pair<std::vector<double>, std::vector<double>>
  reference(const std::vector<Array> &inputs, int64_t batch,
            int64_t length) const;
};

std::string Mixer::printBody() const {
  // {0} is Q, {1} P, {2} N.
  const char *text = R"(
    %zero = arith.constant dense<0.0> : tensor<{0}xf32>
    %abs = math.absf %rawt : tensor<{0}xf32>
    %neg = arith.negf %abs : tensor<{0}xf32>
    %exp = math.exp %neg : tensor<{0}xf32>
    %log = math.log1p %exp : tensor<{0}xf32>
    %max = arith.maximumf %rawt, %zero : tensor<{0}xf32>
    %soft = arith.addf %max, %log : tensor<{0}xf32>
    %step = ssd.pad %soft with 0.0 : tensor<{0}xf32>
    %rate = ssd.broadcast %at dims [0] : tensor<f32> -> tensor<{0}xf32>
    %alpha = arith.mulf %step, %rate : tensor<{0}xf32>
    %L = ssd.segment_decay %alpha sub_block {3} {4} : (tensor<{0}xf32>) -> tensor<{0}x{0}xf32>
    %G = ssd.dot %cf, %bf contract [1, 1] : tensor<{0}x{2}xf32>, tensor<{0}x{2}xf32> -> tensor<{0}x{0}xf32>
    %stepc = ssd.broadcast %step dims [0] : tensor<{0}xf32> -> tensor<{0}x{0}xf32>
    %LG = arith.mulf %L, %G : tensor<{0}x{0}xf32>
    %W = arith.mulf %LG, %stepc : tensor<{0}x{0}xf32>
    %read = ssd.cumsum %alpha {5} : tensor<{0}xf32>
    %write = ssd.cumsum %alpha {6} : tensor<{0}xf32>
    %eread = math.exp %read : tensor<{0}xf32>
    %ereadp = ssd.broadcast %eread dims [1] : tensor<{0}xf32> -> tensor<{0}x{1}xf32>
    %Cs = ssd.dot %cf, %s contract [1, 1] : tensor<{0}x{2}xf32>, tensor<{1}x{2}xf32> -> tensor<{0}x{1}xf32>
    %inter = arith.mulf %Cs, %ereadp : tensor<{0}x{1}xf32>
    %intra = ssd.dot %W, %xf contract [1, 0] : tensor<{0}x{0}xf32>, tensor<{0}x{1}xf32> -> tensor<{0}x{1}xf32>
    %y = arith.addf %intra, %inter : tensor<{0}x{1}xf32>
    %ewrite = math.exp %write : tensor<{0}xf32>
    %w = arith.mulf %ewrite, %step : tensor<{0}xf32>
    %wp = ssd.broadcast %w dims [1] : tensor<{0}xf32> -> tensor<{0}x{1}xf32>
    %xw = arith.mulf %xf, %wp : tensor<{0}x{1}xf32>
    %total = ssd.reduce_sum %alpha : tensor<{0}xf32> -> tensor<f32>
    %etotal = math.exp %total : tensor<f32>
    %etotals = ssd.broadcast %etotal dims [0, 1] : tensor<f32> -> tensor<{1}x{2}xf32>
    %kept = arith.mulf %s, %etotals : tensor<{1}x{2}xf32>
    %added = ssd.dot %xw, %bf contract [0, 0] : tensor<{0}x{1}xf32>, tensor<{0}x{2}xf32> -> tensor<{1}x{2}xf32>
    %next = arith.addf %kept, %added : tensor<{1}x{2}xf32>)";
  return llvm::formatv(
             text, chunk, channels, state, std::min<int64_t>(chunk, 16),
             reverse ? "transposed" : "", reverse ? "exclusive reverse" : "",
             reverse ? "" : "exclusive reverse")
      .str();
}

std::string Mixer::print() const {
  // Tiles of x, B and C are extended where the inputs are narrow.
  std::string extend, suffix = "f";
  if (dtype != MAMBA_DTYPE_F32) {
    const char *text = R"(
    %xf = arith.extf %xt : tensor<{0}x{1}x{3}> to tensor<{0}x{1}xf32>
    %bf = arith.extf %bt : tensor<{0}x{2}x{3}> to tensor<{0}x{2}xf32>
    %cf = arith.extf %ct : tensor<{0}x{2}x{3}> to tensor<{0}x{2}xf32>)";
    extend = llvm::formatv(text, chunk, channels, state, type).str();
    suffix = "t";
  }
  std::string out = outputsFloat ? "f32" : type;
  std::string yield = "%y";
  std::string narrow;
  if (!outputsFloat) {
    narrow = llvm::formatv("\n    %yn = arith.truncf %y : tensor<{0}x{1}xf32> "
                           "to tensor<{0}x{1}x{2}>",
                           chunk, channels, type);
    yield = "%yn";
  }
  const char *text = R"(
func.func @mixer(%x: tensor<?x?x{0}x{2}x{5}>, %raw: tensor<?x?x{0}xf32>, %a: tensor<{0}xf32>,
    %b: tensor<?x?x{1}x{3}x{5}>, %c: tensor<?x?x{1}x{3}x{5}>{6}) -> (tensor<?x?x{0}x{2}x{7}>, tensor<?x{0}x{2}x{3}xf32>) {{
  %out, %final = ssd.chunk_scan chunk {4} heads {0} {8}
    ins(%x as [batch, time, head, channel] : tensor<?x?x{0}x{2}x{5}>, %raw as [batch, time, head] : tensor<?x?x{0}xf32>,
        %a as [head] : tensor<{0}xf32>, %b as [batch, time, head, state] : tensor<?x?x{1}x{3}x{5}>,
        %c as [batch, time, head, state] : tensor<?x?x{1}x{3}x{5}>) {9}
    outs([batch, time, head, channel] : tensor<?x?x{0}x{2}x{7}>) finals(tensor<?x{0}x{2}x{3}xf32>) {{
  ^bb0(%x{10}: tensor<{4}x{2}x{5}>, %rawt: tensor<{4}xf32>, %at: tensor<f32>, %b{10}: tensor<{4}x{3}x{5}>, %c{10}: tensor<{4}x{3}x{5}>, %s: tensor<{2}x{3}xf32>):
    {11}{12}{13}
    ssd.yield {14}, %next : tensor<{4}x{2}x{7}>, tensor<{2}x{3}xf32>
  }
  return %out, %final : tensor<?x?x{0}x{2}x{7}>, tensor<?x{0}x{2}x{3}xf32>
})";
  std::string states =
      llvm::formatv("tensor<?x{0}x{1}x{2}xf32>", heads, channels, state);
  return llvm::formatv(text, heads, groups, channels, state, chunk, type,
                       hasInit ? ", %s0: " + states : "", out,
                       reverse ? "reverse" : "",
                       hasInit ? "inits(%s0 : " + states + ")" : "", suffix,
                       extend, printBody(), narrow, yield)
      .str();
}

std::pair<std::vector<double>, std::vector<double>>
Mixer::reference(const std::vector<Array> &inputs, int64_t batch,
                 int64_t length) const {
  std::vector<double> y(batch * length * heads * channels);
  std::vector<double> finals(batch * heads * channels * state);
  for (int64_t item = 0; item < batch * heads; ++item) {
    int64_t n = item / heads, h = item % heads, g = h * groups / heads;
    double *s = &finals[item * channels * state];
    for (int64_t i = 0; hasInit && i < channels * state; ++i)
      s[i] = inputs[5].values[item * channels * state + i];
    for (int64_t step = 0; step < length; ++step) {
      int64_t t = reverse ? length - 1 - step : step, token = n * length + t;
      double raw = inputs[1].values[token * heads + h];
      double dt = std::log1p(std::exp(-std::fabs(raw))) + std::max(raw, 0.0);
      double decay = std::exp(dt * inputs[2].values[h]);
      const double *x = &inputs[0].values[(token * heads + h) * channels];
      const double *b = &inputs[3].values[(token * groups + g) * state];
      const double *c = &inputs[4].values[(token * groups + g) * state];
      for (int64_t p = 0; p < channels; ++p) {
        double sum = 0;
        for (int64_t k = 0; k < state; ++k) {
          double &element = s[p * state + k];
          element = (reverse ? 1 : decay) * element + dt * x[p] * b[k];
          sum += c[k] * element;
          element *= reverse ? decay : 1;
        }
        y[(token * heads + h) * channels + p] = sum;
      }
    }
  }
  return {y, finals};
}

void Mixer::check(std::vector<int64_t> lengths, int64_t batch) const {
  auto executable = compile(print(), "mixer");
  ASSERT_TRUE(executable);
  for (int64_t length : lengths) {
    unsigned seed = std::random_device()();
    SCOPED_TRACE(testing::Message()
                 << "length " << length << ", seed " << seed);
    std::mt19937 random(seed);
    std::vector<Array> inputs;
    int64_t tokens = batch * length;
    inputs.push_back(randomArray(random, tokens * heads * channels, 1, dtype));
    inputs.push_back(randomArray(random, tokens * heads));
    inputs.push_back(randomArray(random, heads));
    for (double &a : inputs[2].values)
      a = -std::exp(a);
    inputs[2].store();
    for (int i = 0; i < 2; ++i)
      inputs.push_back(randomArray(random, tokens * groups * state, 1, dtype));
    if (hasInit)
      inputs.push_back(randomArray(random, batch * heads * channels * state));
    Array y, finals;
    y.dtype = outputsFloat ? MAMBA_DTYPE_F32 : dtype;
    y.poison(tokens * heads * channels);
    finals.poison(batch * heads * channels * state);
    std::vector<Array *> arrays;
    for (Array &input : inputs)
      arrays.push_back(&input);
    arrays.push_back(&y);
    arrays.push_back(&finals);
    run(*executable, arrays, batch, length);
    auto [expectedY, expectedFinals] = reference(inputs, batch, length);
    double limit = outputsFloat                ? 2e-6
                   : dtype == MAMBA_DTYPE_BF16 ? 4e-3
                                               : 6e-4;
    EXPECT_LE(relativeError(y.values, expectedY), limit);
    EXPECT_LE(relativeError(finals.values, expectedFinals), 2e-6);
  }
}

std::vector<int64_t> edges(int64_t chunk) {
  return {1, chunk - 1, chunk, chunk + 1, 2 * chunk + 3, 61};
}

TEST(CpuCompiler, Chunk16) { Mixer{}.check(edges(16), 2); }

TEST(CpuCompiler, Chunk32OfTheBenchmark) {
  Mixer{.heads = 3, .channels = 64, .state = 128, .chunk = 32}.check(edges(32));
}

TEST(CpuCompiler, Chunk64HasSubBlocks) {
  Mixer{.channels = 16, .state = 32, .chunk = 64}.check(edges(64));
}

TEST(CpuCompiler, RecurrentForm) {
  Mixer{.channels = 64, .state = 128, .chunk = 1}.check({1, 2, 7});
}

TEST(CpuCompiler, RecurrentFormOfPrimeSizes) {
  Mixer{.heads = 3, .channels = 7, .state = 29, .chunk = 1}.check({1, 5}, 2);
}

TEST(CpuCompiler, RecurrentFormFromZero) {
  Mixer{.chunk = 1, .hasInit = false}.check({1, 5}, 2);
}

TEST(CpuCompiler, RecurrentFormReverse) {
  Mixer{.chunk = 1, .reverse = true}.check({1, 5});
}

TEST(CpuCompiler, QuadraticForm) {
  Mixer{.channels = 16, .state = 16, .chunk = 100}.check({99, 100});
}

TEST(CpuCompiler, PrimeSizes) {
  Mixer{.heads = 3, .channels = 7, .state = 13, .chunk = 5}.check(edges(5), 3);
}

TEST(CpuCompiler, SizesBesideRegisterTiles) {
  Mixer{.heads = 1, .channels = 33, .state = 47, .chunk = 37}.check(edges(37));
}

TEST(CpuCompiler, OneChannelOneState) {
  Mixer{.heads = 2, .channels = 1, .state = 1, .chunk = 8}.check(edges(8));
}

TEST(CpuCompiler, HeadsShareGroups) {
  Mixer{.heads = 6, .groups = 3}.check({33}, 2);
}

TEST(CpuCompiler, HeadsDoNotShare) {
  Mixer{.heads = 4, .groups = 4}.check({33}, 2);
}

TEST(CpuCompiler, Reverse) { Mixer{.reverse = true}.check(edges(16), 2); }

TEST(CpuCompiler, ReverseHasSubBlocks) {
  Mixer{.channels = 24, .state = 40, .chunk = 48, .reverse = true}.check(
      edges(48));
}

TEST(CpuCompiler, NoInitialState) {
  Mixer{.hasInit = false}.check({1, 16, 37}, 2);
}

TEST(CpuCompiler, Bf16) {
  Mixer{.channels = 64,
        .state = 128,
        .chunk = 32,
        .type = "bf16",
        .dtype = MAMBA_DTYPE_BF16}
      .check(edges(32));
}

TEST(CpuCompiler, Bf16Output) {
  Mixer{.type = "bf16", .dtype = MAMBA_DTYPE_BF16, .outputsFloat = false}.check(
      edges(16));
}

TEST(CpuCompiler, F16Output) {
  Mixer{.type = "f16", .dtype = MAMBA_DTYPE_F16, .outputsFloat = false}.check(
      edges(16));
}

TEST(CpuCompiler, NoTokens) {
  auto executable = compile(Mixer{}.print(), "mixer");
  ASSERT_TRUE(executable);
  std::mt19937 random(1);
  Array empty, rate = randomArray(random, 2), y, finals;
  Array init = randomArray(random, 2 * 8 * 16);
  empty.store();
  y.poison(0);
  finals.poison(init.values.size());
  run(*executable, {&empty, &empty, &rate, &empty, &empty, &init, &y, &finals},
      1, 0);
  EXPECT_EQ(finals.values, init.values);
}

TEST(CpuCompiler, SameBitsOnOneThreadAndTwo) {
  std::mt19937 random(7);
  Mixer mixer{.heads = 8};
  std::vector<Array> inputs;
  for (size_t count : {40 * 8 * 8, 40 * 8, 8, 40 * 16, 40 * 16, 8 * 8 * 16})
    inputs.push_back(randomArray(random, count, 0.5));
  std::vector<char> first;
  for (unsigned threads : {1, 2}) {
    auto executable = compile(mixer.print(), "mixer", threads);
    ASSERT_TRUE(executable);
    Array y, finals;
    y.poison(40 * 8 * 8);
    finals.poison(8 * 8 * 16);
    std::vector<Array *> arrays;
    for (Array &input : inputs)
      arrays.push_back(&input);
    arrays.push_back(&y);
    arrays.push_back(&finals);
    run(*executable, arrays, 1, 40);
    if (first.empty())
      first = y.bytes;
    EXPECT_EQ(first, y.bytes);
  }
}

TEST(CpuCompiler, CodeForAheadOfTimeUse) {
  auto executable = compile(Mixer{}.print(), "mixer");
  ASSERT_TRUE(executable);
  llvm::StringRef ir = executable->getCode().llvmIr;
  EXPECT_TRUE(ir.contains("define void @mixer_0(ptr"));
  EXPECT_TRUE(executable->getCode().object->getBuffer().starts_with("\x7f"
                                                                    "ELF"));
}

TEST(CpuCompiler, UnknownFunctionIsAnError) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      "func.func private @f()", &getContext());
  auto program =
      codegen::compileForCpu(*module, "g", codegen::getHostCpuTarget());
  EXPECT_EQ(llvm::toString(program.takeError()),
            "the module has no function 'g'");
}

TEST(CpuCompiler, UnknownTargetIsAnError) {
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(Mixer{}.print(), &getContext());
  codegen::CpuTarget target = codegen::getHostCpuTarget();
  target.triple = "z80-unknown-none";
  auto program = codegen::compileForCpu(*module, "mixer", target);
  ASSERT_FALSE(bool(program));
  EXPECT_TRUE(llvm::StringRef(llvm::toString(program.takeError()))
                  .starts_with("no code generator for 'z80-unknown-none'"));
}

} // namespace
} // namespace mamba::test
