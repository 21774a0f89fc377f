// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Chunk programs compute what their mixers do, by the reference interpreter:
// every form and chunk length, lengths around the edges of chunks.

#include "dialect/IR/SsdOps.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "test/unit/dialect/ReferenceTestBase.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

namespace {

/// A function on the arguments in `kArguments`; T is replaced by the length.
struct Program {
  const char *name;
  const char *results; ///< Types.
  const char *body;
  /// Point-wise code is fused: no linalg operation is left.
  bool fuses = true;
};

constexpr const char *kMaps = R"(
  #bth = affine_map<(b, t, h) -> (b, t, h)>
  #h3 = affine_map<(b, t, h) -> (h)>
  #full = affine_map<(b, t, h, p) -> (b, t, h, p)>
  #row = affine_map<(b, t, h, p) -> (b, t, h)>
  #h4 = affine_map<(b, t, h, p) -> (h)>
  #hp = affine_map<(b, t, h, p) -> (h, p)>
)";

constexpr const char *kArguments = R"(
  %x: tensor<2xTx4x3xf32>, %a: tensor<2xTx4xf32>, %a2: tensor<2xTx4xf32>,
  %g: tensor<4xf32>, %d: tensor<2xTx4xf32>, %b: tensor<2xTx2x5xf32>,
  %c: tensor<2xTx4x5xf32>, %k: tensor<2xTx1x2xf32>, %z: tensor<2xTx4x3xf32>,
  %D: tensor<4x3xf32>, %s0: tensor<2x4x3x5xf32>, %s1: tensor<2x4x3x10xf32>,
  %s2: tensor<2x4x3x7xf32>, %x1: tensor<2xTx2x3xf32>)";

