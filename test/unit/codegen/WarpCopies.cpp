// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mbarriers and asynchronous copies.
//
// A copy makes its target undefined when it starts and writes it when somebody
// who waits for it looks; what a store reads must be complete when it starts
// and must not change until it is waited for.

#include "test/unit/codegen/BulkBox.h"
#include "test/unit/codegen/SharedMemory.h"
#include "test/unit/codegen/WarpFibers.h"
#include "test/unit/codegen/WarpInstructions.h"

#include "llvm/ADT/StringExtras.h"

#include <cstring>
#include <deque>
#include <map>

namespace mamba::test {
namespace {

std::string hexadecimal(uint32_t value) {
  return "0x" + llvm::utohexstr(value, /*LowerCase=*/true);
}

//===----------------------------------------------------------------------===//
// mbarriers
//===----------------------------------------------------------------------===//

struct Mbarrier {
  int count = 0;
  /// What the phase still waits for: arrivals and bytes.
  int arrivals = 0;
  int64_t bytes = 0;
  uint64_t phase = 0;
  std::vector<BulkBox> copies;
};
std::map<uint32_t, Mbarrier> mbarriers;

constexpr size_t kWordBytes = 8;
/// What stands in an mbarrier's word.
constexpr uint64_t kWord = 0x7265697272616221;

std::string describe(uint32_t address, const Mbarrier &mbarrier) {
  return "mbarrier " + hexadecimal(address) + " in phase " +
         std::to_string(mbarrier.phase) + " with " +
         std::to_string(mbarrier.arrivals) + " of " +
         std::to_string(mbarrier.count) + " arrivals and " +
         std::to_string(mbarrier.bytes) + " bytes missing";
}

Mbarrier &mbarrierAt(uint64_t address) {
  unsigned char *word = sharedAt(address, kWordBytes, kWordBytes, "mbarrier");
  auto known = mbarriers.find(sharedAddress(word));
  if (known == mbarriers.end())
    fail("mbarrier " + hexadecimal(sharedAddress(word)) +
         " has not been initialised");
  if (std::memcmp(word, &kWord, kWordBytes) != 0)
    fail("mbarrier " + hexadecimal(known->first) + " has been overwritten");
  return known->second;
}

void initialize(uint64_t address, uint32_t count) {
  unsigned char *word = sharedAt(address, kWordBytes, kWordBytes, "mbarrier");
  std::memcpy(word, &kWord, kWordBytes);
  auto [entry, isNew] = mbarriers.try_emplace(sharedAddress(word));
  if (!isNew || count == 0)
    fail("mbarrier " + hexadecimal(entry->first) +
         " is initialised twice, or for no arrivals");
  entry->second.count = entry->second.arrivals = static_cast<int>(count);
}

void completePhase(Mbarrier &mbarrier) {
  if (mbarrier.arrivals != 0 || mbarrier.bytes != 0)
    return;
  ++mbarrier.phase;
  mbarrier.arrivals = mbarrier.count;
}

void arrive(uint64_t address, int64_t bytes) {
  Mbarrier &mbarrier = mbarrierAt(address);
  if (mbarrier.arrivals == 0)
    fail("one arrival too many: " +
         describe(static_cast<uint32_t>(address), mbarrier));
  mbarrier.bytes += bytes;
  --mbarrier.arrivals;
  completePhase(mbarrier);
  stepAside();
}

/// The copies of a phase land when all have arrived.
bool canLand(const Mbarrier &mbarrier) {
  return mbarrier.arrivals == 0 && !mbarrier.copies.empty();
}

void land(uint64_t address, Mbarrier &mbarrier) {
  for (const BulkBox &box : mbarrier.copies) {
    box.load();
    mbarrier.bytes -= static_cast<int64_t>(box.bytes());
  }
  mbarrier.copies.clear();
  if (mbarrier.bytes < 0)
    fail("more bytes were copied than expected: " +
         describe(static_cast<uint32_t>(address), mbarrier));
  completePhase(mbarrier);
}

/// Waits for the phase of a parity; the copies that it needs land now.
void waitParity(uint64_t address, uint32_t parity) {
  while (true) {
    Mbarrier &mbarrier = mbarrierAt(address);
    auto isComplete = [&] { return mbarrier.phase % 2 != parity; };
    if (isComplete())
      return;
    if (canLand(mbarrier))
      land(address, mbarrier);
    else
      waitUntil([&] { return isComplete() || canLand(mbarrier); },
                [&] {
                  return describe(static_cast<uint32_t>(address), mbarrier) +
                         ", parity " + std::to_string(parity);
                });
  }
}

//===----------------------------------------------------------------------===//
// Bulk copies
//===----------------------------------------------------------------------===//

struct BulkStore {
  BulkBox box;
  std::vector<unsigned char> image;
  bool hasRead = false;

