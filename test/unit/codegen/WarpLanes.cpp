// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the lanes of a warp do together, and mathematics.

#include "test/unit/codegen/SharedMemory.h"
#include "test/unit/codegen/WarpFibers.h"
#include "test/unit/codegen/WarpInstructions.h"

#include "tools/support/Float16.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace mamba::test {
namespace {

/// What the lanes of each warp bring to an instruction and take from it.
struct Exchange {
  unsigned char *address;
  std::array<uint32_t, 6> words;
  std::array<float, 4> sums;
  std::array<uint32_t, 4> result;
};
std::array<Exchange, kMaxThreads> exchange;

Exchange &mine() { return exchange[currentThread()]; }
/// The exchange of a lane of the current warp.
Exchange &ofLane(int lane) { return exchange[currentWarp() * kLanes + lane]; }

//===----------------------------------------------------------------------===//
// Threads and barriers
//===----------------------------------------------------------------------===//

uint32_t readThread() { return static_cast<uint32_t>(currentThread()); }
uint32_t readBlock() { return static_cast<uint32_t>(currentBlock()); }
uint32_t readGrid() { return static_cast<uint32_t>(currentGrid()); }
uint32_t readZero() { return 0; }

void barrier(uint32_t number) { meetBarrier(number, /*count=*/-1); }
void countedBarrier(uint32_t number, uint32_t count) {
  meetBarrier(number, static_cast<int>(count));
}
void warpBarrier(uint32_t) {
  meetWarp("bar.warp.sync", [] {});
}
void setRegisters(uint32_t) {
  meetWarp("setmaxnreg", [] {});
}
void elect(uint32_t *words, uint32_t) {
  meetWarp("elect.sync", [] {});
  // Any lane may be the one.
  words[0] = 0;
  words[1] = currentLane() == 0;
}
void sleep(uint32_t) { waitForOthers(); }

//===----------------------------------------------------------------------===//
// Shuffles
//===----------------------------------------------------------------------===//

enum class Shuffle { Index, Up, Down, Butterfly };

/// The lane that a lane takes a value from.
template <Shuffle kind>
int sourceLane(int lane, int operand) {
  switch (kind) {
  case Shuffle::Index:
    return operand & (kLanes - 1);
  case Shuffle::Up:
    return lane - operand;
  case Shuffle::Down:
    return lane + operand;
  case Shuffle::Butterfly:
    return lane ^ operand;
  }
}

template <Shuffle kind>
uint32_t shuffle(uint32_t value, uint32_t operand) {
  static constexpr const char *names[] = {"shfl.idx", "shfl.up", "shfl.down",
                                          "shfl.bfly"};
  mine().words = {value, operand};
  meetWarp(names[static_cast<int>(kind)], [] {
    for (int to = 0; to < kLanes; ++to) {
      int from = sourceLane<kind>(to, static_cast<int>(ofLane(to).words[1]));
      bool exists = from >= 0 && from < kLanes;
      ofLane(to).result[0] = ofLane(exists ? from : to).words[0];
    }
  });
  return mine().result[0];
}

template <Shuffle kind>
float shuffleFloat(uint32_t, float value, uint32_t operand, uint32_t) {
  return std::bit_cast<float>(
      shuffle<kind>(std::bit_cast<uint32_t>(value), operand));
}
template <Shuffle kind>
uint32_t shuffleInteger(uint32_t, uint32_t value, uint32_t operand, uint32_t) {
  return shuffle<kind>(value, operand);
}

uint32_t reduceMaximum(uint32_t value, uint32_t) {
  mine().words[0] = value;
  meetWarp("redux umax", [] {
    uint32_t largest = 0;
    for (int from = 0; from < kLanes; ++from)
      largest = std::max(largest, ofLane(from).words[0]);
    for (int to = 0; to < kLanes; ++to)
      ofLane(to).result[0] = largest;
  });
  return mine().result[0];
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

constexpr size_t kRowBytes = 16;
using Row = std::array<uint16_t, 8>;
using Matrix = std::array<Row, 8>;

/// Words `index` of all lanes as a matrix: lane l has elements (l / 4, l % 4 ·
/// 2) and the next, the other way round if `transposed`.
Matrix gather(size_t index, bool transposed) {
  Matrix matrix;
  for (int from = 0; from < kLanes; ++from)
    for (int half : {0, 1}) {
      int i = from / 4, j = from % 4 * 2 + half;
      auto value =
          static_cast<uint16_t>(ofLane(from).words[index] >> (16 * half));
      (transposed ? matrix[j][i] : matrix[i][j]) = value;
    }
  return matrix;
}

void loadMatrix(uint32_t *words, uint64_t address, uint32_t count,
                uint32_t transposed) {
  mine().address = sharedAt(address, kRowBytes, kRowBytes, "ldmatrix");
  const char *what = transposed ? "ldmatrix.trans" : "ldmatrix";
  meetWarp(what, [&] {
    for (uint32_t matrix = 0; matrix < count; ++matrix) {
      Matrix rows;
      for (int i = 0; i < 8; ++i)
        std::memcpy(&rows[i], ofLane(static_cast<int>(matrix) * 8 + i).address,
                    kRowBytes);
      for (int to = 0; to < kLanes; ++to) {
        int i = to / 4, j = to % 4 * 2;
        uint32_t low = transposed ? rows[j][i] : rows[i][j];
        uint32_t high = transposed ? rows[j + 1][i] : rows[i][j + 1];
        ofLane(to).result[matrix] = low | high << 16;
      }
    }
  });
  std::memcpy(words, mine().result.data(), 4 * count);
}

void storeMatrices(uint64_t address, llvm::ArrayRef<uint32_t> words,
                   bool transposed) {
  mine().address = sharedAt(address, kRowBytes, kRowBytes, "stmatrix");
  llvm::copy(words, mine().words.begin());
  const char *what = transposed ? "stmatrix.trans" : "stmatrix";
  meetWarp(what, [&] {
    for (size_t index = 0; index < words.size(); ++index) {
      Matrix matrix = gather(index, transposed);
      for (int i = 0; i < 8; ++i)
        std::memcpy(ofLane(static_cast<int>(index) * 8 + i).address, &matrix[i],
                    kRowBytes);
    }
  });
  if (static_cast<size_t>(currentLane()) < words.size() * 8)
    noteStore(mine().address);
}
template <bool transposed>
void storeMatrix4(uint64_t address, uint32_t a, uint32_t b, uint32_t c,
                  uint32_t d) {
  storeMatrices(address, {a, b, c, d}, transposed);
}
template <bool transposed>
void storeMatrix2(uint64_t address, uint32_t a, uint32_t b) {
  storeMatrices(address, {a, b}, transposed);
}

/// Element `half` of a word.
double element(uint32_t word, int half, bool isHalf) {
  auto bits = static_cast<uint16_t>(word >> (16 * half));
  return isHalf ? tools::Half::toDouble(bits) : tools::Bfloat16::toDouble(bits);
}

/// m16n8k16, fragments as the PTX ISA draws them.
void multiplyWarp(bool isHalf) {
  double a[16][16], b[16][8];
  for (int from = 0; from < kLanes; ++from) {
    int group = from / 4, pair = from % 4 * 2;
    const std::array<uint32_t, 6> &words = ofLane(from).words;
    for (int word = 0; word < 6; ++word)
      for (int half : {0, 1}) {
        double value = element(words[word], half, isHalf);
        if (word < 4)
          a[group + word % 2 * 8][pair + half + word / 2 * 8] = value;
        else
          b[pair + half + (word - 4) * 8][group] = value;
      }
  }
  for (int to = 0; to < kLanes; ++to)
    for (int i = 0; i < 4; ++i) {
      int row = to / 4 + i / 2 * 8, column = to % 4 * 2 + i % 2;
      double sum = ofLane(to).sums[i];
      for (int k = 0; k < 16; ++k)
        sum += a[row][k] * b[k][column];
      ofLane(to).result[i] = std::bit_cast<uint32_t>(static_cast<float>(sum));
    }
}

void multiply(uint32_t *result, const uint32_t *words, const float *sums,
              uint32_t isHalf) {
  std::memcpy(mine().words.data(), words, 24);
  std::memcpy(mine().sums.data(), sums, 16);
  meetWarp("mma", [&] { multiplyWarp(isHalf != 0); });
  std::memcpy(result, mine().result.data(), 16);
}

//===----------------------------------------------------------------------===//
// Mathematics
//===----------------------------------------------------------------------===//

float flushed(float value) {
  return std::fabs(value) < 0x1p-126f ? 0.0f : value;
}
float exp2Approximate(float x) { return flushed(std::exp2(flushed(x))); }
float reciprocal(float x) { return flushed(1 / flushed(x)); }
float divide(float x, float y) { return flushed(flushed(x) / flushed(y)); }
float squareRoot(float x) { return std::sqrt(x); }
float rsqrtApproximate(float x) { return 1 / std::sqrt(flushed(x)); }

} // namespace

void addLaneIntrinsics(IntrinsicTable &table) {
  using enum Shuffle;
  auto add = [&](llvm::StringRef name, auto *function) {
    table[name] = functionAddress(function);
  };
  add("read.ptx.sreg.tid.x", readThread);
  add("read.ptx.sreg.ctaid.x", readBlock);
  add("read.ptx.sreg.ctaid.z", readZero);
  add("read.ptx.sreg.nctaid.x", readGrid);
  add("barrier.cta.sync.aligned.all", barrier);
  add("barrier.cta.sync.aligned.count", countedBarrier);
  add("bar.warp.sync", warpBarrier);
  add("setmaxnreg.inc.sync.aligned.u32", setRegisters);
  add("setmaxnreg.dec.sync.aligned.u32", setRegisters);
  add("nanosleep", sleep);
  add("shfl.sync.idx.f32", shuffleFloat<Index>);
  add("shfl.sync.up.f32", shuffleFloat<Up>);
  add("shfl.sync.down.f32", shuffleFloat<Down>);
  add("shfl.sync.bfly.f32", shuffleFloat<Butterfly>);
  add("shfl.sync.idx.i32", shuffleInteger<Index>);
  add("shfl.sync.bfly.i32", shuffleInteger<Butterfly>);
  add("stmatrix.sync.aligned.m8n8.x4.b16.p3", storeMatrix4<false>);
  add("stmatrix.sync.aligned.m8n8.x2.b16.p3", storeMatrix2<false>);
  add("stmatrix.sync.aligned.m8n8.x4.trans.b16.p3", storeMatrix4<true>);
  add("stmatrix.sync.aligned.m8n8.x2.trans.b16.p3", storeMatrix2<true>);
  add("redux.sync.umax", reduceMaximum);
  add("ex2.approx.ftz.f32", exp2Approximate);
  add("rcp.approx.ftz.f", reciprocal);
  add("rsqrt.approx.ftz.f", rsqrtApproximate);
  add("sqrt.rn.f", squareRoot);
  add("div.full.ftz", divide);
  add(kLoadMatrix, loadMatrix);
  add(kMultiply, multiply);
  add(kElect, elect);
}

} // namespace mamba::test
