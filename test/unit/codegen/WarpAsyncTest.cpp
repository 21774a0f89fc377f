// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The emulator's asynchronous instructions: what it lets pass and what it does
// not. A kernel of two roles is broken in one place after the other, and each
// time the emulator must notice.

#include "test/unit/codegen/CpuHarness.h"
#include "test/unit/codegen/EmulatedTensorMap.h"
#include "test/unit/codegen/WarpEmulator.h"

#include "codegen/PTX/PtxEmitter.h"
#include "dialect/Tile/TileDialect.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "gmock/gmock.h"

using namespace mamba;
using namespace mamba::test;
using testing::AnyOf;
using testing::HasSubstr;

namespace {

/// y_i = x_i x_iᵀ for tiles of 64×64, copied in and out in bulk.
const char *const kProducts = R"mlir(
#acc = #tile.accumulator<warps = [4, 1]>
!slots = !tile.pipeline<stages = 2>
!tiles = !tile.buffer<64x64xbf16, stages = 2, panels>
!tile = !tile.buffer<64x64xbf16, panels>
gpu.module @m {
  gpu.func @k(%n: i64,
      %x: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64},
      %y: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64})
      kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c64 = arith.constant 64 : index
    %count = arith.index_cast %n : i64 to index
    %xs = tile.alloc : !tiles
    %ys = tile.alloc : !tiles
    %p = tile.pipeline full 1 empty 4 : !slots
    tile.roles {
      tile.role "load" warps 1 registers 40 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %count step %c1 {
          %slot = tile.acquire %p iteration %i : !slots
          tile.expect %p[%slot] bytes 8192 : !slots
          %b = tile.stage %xs[%slot] : !tiles
          %t = arith.muli %i, %c64 : index
          tile.copy_bulk %x[%c0, %c0, %t] -> %b on %p[%slot] : !tile, !slots
        }
      }
      tile.role "idle" warps 1 instances 3 registers 40 {
      ^bb0(%w: index):
      }
      tile.role "multiply" warps 4 registers 184 {
      ^bb0(%w: index):
        scf.for %i = %c0 to %count step %c1 {
          %slot = tile.wait %p iteration %i : !slots
          %b = tile.stage %xs[%slot] : !tiles
          %parity = arith.remui %i, %c2 : index
          %out = tile.stage %ys[%parity] : !tiles
          %t = arith.muli %i, %c64 : index
          %g = tile.wgmma %b, %b transposed : !tile, !tile
              -> !tile.pending<tensor<64x64xf32, #acc>>
          %r = tile.wgmma_wait %g : !tile.pending<tensor<64x64xf32, #acc>>
          tile.release %p[%slot] after %r : !slots, tensor<64x64xf32, #acc>
          %r16 = arith.truncf %r
              : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
          tile.store_shared %r16, %out : tensor<64x64xbf16, #acc>, !tile
          tile.store_bulk %out -> %y[%c0, %c0, %t] pending 0 : !tile
        }
        tile.wait_stores
      }
    }
    gpu.return
  }
})mlir";

/// The optimised module of kProducts.
std::string compileProducts() {
  getContext()
      .loadDialect<tile::TileDialect, mlir::gpu::GPUDialect,
                   mlir::LLVM::LLVMDialect, mlir::scf::SCFDialect,
                   mlir::arith::ArithDialect>();
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(kProducts, &getContext());
  std::string llvmIR;
  if (!module || mlir::failed(codegen::emitPtx(
                     *module->getOps<mlir::gpu::GPUModuleOp>().begin(),
                     *lookupTarget("sm_90a"), &llvmIR)))
    ADD_FAILURE() << kProducts;
  return llvmIR;
}

EmulatedTensorMap mapOf(Array &array, int64_t rows) {
  EmulatedTensorMap map;
  map.base = array.bytes.data();
  map.rank = 3;
  const int64_t sizes[] = {64, 1, rows}, box[] = {64, 1, 64};
  int64_t stride = 2;
  for (int i = 0; i < 3; ++i) {
    map.dims[i] = static_cast<int32_t>(sizes[i]);
    map.box[i] = static_cast<int32_t>(box[i]);
    map.strides[i] = stride;
    stride *= sizes[i];
  }
  return map;
}

