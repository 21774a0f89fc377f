// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every rule of ssd-normalize leaves the function it rewrites the same, by
// the reference interpreter, states included.

#include "dialect/IR/SsdOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "test/unit/dialect/ReferenceTestBase.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

namespace {

/// A matrix expression on the arguments below, and what it is rewritten to.
struct Rule {
  const char *name;
  const char *matrix; ///< Defines %M.
  const char *type;   ///< Of %M.
  int64_t stateSize;  ///< 0: states are not used.
  /// Matrix operations left, in order of appearance.
  const char *expected;
};

// Sizes are 2 batches, 9 tokens, 4 heads with 3 channels; %a, %a2: decays
// B×T×H, %g: H; %d, %e: scales; %k…: keys with 2 or 3 states.
const Rule kRules[] = {
    {"Duality", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %G = ssd.low_rank %k, %k2 : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>
       %M = ssd.hadamard %L, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>)",
     "<?x4x?, causal>", 2, "state_space"},
    {"DualityStrictCausal", R"(
       %I = ssd.causal : !ssd.matrix<?x4x?, causal, strict>
       %G = ssd.low_rank %k, %k2 : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>
       %M = ssd.hadamard %G, %I : !ssd.matrix<?x4x?, full>, !ssd.matrix<?x4x?, causal, strict>)",
     "<?x4x?, causal, strict>", 2, "state_space"},
    {"DualityOfTransposedMask", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %U = ssd.transpose %L : !ssd.matrix<?x4x?, causal>
       %G = ssd.low_rank %k, %k2 : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>
       %M = ssd.hadamard %U, %G : !ssd.matrix<?x4x?, anticausal>, !ssd.matrix<?x4x?, full>)",
     "<?x4x?, anticausal>", 2, "state_space transpose"},
    {"DualityUnderTranspose", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %G = ssd.low_rank %k, %k2 : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>
       %T = ssd.transpose %G : !ssd.matrix<?x4x?, full>
       %M = ssd.hadamard %L, %T : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>)",
     "<?x4x?, causal>", 2, "state_space"},
    {"R4aDecayOfAddedLogs", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %R = ssd.decay %a2 : tensor<?x?x4xf32>
       %M = ssd.hadamard %L, %R : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>)",
     "<?x4x?, causal>", 1, "decay"},
    {"R4aConstantDecay", R"(
       %L = ssd.decay %g : tensor<4xf32>
       %R = ssd.decay %a2 : tensor<?x?x4xf32>
       %M = ssd.hadamard %L, %R : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>)",
     "<?x4x?, causal>", 1, "decay"},
    {"R4aCausalDropsOut", R"(
       %I = ssd.causal : !ssd.matrix<?x4x?, causal>
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %M = ssd.hadamard %I, %L : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>)",
     "<?x4x?, causal>", 1, "decay"},
    {"R4aStrictOnes", R"(
       %I = ssd.causal : !ssd.matrix<?x4x?, causal, strict>
       %J = ssd.causal : !ssd.matrix<?x4x?, causal>
       %M = ssd.hadamard %I, %J : !ssd.matrix<?x4x?, causal, strict>, !ssd.matrix<?x4x?, causal>)",
     "<?x4x?, causal, strict>", 1, "causal"},
    {"R4aMaskOnStateSpace", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %K = ssd.state_space %k, %k2 decay %a2 strict : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>, tensor<?x?x4xf32>
       %M = ssd.hadamard %K, %L : !ssd.matrix<?x4x?, causal, strict>, !ssd.matrix<?x4x?, causal>)",
     "<?x4x?, causal, strict>", 2, "state_space"},
    {"R4Associate", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %G = ssd.low_rank %k, %k2 : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>
       %F = ssd.low_rank %m, %m2 : tensor<?x?x4x3xf32>, tensor<?x?x1x3xf32>
       %0 = ssd.hadamard %G, %L : !ssd.matrix<?x4x?, full>, !ssd.matrix<?x4x?, causal>
       %M = ssd.hadamard %0, %F : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>)",
     "<?x4x?, causal>", 6, "low_rank state_space hadamard"},
    {"R2PushTranspose", R"(
       %K = ssd.state_space %k, %k2 decay %a2 : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>, tensor<?x?x4xf32>
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %A = ssd.add %K, %L : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
       %S = ssd.scale_columns %A, %d : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
       %M = ssd.transpose %S : !ssd.matrix<?x4x?, causal>)",
     "<?x4x?, anticausal>", 3,
     "state_space decay transpose transpose add scale_rows"},
    {"R3HoistOverHadamard", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %G = ssd.low_rank %m2, %m2 : tensor<?x?x1x3xf32>, tensor<?x?x1x3xf32>
       %S = ssd.scale_rows %G, %d : !ssd.matrix<?x1x?, full>, tensor<?x?x4xf32>
       %C = ssd.scale_columns %L, %e : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
       %M = ssd.hadamard %S, %C : !ssd.matrix<?x4x?, full>, !ssd.matrix<?x4x?, causal>)",
     "<?x4x?, causal>", 3, "state_space scale_columns scale_rows"},
    {"R3HoistOverAdd", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %R = ssd.decay %g : tensor<4xf32>
       %S = ssd.scale_columns %L, %e : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
       %C = ssd.scale_columns %R, %e : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
       %M = ssd.add %S, %C : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>)",
     "<?x4x?, causal>", 2, "decay decay add scale_columns"},
    {"R3MergeScales", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %0 = ssd.scale_columns %L, %d : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
       %1 = ssd.scale_rows %0, %e : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>
       %M = ssd.scale_columns %1, %e : !ssd.matrix<?x4x?, causal>, tensor<?x?x4xf32>)",
     "<?x4x?, causal>", 1, "decay scale_columns scale_rows"},
    {"R15SharedRead", R"(
       %0 = ssd.state_space %k, %k2 decay %a : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>, tensor<?x?x4xf32>
       %1 = ssd.state_space %k, %k3 decay %a : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>, tensor<?x?x4xf32>
       %M = ssd.add %0, %1 : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>)",
     "<?x4x?, causal>", 0, "state_space"},
    {"R15SharedWriteTransposed", R"(
       %0 = ssd.state_space %k2, %k decay %a : tensor<?x?x2x2xf32>, tensor<?x?x4x2xf32>, tensor<?x?x4xf32>
       %1 = ssd.state_space %k3, %k decay %a : tensor<?x?x2x2xf32>, tensor<?x?x4x2xf32>, tensor<?x?x4xf32>
       %A = ssd.add %0, %1 : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
       %M = ssd.transpose %A : !ssd.matrix<?x4x?, causal>)",
     "<?x4x?, anticausal>", 0, "state_space transpose"},
    {"R4DistributeOverSum", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %G = ssd.low_rank %k, %k2 : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>
       %F = ssd.low_rank %m, %m2 : tensor<?x?x4x3xf32>, tensor<?x?x1x3xf32>
       %A = ssd.add %G, %F : !ssd.matrix<?x4x?, full>, !ssd.matrix<?x4x?, full>
       %M = ssd.hadamard %L, %A : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>)",
     "<?x4x?, causal>", 5, "state_space state_space add"},
    {"R4DistributeLeftSumOverKeys", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %R = ssd.decay %a2 : tensor<?x?x4xf32>
       %A = ssd.add %L, %R : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
       %G = ssd.low_rank %k, %k2 : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>
       %M = ssd.hadamard %A, %G : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>)",
     "<?x4x?, causal>", 4, "state_space state_space add"},
    {"R4DistributeRightSumWithoutStates", R"(
       %K = ssd.state_space %k, %k2 decay %a : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>, tensor<?x?x4xf32>
       %G = ssd.low_rank %k, %k2 : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>
       %F = ssd.low_rank %m, %m2 : tensor<?x?x4x3xf32>, tensor<?x?x1x3xf32>
       %A = ssd.add %G, %F : !ssd.matrix<?x4x?, full>, !ssd.matrix<?x4x?, full>
       %M = ssd.hadamard %K, %A : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, full>)",
     "<?x4x?, causal>", 0,
     "state_space low_rank low_rank hadamard hadamard add"},
    {"R1ApplyFullSumInParts", R"(
       %L = ssd.decay %a : tensor<?x?x4xf32>
       %I = ssd.causal : !ssd.matrix<?x4x?, causal, strict>
       %U = ssd.transpose %I : !ssd.matrix<?x4x?, causal, strict>
       %A = ssd.add %L, %U : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, anticausal, strict>
       %G = ssd.low_rank %k, %k2 : tensor<?x?x4x2xf32>, tensor<?x?x2x2xf32>
       %F = ssd.hadamard %A, %G : !ssd.matrix<?x4x?, full>, !ssd.matrix<?x4x?, full>
       %M = ssd.scale_rows %F, %d : !ssd.matrix<?x4x?, full>, tensor<?x?x4xf32>)",
     "<?x4x?, full>", 0,
     "state_space state_space transpose scale_rows scale_rows"},
};

