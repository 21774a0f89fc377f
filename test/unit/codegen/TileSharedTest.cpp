// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every way of a register tile and a vector through shared memory, on the
// emulator. Reading and writing go different ways, so that both must know where
// an element stands.

#include "test/unit/codegen/TileKernel.h"

using namespace mamba;
using namespace mamba::test;

namespace {

/// Numbers that are exact in 16 bits.
Array roundNumbers(size_t count) {
  Array in = numbers(count);
  for (double &value : in.values)
    value = std::round(value * 8) / 8;
  in.store();
  return in;
}

/// One way of a tile of 64 rows through a buffer.
struct Trip {
  int64_t columns;
  const char *type, *storeLayout, *loadLayout;
  bool panels, storeTransposed, loadTransposed;

  std::string tile(const std::string &element, const char *layout) const {
    return "tensor<64x" + std::to_string(columns) + "x" + element + ", " +
           layout + ">";
  }
  /// The type of the buffer, which holds the tile or its transpose.
  std::string buffer() const {
    std::string width = std::to_string(columns);
    return "!tile.buffer<" +
           (storeTransposed ? width + "x64x" : "64x" + width + "x") + type +
           (panels ? ", panels>" : ">");
  }
};

/// The kernel of a trip: one layout into the buffer, another out of it.
std::string kernelOf(const Trip &trip) {
  bool half = trip.type != std::string("f32");
  std::string in = trip.tile("f32", trip.storeLayout);
  std::string out = trip.tile("f32", trip.loadLayout);
  std::string stored = trip.tile(trip.type, trip.storeLayout);
  std::string loaded = trip.tile(trip.type, trip.loadLayout);
  return "%w = arith.constant " + std::to_string(trip.columns) +
         " : index\n%s = tile.alloc : " + trip.buffer() +
         "\n%v = tile.load_global %in0[%c0] strides [%w, %c1] bounds [%n, %w] "
         ": !llvm.ptr<1> -> " +
         in + "\n" +
         (half ? "%h = arith.truncf %v : " + in + " to " + stored + "\n" : "") +
         "tile.store_shared " + (half ? "%h" : "%v") + ", %s" +
         (trip.storeTransposed ? " transposed" : "") + " : " + stored + ", " +
         trip.buffer() + "\ntile.barrier\n%l = tile.load_shared %s" +
         (trip.loadTransposed ? " transposed" : "") + " : " + trip.buffer() +
         " -> " + loaded + "\n" +
         (half ? "%r = arith.extf %l : " + loaded + " to " + out + "\n" : "") +
         "tile.store_global " + (half ? "%r" : "%l") +
         " -> %out[%c0] strides [%w, %c1] bounds [%n, %w] : " + out +
         ", !llvm.ptr<1>";
}

void check(const Trip &trip) {
  SCOPED_TRACE(kernelOf(trip));
  Array in = roundNumbers(64 * trip.columns);
  expectNear(runTiles(kernelOf(trip), {&in}, 64 * trip.columns, "sm_90a"),
             in.values, 0);
}

TEST(TileShared, PanelsHoldTiles) {
  for (const char *type : {"bf16", "f32"})
    for (int64_t columns : {64, 128})
      for (const char *store : {"#acc", "#state"})
        for (const char *load : {"#acc", "#state"})
          check({columns, type, store, load, /*panels=*/true,
                 /*storeTransposed=*/false, /*loadTransposed=*/false});
  check({256, "f16", "#acc", "#state", /*panels=*/true,
         /*storeTransposed=*/false, /*loadTransposed=*/false});
}

/// As stored by rows and read by columns, or the other way round, or both.
TEST(TileShared, Transposes) {
  for (bool panels : {false, true})
    for (int64_t columns : {64, 128})
      for (const char *store : {"#acc", "#state", "#a"})
        check({columns, "bf16", store, "#a", panels, /*storeTransposed=*/true,
               /*loadTransposed=*/true});
  // The last 16×8 block of a tile is half an instruction.
  check({40, "f16", "#acc", "#acc", /*panels=*/false, /*storeTransposed=*/true,
         /*loadTransposed=*/true});
}

/// Panels are where copies from and to global memory put them.
TEST(TileShared, PanelsAreCopied) {
  Array in = numbers(64 * 128, MAMBA_DTYPE_BF16);
  expectNear(runTiles(R"(
    %w = arith.constant 128 : index
    %s = tile.alloc : !tile.buffer<64x128xbf16, panels>
    tile.copy_async %in0[%c0] stride %w bounds [%n, %w] -> %s
        : !llvm.ptr<1>, !tile.buffer<64x128xbf16, panels>
    tile.commit_copies
    tile.wait_copies pending 0
    tile.barrier
    %v = tile.load_shared %s
        : !tile.buffer<64x128xbf16, panels> -> tensor<64x128xbf16, #acc>
    %f = arith.extf %v
        : tensor<64x128xbf16, #acc> to tensor<64x128xf32, #acc>
    tile.store_global %f -> %out[%c0] strides [%w, %c1] bounds [%n, %w]
        : tensor<64x128xf32, #acc>, !llvm.ptr<1>)",
                      {&in}, 64 * 128, "sm_90a"),
             in.values, 0);
}

/// A vector through shared memory into a slice, repeated over a tile.
void checkSlice(const std::string &layout, bool rows) {
  Array in = roundNumbers(64);
  Values expected(64 * 64);
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 64; ++j)
      expected[i * 64 + j] = in.values[rows ? i : j];
  std::string slice =
      "tensor<64xf32, #tile.slice<axis = " + std::string(rows ? "0" : "1") +
      ", of = " + layout + ">>";
  std::string tile = "tensor<64x64xf32, " + layout + ">";
  expectNear(runTiles(R"(
    %s = tile.alloc : !tile.buffer<64xf32>
    %v = tile.load_global %in0[%c0] strides [%c1] bounds [%n]
        : !llvm.ptr<1> -> tensor<64xf32, #tile.lane>
    tile.store_shared %v, %s : tensor<64xf32, #tile.lane>, !tile.buffer<64xf32>
    tile.barrier
    %l = tile.load_shared %s : !tile.buffer<64xf32> -> )" +
                          slice + "\n%b = tile.broadcast %l : " + slice +
                          " -> " + tile +
                          "\ntile.store_global %b -> %out[%c0] strides [%n, "
                          "%c1] bounds [%n, %n] : " +
                          tile + ", !llvm.ptr<1>",
                      {&in}, 64 * 64, "sm_90a"),
             expected, 0);
}