/// One launch of the kernel of kProducts: an error, "wrong numbers" or nothing.
std::string launchProducts(WarpEmulator &emulator) {
  // The last tile has 40 of its 64 rows.
  constexpr int64_t count = 5, rows = 4 * 64 + 40;
  std::mt19937 random(1);
  Array x = randomArray(random, rows * 64, 1, MAMBA_DTYPE_BF16), y;
  y.dtype = MAMBA_DTYPE_BF16;
  y.poison(rows * 64);
  EmulatedTensorMap maps[] = {mapOf(x, rows), mapOf(y, rows)};
  if (llvm::Error error =
          emulator.launch("k", 1, 256,
                          {count, reinterpret_cast<int64_t>(&maps[0]),
                           reinterpret_cast<int64_t>(&maps[1])}))
    return llvm::toString(std::move(error));
  std::vector<double> expected(rows * 64);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < 64 && i / 64 * 64 + j < rows; ++j)
      for (int64_t c = 0; c < 64; ++c)
        expected[i * 64 + j] +=
            x.values[i * 64 + c] * x.values[(i / 64 * 64 + j) * 64 + c];
  y.load();
  // Not less, for NaNs.
  return relativeError(y.values, expected) <= 4e-3 ? "" : "wrong numbers";
}

/// What the emulator says about a module with the kernel of kProducts, in a few
/// orders of its threads.
std::string runProducts(const std::string &llvmIR) {
  auto emulator = WarpEmulator::create(llvmIR);
  if (!emulator)
    return llvm::toString(emulator.takeError());
  for (int i = 0; i < 8; ++i)
    if (std::string problem = launchProducts(**emulator); !problem.empty())
      return problem;
  return "";
}

/// Replaces the occurrence `number` (−1: each) of a text, which must exist.
std::string replace(std::string text, const std::string &what,
                    const std::string &with, int number = -1) {
  bool found = false;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos;) {
    if (number > 0) {
      --number;
      ++at;
      continue;
    }
    found = true;
    text.replace(at, what.size(), with);
    at += with.size();
    if (number == 0)
      break;
  }
  EXPECT_TRUE(found) << what << " in\n" << text;
  return text;
}

/// Drops line `number` of those that contain a text.
std::string dropLine(const std::string &text, const std::string &what,
                     int number = 0) {
  size_t at = text.find(what);
  for (; number > 0 && at != std::string::npos; --number)
    at = text.find(what, at + 1);
  EXPECT_NE(at, std::string::npos) << what << " in\n" << text;
  size_t begin = text.rfind('\n', at), end = text.find('\n', at);
  return text.substr(0, begin) + text.substr(end);
}

class WarpAsync : public testing::Test {
protected:
  static void SetUpTestSuite() { module = compileProducts(); }
  static inline std::string module;
};

TEST_F(WarpAsync, CorrectKernel) { EXPECT_EQ(runProducts(module), ""); }

TEST_F(WarpAsync, ProducerThatDoesNotWait) {
  EXPECT_THAT(runProducts(dropLine(module, "try_wait", 0)),
              HasSubstr("one arrival too many"));
}

TEST_F(WarpAsync, ConsumerThatDoesNotWait) {
  // What it releases is not even there.
  EXPECT_THAT(runProducts(dropLine(module, "try_wait", 1)),
              HasSubstr("one arrival too many"));
}

TEST_F(WarpAsync, SlotThatOneWarpReleasesForAll) {
  EXPECT_THAT(runProducts(replace(module, "i32 4)", "i32 1)")),
              AnyOf(HasSubstr("one arrival too many"),
                    HasSubstr("has changed while wgmma was reading it"),
                    HasSubstr("nobody can go on")));
}

TEST_F(WarpAsync, ProductThatIsNotWaitedFor) {
  EXPECT_THAT(runProducts(replace(module, "wgmma.wait_group.sync.aligned 0",
                                  "wgmma.wait_group.sync.aligned 1")),
              HasSubstr("a wait lets pass registers of a product in flight"));
}

TEST_F(WarpAsync, SlotThatNobodyReleases) {
  EXPECT_THAT(
      runProducts(dropLine(module, "mbarrier.arrive.shared::cta.b64 _")),
      AllOf(HasSubstr("nobody can go on\n  threads 128-255 wait for mbarrier "),
            HasSubstr("threads 0-31 wait for mbarrier 0x8410 in phase 0 with 4 "
                      "of 4 arrivals and 0 bytes missing, parity 0")));
}

TEST_F(WarpAsync, BytesThatDoNotCome) {
  EXPECT_THAT(runProducts(replace(module, "i32 8192", "i32 8194")),
              HasSubstr("2 bytes missing, parity 0"));
  EXPECT_THAT(runProducts(replace(module, "i32 8192", "i32 8190")),
              HasSubstr("more bytes were copied than expected"));
}

TEST_F(WarpAsync, StoresThatAreNotFenced) {
  EXPECT_THAT(
      runProducts(replace(
          module, "call void @llvm.nvvm.fence.proxy.async.shared_cta()", "")),
      HasSubstr("has stored without a fence for asynchronous reads"));
}

