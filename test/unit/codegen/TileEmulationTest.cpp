// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers of single tile ops, on the emulator: a small kernel each, compared
// with the formula in its op's description.

#include "test/unit/codegen/TileKernel.h"

#include <functional>

using namespace mamba;
using namespace mamba::test;

namespace {

//===----------------------------------------------------------------------===//
// Math
//===----------------------------------------------------------------------===//

/// Largest relative error of a math op over 1024 points of [low, high],
/// logarithmically spaced on each side of 0.
double mathError(const std::string &op, double low, double high,
                 const std::function<double(double)> &exact) {
  Array in;
  for (int i = 0; i < 1024; ++i) {
    double t = i / 1023.0;
    in.values.push_back(low > 0 ? low * std::pow(high / low, t)
                                : low + (high - low) * t);
  }
  in.store();
  Values out = runTiles(
      "%v = tile.load_global %in0[%c0] strides [%c1] bounds [%big]"
      " : !llvm.ptr<1> -> tensor<1024xf32, #tile.lane>\n%r = math." +
          op +
          " %v : tensor<1024xf32, #tile.lane>\n"
          "tile.store_global %r -> %out[%c0] strides [%c1] bounds [%big]"
          " : tensor<1024xf32, #tile.lane>, !llvm.ptr<1>",
      {&in}, 1024, "sm_80");
  double worst = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    double wanted = exact(in.values[i]);
    double error = std::fabs(out[i] - wanted);
    worst = std::max(worst, wanted == 0 ? error : error / std::fabs(wanted));
    if (std::isnan(out[i]))
      return INFINITY;
  }
  return worst;
}

TEST(TileMath, RelativeErrors) {
  auto log1p = [](double x) { return std::log1p(x); };
  auto log = [](double x) { return std::log(x); };
  auto tanh = [](double x) { return std::tanh(x); };
  EXPECT_LT(mathError("exp", -10, 10, [](double x) { return std::exp(x); }),
            1e-6);
  EXPECT_LT(mathError("exp2", -20, 20, [](double x) { return std::exp2(x); }),
            4e-7);
  EXPECT_LT(mathError("log", 1e-30, 1e30, log), 4e-7);
  EXPECT_LT(mathError("log", 0.5, 2, log), 4e-7);
  EXPECT_LT(mathError("log1p", 1e-12, 1e12, log1p), 4e-7);
  EXPECT_LT(mathError("log1p", -0.9, 1, log1p), 4e-7);
  EXPECT_LT(mathError("tanh", 1e-6, 20, tanh), 4e-7);
  EXPECT_LT(mathError("tanh", -20, 0, tanh), 4e-7);
  EXPECT_LT(mathError("sqrt", 1e-20, 1e20, [](double x) { return sqrt(x); }),
            2e-7);
  EXPECT_LT(
      mathError("rsqrt", 1e-20, 1e20, [](double x) { return 1 / sqrt(x); }),
      4e-7);
  EXPECT_EQ(mathError("absf", -5, 5, [](double x) { return fabs(x); }), 0);
}

//===----------------------------------------------------------------------===//
// Along the tokens
//===----------------------------------------------------------------------===//

TEST(TileScan, SumsInBothDirections) {
  Array in = numbers(64);
  for (bool exclusive : {false, true})
    for (bool reverse : {false, true}) {
      Values expected(64);
      for (int i = 0; i < 64; ++i)
        for (int j = 0; j < 64; ++j)
          if (reverse ? j >= i + exclusive : j <= i - exclusive)
            expected[i] += in.values[j];
      expectNear(
          runTiles(
              std::string("%v = tile.load_global %in0[%c0] strides [%c1] "
                          "bounds [%n] : !llvm.ptr<1> -> tensor<64xf32, "
                          "#tile.lane>\n%r = tile.cumsum %v") +
                  (exclusive ? " exclusive" : "") +
                  (reverse ? " reverse" : "") +
                  " : tensor<64xf32, #tile.lane>\n"
                  "tile.store_global %r -> %out[%c0] strides [%c1] bounds [%n]"
                  " : tensor<64xf32, #tile.lane>, !llvm.ptr<1>",
              {&in}, 64, "sm_80"),
          expected, 1e-6);
    }
}