TEST(TileShared, VectorsBecomeSlices) {
  for (const char *layout : {"#acc", "#state", "#a"})
    for (bool rows : {false, true})
      checkSlice(layout, rows);
}

/// 40 lanes: the buffer ends inside a register, and another begins there.
TEST(TileShared, VectorsEndInsideARegister) {
  Array in = roundNumbers(40);
  Values expected = in.values;
  expected.insert(expected.end(), in.values.begin(), in.values.end());
  expectNear(runTiles(R"(
    %m = arith.constant 40 : index
    %s = tile.alloc : !tile.buffer<40xf16>
    %t = tile.alloc : !tile.buffer<40xf32>
    %v = tile.load_global %in0[%c0] strides [%c1] bounds [%m]
        : !llvm.ptr<1> -> tensor<40xf32, #tile.lane>
    %h = arith.truncf %v
        : tensor<40xf32, #tile.lane> to tensor<40xf16, #tile.lane>
    tile.store_shared %v, %t : tensor<40xf32, #tile.lane>, !tile.buffer<40xf32>
    tile.barrier
    tile.store_shared %h, %s : tensor<40xf16, #tile.lane>, !tile.buffer<40xf16>
    tile.barrier
    %a = tile.load_shared %s : !tile.buffer<40xf16> -> tensor<40xf16, #tile.lane>
    %b = tile.load_shared %t : !tile.buffer<40xf32> -> tensor<40xf32, #tile.lane>
    %f = arith.extf %a
        : tensor<40xf16, #tile.lane> to tensor<40xf32, #tile.lane>
    tile.store_global %f -> %out[%c0] strides [%c1] bounds [%m]
        : tensor<40xf32, #tile.lane>, !llvm.ptr<1>
    tile.store_global %b -> %out[%m] strides [%c1] bounds [%m]
        : tensor<40xf32, #tile.lane>, !llvm.ptr<1>)",
                      {&in}, 80, "sm_90a"),
             expected, 0);
}

} // namespace