  explicit BulkStore(const BulkBox &box)
      : box(box), image(box.memory(), box.memory() + box.bytes()) {}

  /// Ends the read of the buffer.
  void read() {
    if (!hasRead && std::memcmp(image.data(), box.memory(), image.size()) != 0)
      fail("the buffer of a bulk store at " +
           hexadecimal(sharedAddress(box.memory())) +
           " has changed before it was read");
    hasRead = true;
  }
};
using BulkGroup = std::vector<BulkStore>;

struct ThreadCopy {
  unsigned char *to;
  const void *from;
  uint32_t size, bytes;
};

/// The copies of one thread.
struct ThreadQueues {
  std::deque<std::vector<ThreadCopy>> groups;
  std::vector<ThreadCopy> open;
  std::deque<BulkGroup> storeGroups;
  BulkGroup openStores;
};
std::vector<ThreadQueues> queues;

ThreadQueues &mine() { return queues[currentThread()]; }

void startLoad(const BulkBox &box, uint64_t mbarrier) {
  mbarrierAt(mbarrier).copies.push_back(box);
  std::memset(box.memory(), 0xff, box.bytes());
}

void startStore(const BulkBox &box) {
  checkFenced(box.memory(), box.bytes(), "a bulk store");
  mine().openStores.emplace_back(box);
}

void commitStores() {
  mine().storeGroups.push_back(std::move(mine().openStores));
  mine().openStores.clear();
}

void waitReads(size_t pending) {
  std::deque<BulkGroup> &groups = mine().storeGroups;
  for (size_t i = 0; i + pending < groups.size(); ++i)
    for (BulkStore &store : groups[i])
      store.read();
}

void waitStores(size_t pending) {
  waitReads(pending);
  std::deque<BulkGroup> &groups = mine().storeGroups;
  for (; groups.size() > pending; groups.pop_front())
    for (BulkStore &store : groups.front())
      store.box.store(store.image);
}

//===----------------------------------------------------------------------===//
// Copies of threads
//===----------------------------------------------------------------------===//

template <uint32_t size>
void copyAsync(uint64_t to, const void *from, uint32_t bytes) {
  unsigned char *target = sharedAt(to, size, size, "cp.async");
  if (bytes != 0 && reinterpret_cast<uintptr_t>(from) % size != 0)
    fail("cp.async from a misaligned address");
  if (bytes > size)
    fail("cp.async of more bytes than its size");
  std::memset(target, 0xff, size);
  mine().open.push_back({target, from, size, bytes});
}

void commitGroup() {
  mine().groups.push_back(std::move(mine().open));
  mine().open.clear();
}

void waitGroup(uint32_t pending) {
  std::deque<std::vector<ThreadCopy>> &groups = mine().groups;
  for (; groups.size() > pending; groups.pop_front())
    for (const ThreadCopy &copy : groups.front()) {
      std::memset(copy.to, 0, copy.size);
      std::memcpy(copy.to, copy.from, copy.bytes);
    }
}

void orderNothing() {}

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

/// Number of the value that is the address in `[$n]` or `[$n, …]`.
size_t addressOf(const AsmOperand &operand) {
  return static_cast<size_t>(operand.parts.front().number);
}

/// The values in `{$a, $b, …}`.
std::vector<size_t> listOf(const AsmOperand &list) {
  std::vector<size_t> numbers;
  numbers.reserve(list.parts.size());
  for (const AsmOperand &part : list.parts)
    numbers.push_back(static_cast<size_t>(part.number));
  return numbers;
}

bool isAddress(const AsmOperand &operand) {
  return operand.kind == AsmOperand::Address && hasOperands(operand.parts, "r");
}

/// `[$map, {$c0, …}]`
bool isBox(const AsmOperand &operand) {
  return operand.kind == AsmOperand::Address &&
         hasOperands(operand.parts, "r{") &&
         hasOperands(operand.parts[1].parts,
                     std::string(operand.parts[1].parts.size(), 'r')) &&
         operand.parts[1].parts.size() <= EmulatedTensorMap::kMaxRank;
}

llvm::Expected<AsmAction> prepareMbarrier(const AsmInstruction &instruction) {
  const std::vector<AsmOperand> &operands = instruction.operands;
  if (operands.size() < 2 || !isAddress(operands[1]))
    return unknownAssembly(instruction);
  size_t at = addressOf(operands[1]);
  llvm::StringRef mnemonic = instruction.mnemonic;
  if (mnemonic == "mbarrier.arrive.shared::cta.b64" &&
      hasOperands(operands, "_["))
    return [=](uint64_t *values) { arrive(values[at], 0); };
  if (!hasOperands(operands, "_[r"))
    return unknownAssembly(instruction);
  auto last = static_cast<size_t>(operands[2].number);
  if (mnemonic == "mbarrier.arrive.expect_tx.shared::cta.b64")
    return [=](uint64_t *values) {
      arrive(values[at], static_cast<int64_t>(values[last]));
    };
  if (mnemonic == "mbarrier.try_wait.parity.shared::cta.b64" &&
      instruction.repeated)
    return [=](uint64_t *values) {
      waitParity(values[at], static_cast<uint32_t>(values[last]));
    };
  return unknownAssembly(instruction);
}

AsmAction
copyBox(const AsmOperand &shared, const AsmOperand &tensor, const char *what,
        const std::function<void(const BulkBox &, uint64_t *)> &start) {
  size_t at = addressOf(shared), map = addressOf(tensor);
  return [=, numbers = listOf(tensor.parts[1])](uint64_t *values) {
    std::vector<int32_t> corner;
    corner.reserve(numbers.size());
    for (size_t number : numbers)
      corner.push_back(static_cast<int32_t>(values[number]));
    start(BulkBox(values[map], values[at], corner.data(),
                  static_cast<int>(corner.size()), what),
          values);
  };
}

/// `…d.shared::cluster… [shared], [box], [mbarrier]` and
/// `…d.global… [box], [shared]`.
llvm::Expected<AsmAction> prepareBox(const AsmInstruction &instruction,
                                     llvm::StringRef form) {
  const std::vector<AsmOperand> &operands = instruction.operands;
  int rank = 0;
  if (form.consumeInteger(10, rank))
    return unknownAssembly(instruction);
  bool isLoad = form == "d.shared::cluster.global.mbarrier::complete_tx::bytes";
  if (isLoad && hasOperands(operands, "[[[") && isAddress(operands[0]) &&
      isBox(operands[1]) && isAddress(operands[2])) {
    size_t mbarrier = addressOf(operands[2]);
    return copyBox(operands[0], operands[1], "a bulk load",
                   [=](const BulkBox &box, uint64_t *values) {
                     startLoad(box, values[mbarrier]);
                   });
  }
  if (form == "d.global.shared::cta.bulk_group" &&
      hasOperands(operands, "[[") && isBox(operands[0]) &&
      isAddress(operands[1]))
    return copyBox(operands[1], operands[0], "a bulk store",
                   [](const BulkBox &box, uint64_t *) { startStore(box); });
  return unknownAssembly(instruction);
}

} // namespace

llvm::Expected<AsmAction> prepareCopy(const AsmInstruction &instruction) {
  llvm::StringRef mnemonic = instruction.mnemonic;
  if (mnemonic.starts_with("mbarrier."))
    return prepareMbarrier(instruction);
  if (mnemonic.consume_front("cp.async.bulk.tensor."))
    return prepareBox(instruction, mnemonic);
  if (mnemonic == "cp.async.bulk.commit_group" && instruction.operands.empty())
    return [](uint64_t *) { commitStores(); };
  if (hasOperands(instruction.operands, "i")) {
    auto pending = static_cast<size_t>(instruction.operands[0].number);
    if (mnemonic == "cp.async.bulk.wait_group.read")
      return [=](uint64_t *) { waitReads(pending); };
    if (mnemonic == "cp.async.bulk.wait_group")
      return [=](uint64_t *) { waitStores(pending); };
  }
  return unknownAssembly(instruction);
}

void addCopyIntrinsics(IntrinsicTable &table) {
  auto add = [&](llvm::StringRef name, auto *function) {
    table[name] = functionAddress(function);
  };
  add("cp.async.cg.shared.global.16.s", copyAsync<16>);
  add("cp.async.ca.shared.global.4.s", copyAsync<4>);
  add("cp.async.commit.group", commitGroup);
  add("cp.async.wait.group", waitGroup);
  add("mbarrier.init.shared", initialize);
  add("fence.mbarrier_init.release.cluster", orderNothing);
  add("fence.proxy.async", fenceStores);
  add("fence.proxy.async.shared_cta", fenceStores);
}

void startCopies(int threads) {
  mbarriers.clear();
  queues.assign(threads, ThreadQueues());
}

std::string finishCopies() {
  for (const auto &[address, mbarrier] : mbarriers)
    if (!mbarrier.copies.empty())
      return "ends with bulk loads that nobody has waited for: " +
             describe(address, mbarrier);
  for (size_t thread = 0; thread < queues.size(); ++thread) {
    if (!queues[thread].openStores.empty())
      return "ends with bulk stores that thread " + std::to_string(thread) +
             " has not committed";
    for (const BulkGroup &group : queues[thread].storeGroups)
      for (const BulkStore &store : group) {
        if (!store.hasRead)
          return "ends with bulk stores that thread " + std::to_string(thread) +
                 " has not waited for";
        store.box.store(store.image);
      }
  }
  return "";
}

} // namespace mamba::test