class Normalize : public testing::TestWithParam<Rule>,
                  public ReferenceTestBase {
protected:
  static std::string write(const Rule &rule) {
    std::string state =
        "tensor<?x4x3x" + std::to_string(rule.stateSize) + "xf32>";
    std::string type = std::string("!ssd.matrix") + rule.type;
    std::string x = "tensor<?x?x4x3xf32>";
    bool states = rule.stateSize > 0;
    std::string text = R"(
      func.func @f(%x: tensor<?x?x4x3xf32>, %a: tensor<?x?x4xf32>,
                   %a2: tensor<?x?x4xf32>, %g: tensor<4xf32>,
                   %d: tensor<?x?x4xf32>, %e: tensor<?x?x4xf32>,
                   %k: tensor<?x?x4x2xf32>, %k2: tensor<?x?x2x2xf32>,
                   %k3: tensor<?x?x2x2xf32>, %m: tensor<?x?x4x3xf32>,
                   %m2: tensor<?x?x1x3xf32>)";
    text += (states ? ", %s0: " + state : "") + ") -> (" + x +
            (states ? ", " + state : "") + ") {" + rule.matrix + "\n";
    text += states ? "%y, %s = ssd.apply %M, %x init %s0 : " + type + ", " + x +
                         ", " + state + " -> " + x + ", " + state +
                         "\nreturn %y, %s : " + x + ", " + state
                   : "%y = ssd.apply %M, %x : " + type + ", " + x + " -> " + x +
                         "\nreturn %y : " + x;
    return text + "\n}";
  }

  Tensors makeArguments(int64_t stateSize) {
    int64_t b = 2, t = 9;
    Tensors arguments = {
        random({b, t, 4, 3}), randomDecay({b, t, 4}), randomDecay({b, t, 4}),
        randomDecay({4}),     random({b, t, 4}),      random({b, t, 4}),
        random({b, t, 4, 2}), random({b, t, 2, 2}),   random({b, t, 2, 2}),
        random({b, t, 4, 3}), random({b, t, 1, 3})};
    if (stateSize)
      arguments.push_back(random({b, 4, 3, stateSize}));
    return arguments;
  }
};

