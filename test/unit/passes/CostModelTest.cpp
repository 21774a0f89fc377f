// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Analysis/CostModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/Analysis/BlockResources.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mamba;

namespace {

// One chunk of 32 tokens, 3 channels, 5 states, sub-blocks of 8: scores
// masked by the decay (triangular), applied to x, and the state carried.
constexpr const char *kScan = R"mlir(
func.func @f(%a: tensor<?x?x2xf32>, %c: tensor<?x?x1x5xbf16>,
             %b: tensor<?x?x1x5xbf16>, %x: tensor<?x?x2x3xbf16>,
             %s0: tensor<?x2x3x5xf32>) -> tensor<?x?x2x3xf32> {
  %y, %s = ssd.chunk_scan chunk 32 heads 2
      ins(%a as [batch, time, head] : tensor<?x?x2xf32>,
          %c as [batch, time, head, state] : tensor<?x?x1x5xbf16>,
          %b as [batch, time, head, state] : tensor<?x?x1x5xbf16>,
          %x as [batch, time, head, channel] : tensor<?x?x2x3xbf16>)
      inits(%s0 : tensor<?x2x3x5xf32>)
      outs([batch, time, head, channel] : tensor<?x?x2x3xf32>)
      finals(tensor<?x2x3x5xf32>) {
  ^bb0(%at: tensor<32xf32>, %ct: tensor<32x5xbf16>, %bt: tensor<32x5xbf16>,
       %xt: tensor<32x3xbf16>, %st: tensor<3x5xf32>):
    %cum = ssd.cumsum %at : tensor<32xf32>
    %e = math.exp %cum : tensor<32xf32>
    %r = ssd.range_scale %st : tensor<3x5xf32> -> tensor<f32>
    %L = ssd.segment_decay %at sub_block 8 : (tensor<32xf32>) -> tensor<32x32xf32>
    %G = ssd.dot %ct, %bt contract [1, 1] : tensor<32x5xbf16>, tensor<32x5xbf16> -> tensor<32x32xf32>
    %W = arith.mulf %L, %G : tensor<32x32xf32>
    %Wb = arith.truncf %W : tensor<32x32xf32> to tensor<32x32xbf16>
    %yt = ssd.dot %Wb, %xt contract [1, 0] : tensor<32x32xbf16>, tensor<32x3xbf16> -> tensor<32x3xf32>
    %next = ssd.dot %xt, %bt contract [0, 0] init %st : tensor<32x3xbf16>, tensor<32x5xbf16>, tensor<3x5xf32> -> tensor<3x5xf32>
    ssd.yield %yt, %next : tensor<32x3xf32>, tensor<3x5xf32>
  }
  return %y : tensor<?x?x2x3xf32>
}
)mlir";