TEST(TileScan, ScalarsAreKnownToEveryThread) {
  Array in = numbers(64);
  Values expected(64, in.values[37]);
  for (double &value : expected)
    for (double term : in.values)
      value += term;
  expectNear(runTiles(R"(
    %v = tile.load_global %in0[%c0] strides [%c1] bounds [%n]
        : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    %s = tile.reduce_sum %v : tensor<64xf32, #tile.lane>
    %e = tile.extract %v[37] : tensor<64xf32, #tile.lane>
    %t = arith.addf %s, %e : f32
    %r = tile.splat %t : f32 -> tensor<64xf32, #tile.lane>
    tile.store_global %r -> %out[%c0] strides [%c1] bounds [%n]
        : tensor<64xf32, #tile.lane>, !llvm.ptr<1>)",
                      {&in}, 64, "sm_80"),
             expected, 1e-6);
}

/// Sums of the rows of a 16×64 tile, plus the sum of its first row's columns.
void checkReduce(const std::string &layout) {
  Array in = numbers(16 * 64);
  Values expected(16);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 64; ++j)
      expected[i] += in.values[i * 64 + j] + in.values[j];
  std::string rows =
      "tensor<16xf32, #tile.slice<axis = 0, of = " + layout + ">>";
  std::string columns =
      "tensor<64xf32, #tile.slice<axis = 1, of = " + layout + ">>";
  std::string tile = "tensor<16x64xf32, " + layout + ">";
  expectNear(
      runTiles(
          "%c64 = arith.constant 64 : index\n"
          "%c16 = arith.constant 16 : index\n"
          "%t = tile.load_global %in0[%c0] strides [%c64, %c1] bounds "
          "[%c16, %c64] : !llvm.ptr<1> -> " +
              tile +
              "\n%v = tile.load_global %in0[%c0] strides [%c1] bounds [%c64]"
              " : !llvm.ptr<1> -> " +
              columns + "\n%sum = tile.reduce_sum %v : " + columns +
              "\n%s = tile.splat %sum : f32 -> " + rows +
              "\n%r = tile.reduce %t axis 1 : " + tile + " -> " + rows +
              "\n%a = arith.addf %r, %s : " + rows +
              "\ntile.store_global %a -> %out[%c0] strides [%c1] bounds "
              "[%c16] : " +
              rows + ", !llvm.ptr<1>",
          {&in}, 16, "sm_80"),
      expected, 1e-5);
}

TEST(TileScan, SumsOfRows) {
  checkReduce("#tile.coalesced<warps = [4, 1]>");
  checkReduce("#tile.accumulator<warps = [1, 1], copies = 4>");
}

/// The decay mask in a layout, with every combination of its flags.
void checkDecay(const std::string &layout, bool hasPrefix) {
  Array prefix = numbers(64);
  double sum = 0;
  for (double &value : prefix.values)
    value = sum -= std::fabs(value) * 3;
  prefix.store();
  for (bool strict : {false, true})
    for (bool transposed : {false, true}) {
      Values expected(64 * 64);
      for (int i = 0; i < 64; ++i)
        for (int j = 0; j < 64; ++j)
          if (strict ? j < i : j <= i)
            expected[transposed ? j * 64 + i : i * 64 + j] =
                hasPrefix ? std::exp(prefix.values[i] - prefix.values[j]) : 1;
      expectNear(
          runTiles(std::string(
                       "%v = tile.load_global %in0[%c0] strides [%c1] bounds "
                       "[%n] : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>\n"
                       "%l = tile.segment_decay") +
                       (hasPrefix ? " %v" : "") + (strict ? " strict" : "") +
                       (transposed ? " transposed" : "") + " : (" +
                       (hasPrefix ? "tensor<64xf32, #tile.lane>" : "") +
                       ") -> tensor<64x64xf32, " + layout +
                       ">\ntile.store_global %l -> %out[%c0] strides [%n, %c1]"
                       " bounds [%n, %n] : tensor<64x64xf32, " +
                       layout + ">, !llvm.ptr<1>",
                   {&prefix}, 64 * 64, "sm_80"),
          expected, 2e-5);
    }
}

/// Scores of 3, for which each warp has a code of its own where rows are cut
/// over warps.
void checkScoredDecay(const std::string &layout) {
  Array in = numbers(64);
  const std::string type = "tensor<64x64xf32, " + layout + ">";
  for (bool strict : {false, true})
    for (bool transposed : {false, true}) {
      Values expected(64 * 64);
      for (int i = 0; i < 64; ++i)
        for (int j = 0; j < 64; ++j) {
          double mask = i == j ? (strict ? 0 : 3) : 3 * int(j < i);
          expected[transposed ? j * 64 + i : i * 64 + j] = mask;
        }
      expectNear(runTiles("%three = arith.constant dense<3.0> : " + type +
                              "\n%l = tile.segment_decay scores %three" +
                              (strict ? " strict" : "") +
                              (transposed ? " transposed" : "") + " : (" +
                              type + ") -> " + type +
                              "\ntile.store_global %l -> %out[%c0] strides "
                              "[%n, %c1] bounds [%n, %n] : " +
                              type + ", !llvm.ptr<1>",
                          {&in}, 64 * 64, "sm_80"),
                 expected, 0);
    }
}