TEST_F(WarpAsync, BufferThatIsFilledTooEarly) {
  std::string text =
      replace(module, "bulk.wait_group.read 0", "bulk.wait_group.read 2");
  EXPECT_THAT(runProducts(text), HasSubstr("has changed before it was read"));
}

TEST_F(WarpAsync, EndBeforeTheLastStore) {
  EXPECT_THAT(runProducts(dropLine(module, "bulk.wait_group 0")),
              HasSubstr("ends with bulk stores that thread 128 has not waited "
                        "for"));
}

TEST_F(WarpAsync, UnknownAssembly) {
  EXPECT_THAT(
      runProducts(replace(module, "bulk.commit_group", "bulk.commit_all")),
      HasSubstr("the emulator does not know the assembly \"@$0 "
                "cp.async.bulk.commit_all;\""));
}

/// One warp empties a slot of one stage that another fills. It reads behind its
/// release, where an arrival is all that follows.
TEST(WarpAsyncText, ReleaseBeforeTheRead) {
  std::string text = R"(
@tile_shared = external addrspace(3) global [0 x i8], align 1024
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3), i32)
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
define ptx_kernel void @k(ptr %out, ptr %map) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %full = getelementptr i8, ptr addrspace(3) @tile_shared, i64 8192
  %empty = getelementptr i8, ptr addrspace(3) @tile_shared, i64 8200
  %first = icmp eq i32 %t, 0
  %second = icmp eq i32 %t, 32
  br i1 %first, label %init, label %start
init:
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) %full, i32 1)
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) %empty, i32 1)
  br label %start
start:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br i1 %first, label %fill, label %other
fill:
  %i = phi i32 [ 0, %start ], [ %next, %fill ]
  %next = add i32 %i, 1
  %parity = and i32 %next, 1
  call void asm sideeffect "{ .reg .pred p; w: mbarrier.try_wait.parity.shared::cta.b64 p, [$0], $1; @!p bra w; }", "r,r"(ptr addrspace(3) %empty, i32 %parity)
  call void asm sideeffect "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;", "r,r"(ptr addrspace(3) %full, i32 8192)
  %row = mul i32 %i, 64
  call void asm sideeffect "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, {$3, $4, $5}], [$2];", "r,l,r,r,r,r"(ptr addrspace(3) @tile_shared, ptr %map, ptr addrspace(3) %full, i32 0, i32 0, i32 %row)
  %more = icmp ult i32 %next, 2
  br i1 %more, label %fill, label %done
other:
  br i1 %second, label %empty_slot, label %done
empty_slot:
  %j = phi i32 [ 0, %other ], [ %next_j, %empty_slot ]
  call void asm sideeffect "{ .reg .pred p; w: mbarrier.try_wait.parity.shared::cta.b64 p, [$0], $1; @!p bra w; }", "r,r"(ptr addrspace(3) %full, i32 %j)
  RELEASE
  %v = load volatile i16, ptr addrspace(3) @tile_shared
  HERE
  %slot = getelementptr i16, ptr %out, i32 %j
  store i16 %v, ptr %slot
  %next_j = add i32 %j, 1
  %more_j = icmp ult i32 %next_j, 2
  br i1 %more_j, label %empty_slot, label %done
done:
  ret void
})";
  const std::string release =
      "call void asm sideeffect \"mbarrier.arrive.shared::cta.b64 _, [$0];\", "
      "\"r\"(ptr addrspace(3) %empty)";
  std::mt19937 random(1);
  Array x = randomArray(random, 128 * 64, 1, MAMBA_DTYPE_BF16);
  EmulatedTensorMap map = mapOf(x, 128);
  for (bool early : {false, true}) {
    Array y;
    y.dtype = MAMBA_DTYPE_BF16;
    y.poison(2);
    auto emulator = WarpEmulator::create(
        replace(replace(text, "RELEASE", early ? release : ""), "HERE",
                early ? "" : release));
    ASSERT_TRUE(static_cast<bool>(emulator))
        << llvm::toString(emulator.takeError());
    int wrong = 0;
    for (int i = 0; i < 8; ++i) {
      llvm::Error error =
          (*emulator)->launch("k", 1, 64,
                              {reinterpret_cast<int64_t>(y.bytes.data()),
                               reinterpret_cast<int64_t>(&map)});
      ASSERT_FALSE(static_cast<bool>(error))
          << llvm::toString(std::move(error));
      y.load();
      wrong += y.values[0] != x.values[0] || y.values[1] != x.values[4096];
    }
    EXPECT_EQ(wrong > 0, early);
  }
}

} // namespace
