// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/SharedMemory.h"

#include "test/unit/codegen/WarpFibers.h"

#include "llvm/Support/ErrorHandling.h"

#include <array>
#include <cstring>
#include <sys/mman.h>
#include <vector>

namespace mamba::test {
namespace {

/// More than a block may have, so that addresses behind its end are seen.
constexpr size_t kSharedBytes = 256 * 1024;
/// Where a GPU's begins: the system has the first part.
constexpr size_t kFirstAddress = 1024;
constexpr size_t kUnitBytes = 16;

unsigned char *allocate() {
  constexpr uint64_t kStep = uint64_t{1} << 32, kFirst = 0x2000 * kStep;
  for (uint64_t at = kFirst; at < kFirst + 64 * kStep; at += kStep) {
    auto *wanted = reinterpret_cast<void *>(at);
    void *got =
        mmap(wanted, kFirstAddress + kSharedBytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == wanted)
      return static_cast<unsigned char *>(got) + kFirstAddress;
    if (got != MAP_FAILED)
      munmap(got, kFirstAddress + kSharedBytes);
  }
  llvm::report_fatal_error("no address for the emulated shared memory");
}

/// For each unit the thread that has stored to it and not fenced yet, plus 1.
std::array<uint16_t, kSharedBytes / kUnitBytes> storedBy;
std::array<std::vector<uint32_t>, kMaxThreads> unfenced;

size_t unitOf(const unsigned char *memory) {
  return static_cast<size_t>(memory - sharedMemory()) / kUnitBytes;
}

} // namespace

unsigned char *sharedMemory() {
  static unsigned char *memory = allocate();
  return memory;
}

void resetSharedMemory() {
  std::memset(sharedMemory(), 0xff, kSharedBytes);
  storedBy.fill(0);
  for (std::vector<uint32_t> &units : unfenced)
    units.clear();
}

uint32_t sharedAddress(const void *memory) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(memory));
}

unsigned char *sharedAt(uint64_t address, size_t bytes, size_t alignment,
                        const char *what) {
  auto low = static_cast<uint32_t>(address);
  if (low % alignment != 0 || low < kFirstAddress ||
      low - kFirstAddress + bytes > kSharedBytes)
    fail(std::string(what) + " at a stray or misaligned address");
  return sharedMemory() + (low - kFirstAddress);
}

void noteStore(const unsigned char *memory) {
  size_t unit = unitOf(memory);
  storedBy[unit] = static_cast<uint16_t>(currentThread() + 1);
  unfenced[currentThread()].push_back(static_cast<uint32_t>(unit));
}

void fenceStores() {
  int thread = currentThread();
  for (uint32_t unit : unfenced[thread])
    if (storedBy[unit] == thread + 1)
      storedBy[unit] = 0;
  unfenced[thread].clear();
}

void checkFenced(const unsigned char *memory, size_t bytes, const char *what) {
  for (size_t at = 0; at < bytes; at += kUnitBytes)
    if (uint16_t thread = storedBy[unitOf(memory + at)])
      fail(std::string(what) + " of what thread " + std::to_string(thread - 1) +
           " has stored without a fence for asynchronous reads");
}

} // namespace mamba::test