TEST(TileDecay, Scores) {
  checkScoredDecay("#acc");
  checkScoredDecay("#state");
}

TEST(TileDecay, RowsOverWarps) { checkDecay("#acc", /*hasPrefix=*/true); }
TEST(TileDecay, ColumnsOverWarps) { checkDecay("#state", /*hasPrefix=*/true); }
TEST(TileDecay, WithoutPrefix) { checkDecay("#acc", /*hasPrefix=*/false); }

//===----------------------------------------------------------------------===//
// Products and layouts
//===----------------------------------------------------------------------===//

/// out = A·B with the operands from buffers, stored as given or transposed.
void checkProduct(bool transposeA, bool transposeB, const std::string &layout,
                  llvm::StringRef target) {
  constexpr int64_t m = 64, k = 48, n = 96;
  Array a = numbers(m * k, MAMBA_DTYPE_BF16);
  Array b = numbers(k * n, MAMBA_DTYPE_BF16);
  Values expected(m * n);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t l = 0; l < k; ++l)
        expected[i * n + j] += a.values[transposeA ? l * m + i : i * k + l] *
                               b.values[transposeB ? j * k + l : l * n + j];
  std::string aType =
      transposeA ? "!tile.buffer<48x64xbf16>" : "!tile.buffer<64x48xbf16>";
  std::string bType =
      transposeB ? "!tile.buffer<96x48xbf16>" : "!tile.buffer<48x96xbf16>";
  std::string aRow = transposeA ? "%n" : "%k", bRow = transposeB ? "%k" : "%w";
  std::string type = "tensor<64x96xf32, " + layout + ">";
  std::string body =
      "%k = arith.constant 48 : index\n%w = arith.constant 96 : index\n%as = "
      "tile.alloc : " +
      aType + "\n%bs = tile.alloc : " + bType +
      "\ntile.copy_async %in0[%c0] stride " + aRow +
      " bounds [%big, %big] -> %as : !llvm.ptr<1>, " + aType +
      "\ntile.copy_async %in1[%c0] stride " + bRow +
      " bounds [%big, %big] -> %bs : !llvm.ptr<1>, " + bType +
      "\ntile.commit_copies\ntile.wait_copies pending 0\ntile.barrier\n"
      "%z = arith.constant dense<0.0> : " +
      type + "\n%p = tile.mma %as" + (transposeA ? " transposed" : "") +
      ", %bs" + (transposeB ? " transposed" : "") + ", %z : " + aType + ", " +
      bType + " -> " + type +
      "\ntile.store_global %p -> %out[%c0] strides [%w, %c1] bounds [%n, %w] "
      ": " +
      type + ", !llvm.ptr<1>";
  expectNear(runTiles(body, {&a, &b}, m * n, target), expected, 1e-5);
}

TEST(TileProduct, OperandsEitherWayRound) {
  for (bool transposeA : {false, true})
    for (bool transposeB : {false, true}) {
      checkProduct(transposeA, transposeB, "#acc", "sm_80");
      checkProduct(transposeA, transposeB, "#state", "sm_90a");
    }
}

/// Registers to shared memory and back, 16 and 32 bits, in both warp grids.
void checkRoundTrip(const std::string &type, const std::string &layout,
                    llvm::StringRef target) {
  Array in = numbers(64 * 96);
  for (double &value : in.values)
    value = std::round(value * 8) / 8; // exact in 16 bits
  in.store();
  std::string f32 = "tensor<64x96xf32, " + layout + ">";
  std::string tile = "tensor<64x96x" + type + ", " + layout + ">";
  std::string buffer = "!tile.buffer<64x96x" + type + ">";
  bool half = type != "f32";
  std::string body =
      "%w = arith.constant 96 : index\n%s = tile.alloc : " + buffer +
      "\n%v = tile.load_global %in0[%c0] strides [%w, %c1] bounds [%n, %w] : "
      "!llvm.ptr<1> -> " +
      f32 + "\n" +
      (half ? "%h = arith.truncf %v : " + f32 + " to " + tile + "\n" : "") +
      "tile.store_shared " + (half ? "%h" : "%v") + ", %s : " + tile + ", " +
      buffer + "\ntile.barrier\n%l = tile.load_shared %s : " + buffer + " -> " +
      tile + "\n" +
      (half ? "%r = arith.extf %l : " + tile + " to " + f32 + "\n" : "") +
      "tile.store_global " + (half ? "%r" : "%l") +
      " -> %out[%c0] strides [%w, %c1] bounds [%n, %w] : " + f32 +
      ", !llvm.ptr<1>";
  expectNear(runTiles(body, {&in}, 64 * 96, target), in.values, 0);
}

