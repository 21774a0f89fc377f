// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/WarpFibers.h"

#include "tools/support/Float16.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <deque>
#include <ucontext.h>

namespace mamba::test {
namespace {

constexpr int kLanes = 32;
constexpr size_t kSharedBytes = 256 * 1024;
constexpr size_t kStackBytes = 256 * 1024;

alignas(1024) unsigned char shared[kSharedBytes];

struct Copy {
  void *to;
  const void *from;
  uint32_t bytes;
};

struct Fiber {
  ucontext_t context;
  std::vector<char> stack = std::vector<char>(kStackBytes);
  bool done = false;
  std::deque<std::vector<Copy>> groups;
  std::vector<Copy> open;
};

/// A place where a number of threads meet.
struct Meeting {
  int arrived = 0;
  uint64_t generation = 0;
  std::string what;
};

/// The block that is running; kernels call plain functions, so it is global.
struct Block {
  int64_t number = 0;
  int threads = 0;
  int current = 0;
  std::deque<Fiber> fibers;
  std::vector<Meeting> warps;
  Meeting all;
  ucontext_t scheduler;
  llvm::function_ref<void()> body = nullptr;
  std::string failure;
  /// Grows whenever a thread arrives at a meeting or ends.
  uint64_t progress = 0;
} block;

void pause() {
  swapcontext(&block.fibers[block.current].context, &block.scheduler);
}

/// Ends the block: the scheduler does not come back.
void fail(const std::string &message) {
  if (block.failure.empty())
    block.failure = "thread " + std::to_string(block.current) + " of block " +
                    std::to_string(block.number) + ": " + message;
  while (true)
    pause();
}

/// Waits for `count` threads with the same instruction; the last one runs
/// `execute`.
void meet(Meeting &meeting, int count, const std::string &what,
          llvm::function_ref<void()> execute) {
  if (meeting.arrived > 0 && meeting.what != what)
    fail("at " + what + " while others wait at " + meeting.what);
  meeting.what = what;
  uint64_t generation = meeting.generation;
  ++block.progress;
  if (++meeting.arrived == count) {
    execute();
    meeting.arrived = 0;
    ++meeting.generation;
    return;
  }
  while (meeting.generation == generation)
    pause();
}

void meetWarp(const std::string &what, llvm::function_ref<void()> execute) {
  meet(block.warps[block.current / kLanes], kLanes, what, execute);
}

/// What the lanes of each warp bring to an instruction and take from it.
struct Exchange {
  const char *address;
  std::array<uint32_t, 6> words;
  std::array<float, 4> sums;
  std::array<uint32_t, 4> result;
};
std::array<Exchange, 1024> exchange;

Exchange &mine() { return exchange[block.current]; }
/// The exchange of a lane of the current warp.
Exchange &ofLane(int lane) {
  return exchange[block.current / kLanes * kLanes + lane];
}

void checkShared(const void *pointer, const char *what) {
  auto *bytes = static_cast<const unsigned char *>(pointer);
  if (bytes < shared || bytes + 16 > shared + kSharedBytes ||
      reinterpret_cast<uintptr_t>(bytes) % 16 != 0)
    fail(std::string(what) + " at a stray or misaligned address");
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

uint32_t readThread() { return static_cast<uint32_t>(block.current); }
uint32_t readBlock() { return static_cast<uint32_t>(block.number); }

void barrier(uint32_t) {
  meet(block.all, block.threads, "barrier", [] {});
}
void warpBarrier(uint32_t) {
  meetWarp("bar.warp.sync", [] {});
}

void copyAsync(void *to, const void *from, uint32_t bytes) {
  checkShared(to, "cp.async");
  if (bytes != 0 && reinterpret_cast<uintptr_t>(from) % 16 != 0)
    fail("cp.async from a misaligned address");
  block.fibers[block.current].open.push_back({to, from, bytes});
}

void commitGroup() {
  Fiber &fiber = block.fibers[block.current];
  fiber.groups.push_back(std::move(fiber.open));
  fiber.open.clear();
}

void waitGroup(uint32_t pending) {
  Fiber &fiber = block.fibers[block.current];
  while (fiber.groups.size() > pending) {
    for (const Copy &copy : fiber.groups.front()) {
      std::memset(copy.to, 0, 16);
      std::memcpy(copy.to, copy.from, copy.bytes);
    }
    fiber.groups.pop_front();
  }
}

enum class Shuffle { Index, Up, Down, Butterfly };

template <Shuffle kind>
uint32_t shuffle(uint32_t value, uint32_t operand) {
  mine().words = {value, operand};
  meetWarp("shfl" + std::to_string(static_cast<int>(kind)), [] {
    for (int to = 0; to < kLanes; ++to) {
      int by = static_cast<int>(ofLane(to).words[1]), from = to;
      switch (kind) {
      case Shuffle::Index:
        from = by & 31;
        break;
      case Shuffle::Up:
        from = to - by;
        break;
      case Shuffle::Down:
        from = to + by;
        break;
      case Shuffle::Butterfly:
        from = to ^ by;
        break;
      }
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

using Row = std::array<uint16_t, 8>;

void loadMatrix(uint32_t *words, const char *address, uint32_t count,
                uint32_t transposed) {
  checkShared(address, "ldmatrix");
  mine().address = address;
  std::string what =
      "ldmatrix x" + std::to_string(count) + (transposed ? " transposed" : "");
  meetWarp(what, [&] {
    for (uint32_t matrix = 0; matrix < count; ++matrix) {
      std::array<Row, 8> rows;
      for (int i = 0; i < 8; ++i)
        std::memcpy(&rows[i], ofLane(static_cast<int>(matrix) * 8 + i).address,
                    16);
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

template <bool transposed>
void storeMatrices(char *address, llvm::ArrayRef<uint32_t> words) {
  checkShared(address, "stmatrix");
  mine().address = address;
  llvm::copy(words, mine().words.begin());
  size_t count = words.size();
  std::string what = "stmatrix x" + std::to_string(count);
  meetWarp(what + (transposed ? " transposed" : ""), [&] {
    for (size_t matrix = 0; matrix < count; ++matrix)
      for (int i = 0; i < 8; ++i) {
        Row row;
        for (int j = 0; j < 8; ++j) {
          int from = transposed ? 4 * j + i / 2 : 4 * i + j / 2;
          int half = transposed ? i % 2 : j % 2;
          row[j] =
              static_cast<uint16_t>(ofLane(from).words[matrix] >> (16 * half));
        }
        int owner = static_cast<int>(matrix) * 8 + i;
        std::memcpy(const_cast<char *>(ofLane(owner).address), row.data(), 16);
      }
  });
}
template <bool transposed>
void storeMatrix4(char *address, uint32_t a, uint32_t b, uint32_t c,
                  uint32_t d) {
  storeMatrices<transposed>(address, {a, b, c, d});
}
template <bool transposed>
void storeMatrix2(char *address, uint32_t a, uint32_t b) {
  storeMatrices<transposed>(address, {a, b});
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

float flushed(float value) {
  return std::fabs(value) < 0x1p-126f ? 0.0f : value;
}
float exp2Approximate(float x) { return flushed(std::exp2(flushed(x))); }
float reciprocal(float x) { return flushed(1 / flushed(x)); }
float divide(float x, float y) { return flushed(flushed(x) / flushed(y)); }
float squareRoot(float x) { return std::sqrt(x); }
float rsqrtApproximate(float x) { return 1 / std::sqrt(flushed(x)); }

void startFiber() {
  block.body();
  block.fibers[block.current].done = true;
  ++block.progress;
  while (true)
    pause();
}

template <typename F>
void *address(F *function) {
  return reinterpret_cast<void *>(function);
}

} // namespace

void *sharedMemory() { return shared; }

std::string runBlock(int64_t number, int threads,
                     llvm::function_ref<void()> body) {
  block.number = number;
  block.threads = threads;
  block.body = body;
  block.failure.clear();
  block.warps.assign(threads / kLanes, Meeting());
  block.all = Meeting();
  block.fibers.resize(threads);
  std::memset(shared, 0xff, kSharedBytes);
  for (Fiber &fiber : block.fibers) {
    fiber.done = false;
    fiber.groups.clear();
    fiber.open.clear();
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    makecontext(&fiber.context, startFiber, 0);
  }
  for (bool running = true; running && block.failure.empty();) {
    uint64_t before = block.progress;
    running = false;
    // Every other block runs its threads from the last to the first, so that
    // a missing barrier shows one way or the other.
    for (int step = 0; step < threads && block.failure.empty(); ++step)
      if (int i = number % 2 ? threads - 1 - step : step;
          !block.fibers[i].done) {
        block.current = i;
        swapcontext(&block.scheduler, &block.fibers[i].context);
        running = true;
      }
    if (running && block.failure.empty() && before == block.progress)
      return "block " + std::to_string(number) + ": nobody can go on";
  }
  return block.failure;
}

llvm::StringMap<void *> emulatedIntrinsics() {
  using enum Shuffle;
  return {
      {"read.ptx.sreg.tid.x", address(readThread)},
      {"read.ptx.sreg.ctaid.x", address(readBlock)},
      {"barrier.cta.sync.aligned.all", address(barrier)},
      {"bar.warp.sync", address(warpBarrier)},
      {"cp.async.cg.shared.global.16.s", address(copyAsync)},
      {"cp.async.commit.group", address(commitGroup)},
      {"cp.async.wait.group", address(waitGroup)},
      {"shfl.sync.idx.f32", address(shuffleFloat<Index>)},
      {"shfl.sync.up.f32", address(shuffleFloat<Up>)},
      {"shfl.sync.down.f32", address(shuffleFloat<Down>)},
      {"shfl.sync.bfly.f32", address(shuffleFloat<Butterfly>)},
      {"shfl.sync.idx.i32", address(shuffleInteger<Index>)},
      {"shfl.sync.bfly.i32", address(shuffleInteger<Butterfly>)},
      {"stmatrix.sync.aligned.m8n8.x4.b16.p3", address(storeMatrix4<false>)},
      {"stmatrix.sync.aligned.m8n8.x2.b16.p3", address(storeMatrix2<false>)},
      {"stmatrix.sync.aligned.m8n8.x4.trans.b16.p3",
       address(storeMatrix4<true>)},
      {"stmatrix.sync.aligned.m8n8.x2.trans.b16.p3",
       address(storeMatrix2<true>)},
      {"redux.sync.umax", address(reduceMaximum)},
      {"ex2.approx.ftz.f32", address(exp2Approximate)},
      {"rcp.approx.ftz.f", address(reciprocal)},
      {"rsqrt.approx.ftz.f", address(rsqrtApproximate)},
      {"sqrt.rn.f", address(squareRoot)},
      {"div.full.ftz", address(divide)},
      {kLoadMatrix, address(loadMatrix)},
      {kMultiply, address(multiply)},
  };
}

} // namespace mamba::test
