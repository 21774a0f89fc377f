// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Flags that launches leave behind: each launch must see its own as set and
// those of all others as not set. The kernels are broken in one place after the
// other, and each time a launch must notice.

#include "test/unit/codegen/CpuHarness.h"
#include "test/unit/codegen/WarpEmulator.h"

#include "codegen/PTX/PtxEmitter.h"
#include "dialect/Tile/TileDialect.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "gmock/gmock.h"

#include <regex>

using namespace mamba;
using namespace mamba::test;
using testing::AnyOf;
using testing::HasSubstr;

namespace {

/// `set` sets the flag of each block; `get` waits for the flags 0 to n − 1,
/// which its own launches never set. In the others each block waits for blocks
/// before it and sets its own: in `side` for all of them side by side, in
/// `roles` for the one before, two instances of a role each on its own.
const char *const kKernels = R"mlir(
gpu.module @m {
  gpu.func @set(%area: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %flags = tile.flags %area : !llvm.ptr<1>
    %block = gpu.block_id x
    tile.signal %flags[%block]
    gpu.return
  }
  gpu.func @get(%area: !llvm.ptr<1>, %n: i64) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %flags = tile.flags %area : !llvm.ptr<1>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %count = arith.index_cast %n : i64 to index
    scf.for %i = %c0 to %count step %c1 {
      tile.await %flags[%i]
    }
    gpu.return
  }
  gpu.func @side(%area: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %flags = tile.flags %area : !llvm.ptr<1>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %block = gpu.block_id x
    tile.await %flags[%c0] count %block stride %c1
    tile.signal %flags[%block]
    gpu.return
  }
  gpu.func @roles(%area: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %block = gpu.block_id x
    tile.roles {
      tile.role "pass" warps 4 instances 2 registers 128 {
      ^bb0(%w: index):
        %flags = tile.flags %area : !llvm.ptr<1>
        %base = arith.muli %block, %c2 : index
        %own = arith.addi %base, %w : index
        %follows = arith.cmpi ugt, %block, %c0 : index
        scf.if %follows {
          %before = arith.subi %own, %c2 : index
          tile.await %flags[%before]
        }
        tile.signal %flags[%own]
      }
    }
    gpu.return
  }
})mlir";

std::string compileKernels() {
  getContext()
      .loadDialect<tile::TileDialect, mlir::gpu::GPUDialect,
                   mlir::LLVM::LLVMDialect, mlir::scf::SCFDialect,
                   mlir::arith::ArithDialect>();
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(kKernels, &getContext());
  std::string llvmIR;
  if (!module || mlir::failed(codegen::emitPtx(
                     *module->getOps<mlir::gpu::GPUModuleOp>().begin(),
                     *lookupTarget("sm_90a"), &llvmIR)))
    ADD_FAILURE() << kKernels;
  return llvmIR;
}

/// Launches on one flag area, which was zero before the first.
class Launches {
public:
  explicit Launches(const std::string &llvmIR) {
    auto created = WarpEmulator::create(llvmIR);
    if (created)
      emulator = std::move(*created);
    else
      problem = llvm::toString(created.takeError());
  }

  /// What is wrong: what the emulator says, or that what is left is not what
  /// all launches leave. Nothing after a launch with which something was.
  std::string run(const std::string &kernel, int64_t grid, int64_t count = 0) {
    if (!problem.empty())
      return problem;
    if (llvm::Error error =
            emulator->launch(kernel, grid, kernel == "roles" ? 256 : 64,
                             {reinterpret_cast<int64_t>(area.data()), count}))
      return problem = llvm::toString(std::move(error));
    ++launches;
    if (area[0] != launches << 16)
      return problem = "the launches are counted wrongly";
    int64_t flags = kernel == "get" ? 0 : kernel == "roles" ? 2 * grid : grid;
    for (int64_t i = 0; i < flags; ++i)
      if (area[1 + i] != launches)
        return problem = "a flag has the number of another launch";
    return "";
  }

  std::array<int64_t, 129> area = {};

private:
  std::unique_ptr<WarpEmulator> emulator;
  std::string problem;
  int64_t launches = 0;
};

/// What is wrong with launches of other grids and kernels in turns, and last
/// with one that waits for flags that only launches before it have set.
std::string runAll(const std::string &llvmIR) {
  Launches launches(llvmIR);
  for (int round = 0; round < 3; ++round)
    for (auto [kernel, grid] :
         {std::pair("roles", 5), std::pair("set", 64), std::pair("side", 40),
          std::pair("get", 7), std::pair("roles", 33), std::pair("roles", 1),
          std::pair("side", 2)})
      if (std::string problem = launches.run(kernel, grid); !problem.empty())
        return problem;
  std::string problem = launches.run("get", 1, 3);
  if (llvm::StringRef(problem).contains("wait for a flag"))
    return "";
  return problem.empty() ? "flags of other launches are set" : problem;
}

class Flags : public testing::Test {
protected:
  static void SetUpTestSuite() { module = compileKernels(); }
  static inline std::string module;

  /// The module with something else in place of a pattern, which it must have.
  static std::string with(const std::string &pattern,
                          const std::string &other) {
    std::string text = std::regex_replace(module, std::regex(pattern), other);
    EXPECT_NE(text, module) << pattern << " in\n" << text;
    return text;
  }
};

TEST_F(Flags, LaunchesInTurns) { EXPECT_EQ(runAll(module), ""); }

// As those of a workspace that is cleared for each launch.
TEST_F(Flags, ClearedBetweenLaunches) {
  for (int i = 0; i < 3; ++i) {
    Launches launches(module);
    EXPECT_EQ(launches.run("side", 9), "");
  }
}

// The last numbers, and what follows.
TEST_F(Flags, NumbersHaveAllBits) {
  auto emulator = WarpEmulator::create(module);
  ASSERT_TRUE(bool(emulator)) << llvm::toString(emulator.takeError());
  std::array<int64_t, 10> area = {-(int64_t{2} << 16)};
  for (int64_t number :
       {(int64_t{1} << 48) - 1, int64_t{1} << 48, int64_t{1}}) {
    llvm::Error error = (*emulator)->launch(
        "side", 9, 64, {reinterpret_cast<int64_t>(area.data())});
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
    EXPECT_EQ(area[9], number);
  }
}

//===----------------------------------------------------------------------===//
// Broken kernels
//===----------------------------------------------------------------------===//

TEST_F(Flags, WaitForAnyNumber) {
  EXPECT_EQ(runAll(with("icmp eq i64 (%[0-9]+), %[0-9]+", "icmp ne i64 $1, 0")),
            "flags of other launches are set");
}

TEST_F(Flags, SignalOfAnotherLaunch) {
  EXPECT_THAT(runAll(with("store atomic i64 %[0-9]+", "store atomic i64 2")),
              AnyOf("a flag has the number of another launch",
                    HasSubstr("wait for a flag")));
}

TEST_F(Flags, NumbersFromZero) {
  EXPECT_EQ(
      runAll(with("add.u64 number, number, 1", "add.u64 number, number, 0")),
      "a flag has the number of another launch");
}

TEST_F(Flags, WrongSum) {
  EXPECT_EQ(runAll(with("i64 65537", "i64 65536")),
            "the launches are counted wrongly");
}

TEST_F(Flags, EveryWarpCounts) {
  // The first lane of each, instead of the first thread.
  EXPECT_THAT(
      runAll(with("(%[0-9]+) = and i32 (%[0-9]+), 127", "$1 = and i32 $2, 31")),
      AnyOf("the launches are counted wrongly", HasSubstr("wait for a flag")));
}

} // namespace