TEST(TileShared, RoundTrip) {
  for (const char *layout : {"#acc", "#state"})
    for (const char *target : {"sm_80", "sm_90a"})
      for (const char *type : {"f32", "f16", "bf16"})
        checkRoundTrip(type, layout, target);
}

TEST(TileLayouts, SlicesAndBroadcasts) {
  Array in = numbers(64);
  Values expected(64 * 64);
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 64; ++j)
      expected[i * 64 + j] = in.values[i] + i - j;
  expectNear(runTiles(R"(
    %v = tile.load_global %in0[%c0] strides [%c1] bounds [%n]
        : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    %r = tile.convert_layout %v
        : tensor<64xf32, #tile.lane> -> tensor<64xf32, #rows>
    %b = tile.broadcast %r : tensor<64xf32, #rows> -> tensor<64x64xf32, #acc>
    %i = tile.iota axis 0 : tensor<64x64xi32, #acc>
    %j = tile.iota axis 1 : tensor<64x64xi32, #acc>
    %d = arith.subi %i, %j : tensor<64x64xi32, #acc>
    %f = arith.sitofp %d : tensor<64x64xi32, #acc> to tensor<64x64xf32, #acc>
    %s = arith.addf %b, %f : tensor<64x64xf32, #acc>
    tile.store_global %s -> %out[%c0] strides [%n, %c1] bounds [%n, %n]
        : tensor<64x64xf32, #acc>, !llvm.ptr<1>)",
                      {&in}, 64 * 64, "sm_80"),
             expected, 1e-6);
}

TEST(TileLayouts, SlicesAlongColumnsOverWarps) {
  Array in = numbers(64);
  Values expected(16 * 64);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 64; ++j)
      expected[i * 64 + j] = in.values[j];
  expectNear(runTiles(R"(
    %v = tile.load_global %in0[%c0] strides [%c1] bounds [%n]
        : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    %r = tile.convert_layout %v
        : tensor<64xf32, #tile.lane> -> tensor<64xf32, #columns>
    %b = tile.broadcast %r
        : tensor<64xf32, #columns> -> tensor<16x64xf32, #state>
    tile.store_global %b -> %out[%c0] strides [%n, %c1] bounds [%n, %n]
        : tensor<16x64xf32, #state>, !llvm.ptr<1>)",
                      {&in}, 16 * 64, "sm_80"),
             expected, 0);
}

/// Bounds cut a copy and a store; what lies outside reads as 0 and is not
/// written.
TEST(TileCopies, KeepToTheirBounds) {
  Array in = numbers(50 * 40, MAMBA_DTYPE_BF16);
  Values expected(64 * 64);
  for (int i = 0; i < 50; ++i)
    for (int j = 0; j < 40; ++j)
      expected[i * 64 + j] = in.values[i * 40 + j];
  expectNear(runTiles(R"(
    %r = arith.constant 50 : index
    %w = arith.constant 40 : index
    %s = tile.alloc : !tile.buffer<64x64xbf16>
    tile.copy_async %in0[%c0] stride %w bounds [%r, %w] -> %s
        : !llvm.ptr<1>, !tile.buffer<64x64xbf16>
    tile.commit_copies
    tile.wait_copies pending 0
    tile.barrier
    %v = tile.load_shared %s
        : !tile.buffer<64x64xbf16> -> tensor<64x64xbf16, #acc>
    %f = arith.extf %v
        : tensor<64x64xbf16, #acc> to tensor<64x64xf32, #acc>
    tile.store_global %f -> %out[%c0] strides [%n, %c1] bounds [%n, %n]
        : tensor<64x64xf32, #acc>, !llvm.ptr<1>)",
                      {&in}, 64 * 64, "sm_80"),
             expected, 0);
}

} // namespace
