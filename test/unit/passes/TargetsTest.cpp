// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Targets/Targets.h"

#include "llvm/ADT/StringSet.h"
#include "gtest/gtest.h"

using namespace mamba;

namespace {

TEST(Targets, EveryRowIsFoundByItsName) {
  llvm::StringSet<> names;
  for (const Target &target : getTargets()) {
    EXPECT_TRUE(names.insert(target.name).second) << target.name.str();
    EXPECT_EQ(lookupTarget(target.name), &target);
  }
  for (const char *name :
       {"cpu", "sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120"})
    EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_EQ(lookupTarget("sm_90"), nullptr);
  EXPECT_EQ(lookupTarget(""), nullptr);
}

TEST(Targets, ListNamesEveryRowOnce) {
  EXPECT_EQ(listTargets(), "cpu, sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_120");
}

TEST(Targets, RatesArePositive) {
  for (const Target &target : getTargets()) {
    EXPECT_GT(target.units, 0) << target.name.str();
    for (double rate : {target.bytesPerSecond, target.flopsPerSecond,
                        target.simpleOpsPerSecond, target.expsPerSecond})
      EXPECT_GT(rate, 1e8) << target.name.str();
    for (double seconds : {target.launchSeconds, target.chunkSeconds}) {
      EXPECT_GT(seconds, 0) << target.name.str();
      EXPECT_LT(seconds, 1e-4) << target.name.str();
    }
  }
}

// The state, its chunk's outputs and the scores must leave registers for
// fragments and addresses.
TEST(Targets, CarriedStateFitsTheRegistersOfABlock) {
  const KernelLimits &limits = getMmaSyncLimits();
  int64_t threads = 32 * limits.warps;
  for (const Target &target : getTargets())
    if (target.isGpu()) {
      EXPECT_LE(threads * target.registersPerThread, target.registersPerUnit)
          << target.name.str();
      EXPECT_LE(2 * limits.stateValues / threads, target.registersPerThread)
          << target.name.str();
      EXPECT_EQ(target.sharedBytesPerUnit - target.sharedBytesPerBlock, 1024)
          << target.name.str();
      EXPECT_FALSE(target.ptxFeature.empty()) << target.name.str();
    }
}

} // namespace