const Program kPrograms[] = {
    {"StateSpace", "tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>", R"(
       %M = ssd.state_space %c, %b decay %a : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<2xTx4xf32>
       %y, %s = ssd.apply %M, %x init %s0 : !ssd.matrix<2x4xT, causal>, tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32> -> tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>
       return %y, %s : tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>)"},
    {"StrictConstantDecay", "tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>", R"(
       %M = ssd.state_space %c, %b decay %g strict : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<4xf32>
       %y, %s = ssd.apply %M, %x1 init %s0 : !ssd.matrix<2x4xT, causal, strict>, tensor<2xTx2x3xf32>, tensor<2x4x3x5xf32> -> tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>
       return %y, %s : tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>)"},
    {"AntiCausal", "tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>", R"(
       %M = ssd.state_space %c, %b decay %a : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<2xTx4xf32>
       %S = ssd.scale_rows %M, %d : !ssd.matrix<2x4xT, causal>, tensor<2xTx4xf32>
       %U = ssd.transpose %S : !ssd.matrix<2x4xT, causal>
       %y, %s = ssd.apply %U, %x init %s0 : !ssd.matrix<2x4xT, anticausal>, tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32> -> tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>
       return %y, %s : tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>)"},
    {"AntiCausalStrict", "tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>", R"(
       %M = ssd.state_space %c, %b decay %g strict : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<4xf32>
       %U = ssd.transpose %M : !ssd.matrix<2x4xT, causal, strict>
       %y, %s = ssd.apply %U, %x init %s0 : !ssd.matrix<2x4xT, anticausal, strict>, tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32> -> tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>
       return %y, %s : tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>)"},
    {"FinalStateOnly", "tensor<2x4x3x5xf32>", R"(
       %M = ssd.state_space %c, %b decay %a : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<2xTx4xf32>
       %y, %s = ssd.apply %M, %x : !ssd.matrix<2x4xT, causal>, tensor<2xTx4x3xf32> -> tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>
       return %s : tensor<2x4x3x5xf32>)"},
    {"ProductOfKeys", "tensor<2xTx4x3xf32>, tensor<2x4x3x10xf32>", R"(
       %M = ssd.state_space %c, %b decay %a : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<2xTx4xf32>
       %G = ssd.low_rank %k, %k : tensor<2xTx1x2xf32>, tensor<2xTx1x2xf32>
       %K = ssd.hadamard %M, %G : !ssd.matrix<2x4xT, causal>, !ssd.matrix<2x1xT, full>
       %y, %s = ssd.apply %K, %x init %s1 : !ssd.matrix<2x4xT, causal>, tensor<2xTx4x3xf32>, tensor<2x4x3x10xf32> -> tensor<2xTx4x3xf32>, tensor<2x4x3x10xf32>
       return %y, %s : tensor<2xTx4x3xf32>, tensor<2x4x3x10xf32>)"},
    {"SumOfDecays", "tensor<2xTx4x3xf32>, tensor<2x4x3x7xf32>", R"(
       %M = ssd.state_space %c, %b decay %a : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<2xTx4xf32>
       %R = ssd.decay %a2 : tensor<2xTx4xf32>
       %G = ssd.low_rank %k, %k : tensor<2xTx1x2xf32>, tensor<2xTx1x2xf32>
       %N = ssd.hadamard %R, %G : !ssd.matrix<2x4xT, causal>, !ssd.matrix<2x1xT, full>
       %A = ssd.add %M, %N : !ssd.matrix<2x4xT, causal>, !ssd.matrix<2x4xT, causal>
       %S = ssd.scale_columns %A, %d : !ssd.matrix<2x4xT, causal>, tensor<2xTx4xf32>
       %y, %s = ssd.apply %S, %x init %s2 : !ssd.matrix<2x4xT, causal>, tensor<2xTx4x3xf32>, tensor<2x4x3x7xf32> -> tensor<2xTx4x3xf32>, tensor<2x4x3x7xf32>
       return %y, %s : tensor<2xTx4x3xf32>, tensor<2x4x3x7xf32>)"},
    {"BareDecay", "tensor<2xTx4x3xf32>", R"(
       %M = ssd.decay %a : tensor<2xTx4xf32>
       %y = ssd.apply %M, %x : !ssd.matrix<2x4xT, causal>, tensor<2xTx4x3xf32> -> tensor<2xTx4x3xf32>
       return %y : tensor<2xTx4x3xf32>)"},
    {"DecaysOfDifferentHeads", "tensor<2xTx4x3xf32>", R"(
       %one = tensor.extract_slice %a[0, 0, 0] [2, T, 2] [1, 1, 1] : tensor<2xTx4xf32> to tensor<2xTx2xf32>
       %L = ssd.decay %one : tensor<2xTx2xf32>
       %R = ssd.decay %a2 : tensor<2xTx4xf32>
       %M = ssd.hadamard %L, %R : !ssd.matrix<2x2xT, causal>, !ssd.matrix<2x4xT, causal>
       %y = ssd.apply %M, %x : !ssd.matrix<2x4xT, causal>, tensor<2xTx4x3xf32> -> tensor<2xTx4x3xf32>
       return %y : tensor<2xTx4x3xf32>)"},
    // softplus(0 + bias) is not 0: rows behind the end have to be padded.
    {"Prologue", "tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>", R"(
       %one = arith.constant 1.0 : f32
       %e = tensor.empty() : tensor<2xTx4xf32>
       %dt = linalg.generic {indexing_maps = [#bth, #h3, #bth], iterator_types = ["parallel", "parallel", "parallel"]}
           ins(%d, %g : tensor<2xTx4xf32>, tensor<4xf32>) outs(%e : tensor<2xTx4xf32>) {
       ^bb0(%u: f32, %v: f32, %o: f32):
         %0 = arith.addf %u, %v : f32
         %1 = math.exp %0 : f32
         %2 = math.log1p %1 : f32
         linalg.yield %2 : f32
       } -> tensor<2xTx4xf32>
       %la = linalg.generic {indexing_maps = [#bth, #h3, #bth], iterator_types = ["parallel", "parallel", "parallel"]}
           ins(%dt, %g : tensor<2xTx4xf32>, tensor<4xf32>) outs(%e : tensor<2xTx4xf32>) {
       ^bb0(%u: f32, %v: f32, %o: f32):
         %0 = arith.mulf %u, %v : f32
         linalg.yield %0 : f32
       } -> tensor<2xTx4xf32>
       %e4 = tensor.empty() : tensor<2xTx4x3xf32>
       %xs = linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
           ins(%x, %dt : tensor<2xTx4x3xf32>, tensor<2xTx4xf32>) outs(%e4 : tensor<2xTx4x3xf32>) {
       ^bb0(%u: f32, %v: f32, %o: f32):
         %0 = arith.mulf %u, %v : f32
         %1 = arith.addf %0, %one : f32
         linalg.yield %1 : f32
       } -> tensor<2xTx4x3xf32>
       %M = ssd.state_space %c, %b decay %la : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<2xTx4xf32>
       %y, %s = ssd.apply %M, %xs init %s0 : !ssd.matrix<2x4xT, causal>, tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32> -> tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>
       return %y, %s : tensor<2xTx4x3xf32>, tensor<2x4x3x5xf32>)"},
    // (y + D x) silu(z), y returned as well; the diamond y, u = y·z, u + y.
    {"Epilogue",
     "tensor<2xTx4x3xf32>, tensor<2xTx4x3xf32>, tensor<2xTx4x3xf32>", R"(
       %M = ssd.state_space %c, %b decay %a : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<2xTx4xf32>
       %y = ssd.apply %M, %x : !ssd.matrix<2x4xT, causal>, tensor<2xTx4x3xf32> -> tensor<2xTx4x3xf32>
       %e4 = tensor.empty() : tensor<2xTx4x3xf32>
       %o = linalg.generic {indexing_maps = [#full, #full, #hp, #full, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
           ins(%y, %x, %D, %z : tensor<2xTx4x3xf32>, tensor<2xTx4x3xf32>, tensor<4x3xf32>, tensor<2xTx4x3xf32>) outs(%e4 : tensor<2xTx4x3xf32>) {
       ^bb0(%m: f32, %u: f32, %v: f32, %w: f32, %out: f32):
         %one = arith.constant 1.0 : f32
         %0 = arith.mulf %u, %v : f32
         %1 = arith.addf %m, %0 : f32
         %2 = arith.negf %w : f32
         %3 = math.exp %2 : f32
         %4 = arith.addf %3, %one : f32
         %5 = arith.divf %w, %4 : f32
         %6 = arith.mulf %1, %5 : f32
         linalg.yield %6 : f32
       } -> tensor<2xTx4x3xf32>
       %u = arith.mulf %y, %z : tensor<2xTx4x3xf32>
       %v = arith.addf %u, %y : tensor<2xTx4x3xf32>
       return %y, %o, %v : tensor<2xTx4x3xf32>, tensor<2xTx4x3xf32>, tensor<2xTx4x3xf32>)"},
    // The second mixer reads the first one through point-wise code.
    {"TwoMixers", "tensor<2xTx4x3xf32>", R"(
       %M = ssd.state_space %c, %b decay %a : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<2xTx4xf32>
       %y = ssd.apply %M, %x : !ssd.matrix<2x4xT, causal>, tensor<2xTx4x3xf32> -> tensor<2xTx4x3xf32>
       %u = arith.mulf %y, %z : tensor<2xTx4x3xf32>
       %U = ssd.transpose %M : !ssd.matrix<2x4xT, causal>
       %w = ssd.apply %U, %u : !ssd.matrix<2x4xT, anticausal>, tensor<2xTx4x3xf32> -> tensor<2xTx4x3xf32>
       %v = arith.addf %w, %y : tensor<2xTx4x3xf32>
       return %v : tensor<2xTx4x3xf32>)"},
    {"Bidirectional", "tensor<2xTx4x3xf32>", R"(
       %M = ssd.state_space %c, %b decay %a : tensor<2xTx4x5xf32>, tensor<2xTx2x5xf32>, tensor<2xTx4xf32>
       %N = ssd.state_space %b, %c decay %a2 strict : tensor<2xTx2x5xf32>, tensor<2xTx4x5xf32>, tensor<2xTx4xf32>
       %U = ssd.transpose %N : !ssd.matrix<2x4xT, causal, strict>
       %A = ssd.add %M, %U : !ssd.matrix<2x4xT, causal>, !ssd.matrix<2x4xT, anticausal, strict>
       %y = ssd.apply %A, %x : !ssd.matrix<2x4xT, full>, tensor<2xTx4x3xf32> -> tensor<2xTx4x3xf32>
       return %y : tensor<2xTx4x3xf32>)"},
};

struct Schedule {
  const char *name;
  const char *form;
  int64_t chunk;
  int64_t subBlock;
  const char *weights;
};

const Schedule kSchedules[] = {
    {"Recurrent", "recurrent", 0, 0, ""},
    {"Chunk8", "chunked", 8, 4, "values"},
    {"Chunk7Sub3", "chunked", 7, 3, "keys"},
    {"Quadratic", "quadratic", 0, 5, ""},
};

class Decompose : public testing::TestWithParam<std::tuple<Program, Schedule>>,
                  public ReferenceTestBase {
protected:
  static std::string write(const Program &program, int64_t length) {
    std::string text = std::string(kMaps) + "func.func @f(" + kArguments +
                       ") -> (" + program.results + ") {" + program.body + "}";
    std::string number = std::to_string(length);
    for (auto [from, to] :
         {std::pair(std::string("2xTx"), "2x" + number + "x"),
          std::pair(std::string("xT, "), "x" + number + ", "),
          std::pair(std::string("[2, T, 2]"), "[2, " + number + ", 2]")})
      for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;)
        text.replace(at, from.size(), to);
    return text;
  }

  Tensors makeArguments(int64_t t) {
    return {
        random({2, t, 4, 3}), randomDecay({2, t, 4}), randomDecay({2, t, 4}),
        randomDecay({4}),     random({2, t, 4}),      random({2, t, 2, 5}),
        random({2, t, 4, 5}), random({2, t, 1, 2}),   random({2, t, 4, 3}),
        random({4, 3}),       random({2, 4, 3, 5}),   random({2, 4, 3, 10}),
        random({2, 4, 3, 7}), random({2, t, 2, 3})};
  }

  void check(const Program &program, const Schedule &schedule, int64_t length) {
    auto module = parseSourceString<ModuleOp>(write(program, length), &context);
    ASSERT_TRUE(module) << message;
    auto function = *module->getOps<func::FuncOp>().begin();
    Tensors arguments = makeArguments(length);
    InterpreterOptions before;
    if (StringRef(program.body).contains("full>, tensor"))
      before.apply = InterpreterOptions::Apply::Dense;
    auto expected = interpret(function, arguments, before);
    ASSERT_TRUE(succeeded(expected)) << message;

    SelectScheduleOptions options;
    options.form = schedule.form;
    options.chunk = schedule.chunk;
    options.subBlock = schedule.subBlock;
    options.weights = schedule.weights;
    PassManager passes(&context);
    addToChunksPipeline(passes, options);
    ASSERT_TRUE(succeeded(passes.run(*module))) << message;
    function.walk([&](Operation *op) {
      EXPECT_FALSE(isa<ApplyOp>(op));
      EXPECT_FALSE(program.fuses && isa<linalg::LinalgOp>(op));
    });
    auto actual = interpret(function, arguments);
    ASSERT_TRUE(succeeded(actual)) << message;
    ASSERT_EQ(actual->size(), expected->size());
    for (auto [out, reference] : llvm::zip_equal(*actual, *expected))
      EXPECT_LT(relativeError(out, reference), 1e-12) << "length " << length;
  }
};

TEST_P(Decompose, KeepsTheFunction) {
  const auto &[program, schedule] = GetParam();
  for (int64_t length : {1, 2, 6, 7, 8, 9, 16, 19, 23})
    check(program, schedule, length);
}

INSTANTIATE_TEST_SUITE_P(Programs, Decompose,
                         testing::Combine(testing::ValuesIn(kPrograms),
                                          testing::ValuesIn(kSchedules)),
                         [](const auto &info) {
                           return std::string(std::get<0>(info.param).name) +
                                  "_" + std::get<1>(info.param).name;
                         });

} // namespace
