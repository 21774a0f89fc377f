// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/WarpFibers.h"

#include "test/unit/codegen/SharedMemory.h"
#include "test/unit/codegen/WarpInstructions.h"

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

namespace mamba::test {
namespace {

constexpr size_t kStackBytes = 256 * 1024;
constexpr int kBarriers = 16;

/// The stacks of all threads; pages that nobody touches cost nothing.
char *stackOf(int thread) {
  static char *stacks = static_cast<char *>(
      mmap(nullptr, kMaxThreads * kStackBytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  return stacks + thread * kStackBytes;
}

struct Fiber {
  ucontext_t context;
  bool done = false;
  /// Runs only where nobody else can.
  bool aside = false;
  /// What it waits for; null if it can run.
  const llvm::function_ref<bool()> *ready = nullptr;
  const llvm::function_ref<std::string()> *what = nullptr;
};

/// A place where a number of threads meet.
struct Meeting {
  int arrived = 0;
  int count = 0;
  uint64_t generation = 0;
  const char *what = nullptr;
};

struct Block : BlockShape {
  int current = 0;
  std::vector<Fiber> fibers;
  std::vector<Meeting> warps;
  std::array<Meeting, kBarriers> barriers;
  ucontext_t scheduler;
  llvm::function_ref<void()> body = nullptr;
  std::string failure;
  /// Grows whenever a thread does what another may wait for.
  uint64_t progress = 0;
} block;

void pause() {
  swapcontext(&block.fibers[block.current].context, &block.scheduler);
}

/// Waits for `count` threads with the same instruction; the last one runs
/// `execute`.
void meet(Meeting &meeting, int count, const char *what,
          llvm::function_ref<void()> execute) {
  if (meeting.arrived > 0 && std::strcmp(meeting.what, what) != 0)
    fail(std::string("at ") + what + " while others wait at " + meeting.what);
  if (meeting.arrived > 0 && meeting.count != count)
    fail(std::string("at ") + what + " for " + std::to_string(count) +
         " threads while others wait for " + std::to_string(meeting.count));
  meeting.what = what;
  meeting.count = count;
  uint64_t generation = meeting.generation;
  ++block.progress;
  if (++meeting.arrived == count) {
    execute();
    meeting.arrived = 0;
    ++meeting.generation;
    return;
  }
  waitUntil([&] { return meeting.generation != generation; },
            [&] {
              return std::string(what) + " with " +
                     std::to_string(meeting.arrived) + " of " +
                     std::to_string(count) + " threads";
            });
}

void startFiber() {
  block.body();
  block.fibers[block.current].done = true;
  ++block.progress;
  while (true)
    pause();
}

void start(Fiber &fiber, int thread) {
  fiber = Fiber();
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = stackOf(thread);
  fiber.context.uc_stack.ss_size = kStackBytes;
  makecontext(&fiber.context, startFiber, 0);
}

/// Who waits for what, warps that wait alike together.
std::string describeWaiting() {
  std::map<std::string, std::vector<int>> waiting;
  for (int i = 0; i < block.threads; ++i)
    if (!block.fibers[i].done)
      waiting[(*block.fibers[i].what)()].push_back(i);
  std::string text =
      "block " + std::to_string(block.number) + ": nobody can go on";
  for (const auto &[what, threads] : waiting) {
    text += "\n  threads";
    for (size_t i = 0; i < threads.size();) {
      size_t end = i + 1;
      while (end < threads.size() && threads[end] == threads[end - 1] + 1)
        ++end;
      text += " " + std::to_string(threads[i]);
      if (end > i + 1)
        text += "-" + std::to_string(threads[end - 1]);
      i = end;
    }
    text += " wait for " + what;
  }
  return text;
}

/// A bit that looks random.
bool toss(int64_t a, int64_t b) {
  uint64_t bits = static_cast<uint64_t>(a) * 0x9e3779b97f4a7c15 +
                  static_cast<uint64_t>(b) * 0xd1b54a32d192ed03;
  return (bits ^ bits >> 29 ^ bits >> 43) >> 17 & 1;
}

/// Lets every thread that can run (of those that have stepped aside or not) do
/// so once. Every other block runs its threads from the last to the first, so
/// that a missing barrier shows one way or the other. Returns false if there
/// was none.
bool runRound(bool aside) {
  bool ran = false;
  for (int step = 0; step < block.threads && block.failure.empty(); ++step) {
    bool backwards = (block.number + block.schedule) % 2;
    int i = backwards ? block.threads - 1 - step : step;
    Fiber &fiber = block.fibers[i];
    if (fiber.done || fiber.aside != aside ||
        (fiber.ready && !(*fiber.ready)()))
      continue;
    block.current = i;
    fiber.aside = false;
    fiber.ready = nullptr;
    swapcontext(&block.scheduler, &fiber.context);
    ran = true;
  }
  return ran;
}

} // namespace

int64_t currentBlock() { return block.number; }
int64_t currentGrid() { return block.grid; }
int currentThread() { return block.current; }

void fail(const std::string &message) {
  if (block.failure.empty())
    block.failure = "thread " + std::to_string(block.current) + " of block " +
                    std::to_string(block.number) + ": " + message;
  while (true)
    pause();
}

void waitUntil(llvm::function_ref<bool()> ready,
               llvm::function_ref<std::string()> what) {
  Fiber &fiber = block.fibers[block.current];
  if (ready())
    return;
  fiber.ready = &ready;
  fiber.what = &what;
  pause();
}

void waitForOthers() {
  uint64_t before = block.progress;
  waitUntil([&] { return block.progress != before; },
            [] { return std::string("a flag"); });
}

void stepAside() {
  if (!toss(block.number + 64 * int64_t(block.schedule), currentWarp()))
    return;
  block.fibers[block.current].aside = true;
  pause();
}

void meetWarp(const char *what, llvm::function_ref<void()> execute) {
  meet(block.warps[currentWarp()], kLanes, what, execute);
}

void meetBarrier(uint32_t number, int count) {
  if (number >= kBarriers)
    fail("at barrier " + std::to_string(number));
  if (count < 0)
    count = block.threads;
  if (count % kLanes != 0 || count > block.threads)
    fail("at a barrier for " + std::to_string(count) + " threads");
  meet(block.barriers[number], count, "barrier", [] {});
}

std::string runBlock(const BlockShape &shape, llvm::function_ref<void()> body) {
  static_cast<BlockShape &>(block) = shape;
  int threads = shape.threads;
  block.body = body;
  block.failure.clear();
  block.warps.assign(threads / kLanes, Meeting());
  block.barriers.fill(Meeting());
  block.fibers.resize(threads);
  resetSharedMemory();
  startCopies(threads);
  startProducts(threads);
  for (int i = 0; i < threads; ++i)
    start(block.fibers[i], i);
  while (block.failure.empty() && (runRound(false) || runRound(true)))
    ;
  if (!block.failure.empty())
    return block.failure;
  for (const Fiber &fiber : block.fibers)
    if (!fiber.done)
      return describeWaiting();
  for (auto *finish : {finishProducts, finishCopies})
    if (std::string problem = finish(); !problem.empty())
      return "block " + std::to_string(shape.number) + " " + problem;
  return "";
}

} // namespace mamba::test