TEST_P(Normalize, KeepsTheFunction) {
  const Rule &rule = GetParam();
  auto module = parseSourceString<ModuleOp>(write(rule), &context);
  ASSERT_TRUE(module) << message;
  auto function = *module->getOps<func::FuncOp>().begin();
  Tensors arguments = makeArguments(rule.stateSize);
  InterpreterOptions before;
  if (StringRef(rule.type).contains("full"))
    before.apply = InterpreterOptions::Apply::Dense;
  auto expected = interpret(function, arguments, before);
  ASSERT_TRUE(succeeded(expected)) << message;

  PassManager passes(&context);
  passes.addNestedPass<func::FuncOp>(createNormalize());
  ASSERT_TRUE(succeeded(passes.run(*module))) << message;
  std::string left;
  function.walk([&](StructuredMatrixOpInterface op) {
    left += (left.empty() ? "" : " ") + op->getName().stripDialect().str();
  });
  EXPECT_EQ(left, rule.expected);

  auto actual = interpret(function, arguments);
  ASSERT_TRUE(succeeded(actual)) << message;
  ASSERT_EQ(actual->size(), expected->size());
  for (auto [out, reference] : llvm::zip_equal(*actual, *expected))
    EXPECT_LT(relativeError(out, reference), 1e-13);
}

INSTANTIATE_TEST_SUITE_P(Rules, Normalize, testing::ValuesIn(kRules),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

} // namespace