class CostModel : public testing::Test {
protected:
  CostModel() {
    context.loadDialect<ssd::SsdDialect, arith::ArithDialect, func::FuncDialect,
                        math::MathDialect>();
    module = parseSourceString<ModuleOp>(kScan, &context);
    module->walk([&](ssd::ChunkScanOp op) { scan = op; });
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  ssd::ChunkScanOp scan;
  const Target *cpu = lookupTarget("cpu");
};

TEST_F(CostModel, CountsABodyForEveryChunkOfEveryItem) {
  // 100 tokens are 4 chunks of 32; 3 batches of 2 heads.
  ScanWork work = countWork(scan, *cpu, {3, 100});
  EXPECT_EQ(work.items, 6);
  EXPECT_EQ(work.chunks, 4);
  double instances = 24;
  // Sub-blocks above the diagonal are skipped: (1 + 8/32) / 2 of the scores
  // and of their product with x.
  double triangle = 0.625;
  EXPECT_DOUBLE_EQ(work.flops, instances * 2 *
                                   (32 * 32 * 5 * triangle +
                                    32 * 32 * 3 * triangle + 32 * 3 * 5));
  // 4 diagonal sub-blocks, halved; one row factor a token, one column factor
  // a token before each of the row blocks 1 to 3; and math.exp.
  EXPECT_DOUBLE_EQ(work.exps,
                   instances * (4 * 8 * 8 / 2 + 32 + 8 * (1 + 2 + 3) + 32));
  // Mask halves, mulf and truncf of the scores, prefix sums, the state's range.
  EXPECT_DOUBLE_EQ(work.simpleOps,
                   instances * (32 * 32 / 2 + 2 * 32 * 32 + 32 + 15));
}

TEST_F(CostModel, CountsEveryTensorOnce) {
  ScanWork work = countWork(scan, *cpu, {3, 100});
  double perToken = 2 * 4 + 2 * 5 * 2 + 2 * 3 * 2 + 2 * 3 * 4;
  double states = 2 * (3 * 2 * 3 * 5 * 4);
  EXPECT_DOUBLE_EQ(work.bytes, 3 * 100 * perToken + states);
}

TEST_F(CostModel, SmallProductsCountMoreWhereTheirRateIsLower) {
  ScanWork work = countWork(scan, *cpu, {1, 32});
  EXPECT_GT(work.weightedFlops, work.flops);
  const Target *gpu = lookupTarget("sm_80");
  ScanWork tiled = countWork(scan, *gpu, {1, 32});
  EXPECT_DOUBLE_EQ(tiled.weightedFlops, tiled.flops);
}

TEST_F(CostModel, TheSlowestUnitCountsOnAGpuAndTheSumOnACpu) {
  ScanWork work;
  work.items = 1;
  work.weightedFlops = cpu->flopsPerSecond;
  work.exps = cpu->expsPerSecond;
  EXPECT_NEAR(predictSeconds(work, *cpu), 2, 1e-3);
  work.bytes = 3 * cpu->bytesPerSecond;
  EXPECT_NEAR(predictSeconds(work, *cpu), 3, 1e-3);
  const Target *gpu = lookupTarget("sm_90a");
  work = {};
  work.items = 1;
  work.weightedFlops = gpu->flopsPerSecond;
  work.exps = gpu->expsPerSecond;
  EXPECT_NEAR(predictSeconds(work, *gpu), 1, 1e-3);
}

TEST_F(CostModel, ChunksOfOneItemFollowEachOther) {
  const Target *gpu = lookupTarget("sm_90a");
  ScanWork work;
  work.chunks = 100;
  work.items = 132;
  double full = predictSeconds(work, *gpu);
  EXPECT_NEAR(full, gpu->launchSeconds + 100 * gpu->chunkSeconds, 1e-12);
  work.items = 133;
  EXPECT_NEAR(predictSeconds(work, *gpu),
              gpu->launchSeconds + 200 * gpu->chunkSeconds, 1e-12);
}

TEST_F(CostModel, BlockResourcesFollowTheTiles) {
  BlockResources one = predictBlockResources(scan, 3, 1, 1);
  EXPECT_EQ(one.registersPerThread, 1 + 3 + 32 + 64);
  // Tiles of 32x5, 32x5 and 32x3, the state of 3x5 and the 32x3 output are
  // padded to 16 rows and columns; a vector of tokens is not.
  int64_t stage = 32 * 4 + 3 * (32 * 16 * 2);
  EXPECT_EQ(one.sharedBytes, stage + 16 * 16 * 2 + 32 * 16 * 2);
  BlockResources three = predictBlockResources(scan, 3, 1, 3);
  EXPECT_EQ(three.sharedBytes - one.sharedBytes, 2 * stage);
}

TEST_F(CostModel, StagesLetTwoBlocksShareAUnitWherePossible) {
  Target target = *lookupTarget("sm_80");
  KernelLimits limits = getMmaSyncLimits();
  limits.dimMultiple = 1;
  int64_t two = predictBlockResources(scan, 3, limits.warps, 2).sharedBytes;
  int64_t three = predictBlockResources(scan, 3, limits.warps, 3).sharedBytes;
  std::string rejection;
  auto stages = [&](int64_t perUnit) {
    target.sharedBytesPerUnit = perUnit;
    target.sharedBytesPerBlock = perUnit - 1024;
    return chooseBlockShape(scan, target, limits, {}, rejection)->stages;
  };
  EXPECT_EQ(stages(2 * (three + 1024)), 3);
  EXPECT_EQ(stages(2 * (three + 1024) - 1), 2);
  EXPECT_EQ(stages(2 * (two + 1024) - 1), 3);
}

TEST_F(CostModel, BlockShapeNamesTheLimitThatNothingFits) {
  Target small = *lookupTarget("sm_80");
  small.sharedBytesPerBlock = 100;
  KernelLimits limits = getMmaSyncLimits();
  limits.dimMultiple = 1;
  std::string rejection;
  EXPECT_FALSE(chooseBlockShape(scan, small, limits, {}, rejection));
  EXPECT_NE(rejection.find("B of shared memory exceed 100 B"),
            std::string::npos)
      << rejection;
  limits.stateValues = 4;
  EXPECT_FALSE(chooseBlockShape(scan, small, limits, {}, rejection));
  EXPECT_NE(rejection.find("1 channels × 5 state values exceed the 4"),
            std::string::npos)
      << rejection;
}

} // namespace
