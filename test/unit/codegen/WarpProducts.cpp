// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of warpgroups, each warp's rows by themselves: a product does not
// make the warps of a group wait for each other.
//
// A product is computed by the wait that retires its group. Until then its
// registers hold signalling NaNs that say which register of which accumulator
// they are: only products and waits can turn them into numbers. An operand in
// shared memory is read when the product starts and when it ends, and must not
// have changed.

#include "test/unit/codegen/MatrixOperand.h"
#include "test/unit/codegen/SharedMemory.h"
#include "test/unit/codegen/WarpFibers.h"
#include "test/unit/codegen/WarpInstructions.h"

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <map>

namespace mamba::test {
namespace {

constexpr int kWarpsOfGroup = 4;
constexpr int kWarpRows = 16;

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

/// An instruction.
struct Form {
  int n = 0;
  bool isHalf = false, registersA = false, accumulates = false;
  bool transposeA = false, transposeB = false;
  /// The numbers of the first word or the descriptor of A, and of B.
  size_t a = 0, b = 0;

  int numRegisters() const { return n / 2; }
};

struct Product {
  const Form *form;
  uint32_t accumulator;
  MatrixOperand a, b;
  std::vector<uint16_t> elementsA, elementsB;
};

struct Accumulator {
  std::vector<float> values; ///< [row][column]
  int inFlight = 0;
};

struct Warp {
  std::vector<Product> open;
  std::deque<std::vector<Product>> groups;
  std::map<uint32_t, Accumulator> accumulators;
  uint32_t last = 0; ///< The newest accumulator.
  bool fenced = false;
  std::array<uint64_t *, kLanes> values; ///< Of an instruction.
  size_t started = 0;
};
std::vector<Warp> warps;

/// What the warps of a group have started, in order.
struct Started {
  const Form *form;
  uint64_t a, b;
  bool operator==(const Started &) const = default;
};
std::vector<std::vector<Started>> history;

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

/// The largest number of an accumulator.
constexpr uint32_t kMostAccumulators = (1 << 15) - 1;

uint32_t pendingRegister(uint32_t accumulator, int number) {
  return 0x7f800000 | accumulator << 7 | static_cast<uint32_t>(number);
}

/// The accumulator of a pending register, or 0.
uint32_t accumulatorOf(uint64_t bits) {
  auto word = static_cast<uint32_t>(bits);
  return word >> 22 == 0x7f800000 >> 22 ? word >> 7 & kMostAccumulators : 0;
}

/// The element of an accumulator in a register: index in its values.
size_t elementOf(int n, int lane, int number) {
  int row = lane / 4 + number % 4 / 2 * 8;
  int column = number / 4 * 8 + lane % 4 * 2 + number % 2;
  return static_cast<size_t>(row) * n + column;
}

Accumulator &find(Warp &warp, uint32_t number) {
  auto found = warp.accumulators.find(number);
  if (found == warp.accumulators.end())
    fail("wgmma with registers of a product that has ended or has been "
         "continued elsewhere");
  return found->second;
}

/// Takes the accumulator that the registers of all lanes hold.
Accumulator takeAccumulator(Warp &warp, const Form &form) {
  Accumulator accumulator;
  uint32_t pending = accumulatorOf(warp.values[0][0]);
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < form.numRegisters(); ++i) {
      uint64_t bits = warp.values[lane][i];
      if (pending ? bits != pendingRegister(pending, i)
                  : accumulatorOf(bits) != 0)
        fail("wgmma whose registers are not those of one accumulator");
    }
  if (pending) {
    accumulator = std::move(find(warp, pending));
    warp.accumulators.erase(pending);
    if (accumulator.values.size() != size_t(kWarpRows) * form.n)
      fail("wgmma continues an accumulator of another size");
    return accumulator;
  }
  if (!warp.fenced)
    fail("wgmma without a fence behind the writes to its registers");
  accumulator.values.resize(size_t(kWarpRows) * form.n);
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < form.numRegisters(); ++i)
      accumulator.values[elementOf(form.n, lane, i)] =
          std::bit_cast<float>(static_cast<uint32_t>(warp.values[lane][i]));
  return accumulator;
}

/// The left operand's words of all lanes: (o, k) at 16·o + k.
std::vector<uint16_t> gatherA(const Warp &warp, const Form &form) {
  std::vector<uint16_t> elements(size_t(kWarpRows) * kStepK);
  for (int lane = 0; lane < kLanes; ++lane)
    for (int word = 0; word < 4; ++word)
      for (int half : {0, 1}) {
        int row = lane / 4 + word % 2 * 8;
        int k = lane % 4 * 2 + word / 2 * 8 + half;
        elements[row * kStepK + k] = static_cast<uint16_t>(
            warp.values[lane][form.a + word] >> (16 * half));
      }
  return elements;
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

Warp &mine() { return warps[currentWarp()]; }

/// All lanes must bring the same descriptors, all warps the same instructions.
void checkUniform(Warp &warp, const Form &form) {
  auto descriptor = [&](int lane, size_t number) {
    return warp.values[lane][number];
  };
  Started here = {&form, form.registersA ? 0 : descriptor(0, form.a),
                  descriptor(0, form.b)};
  for (int lane = 1; lane < kLanes; ++lane)
    if (descriptor(lane, form.b) != here.b ||
        (!form.registersA && descriptor(lane, form.a) != here.a))
      fail("wgmma with descriptors that differ between lanes");
  std::vector<Started> &all = history[currentWarp() / kWarpsOfGroup];
  if (warp.started == all.size())
    all.push_back(here);
  else if (!(all[warp.started] == here))
    fail("wgmma that is not what other warps of the warpgroup execute");
  ++warp.started;
}

void start(Warp &warp, const Form &form) {
  checkUniform(warp, form);
  if (form.registersA && !warp.fenced)
    fail("wgmma without a fence behind the writes to its registers");
  Product product;
  product.form = &form;
  product.b = {warp.values[0][form.b], form.transposeB, 0, form.n};
  product.elementsB = product.b.read();
  if (form.registersA) {
    product.elementsA = gatherA(warp, form);
  } else {
    int row = currentWarp() % kWarpsOfGroup * kWarpRows;
    product.a = {warp.values[0][form.a], form.transposeA, row, kWarpRows};
    product.elementsA = product.a.read();
  }
  Accumulator accumulator;
  if (form.accumulates)
    accumulator = takeAccumulator(warp, form);
  else
    accumulator.values.assign(size_t(kWarpRows) * form.n, 0);
  ++accumulator.inFlight;
  warp.last = warp.last % kMostAccumulators + 1;
  product.accumulator = warp.last;
  // Those of older products of the chain lead to the newest.
  auto rename = [&](Product &older) {
    if (form.accumulates &&
        older.accumulator == accumulatorOf(warp.values[0][0]))
      older.accumulator = warp.last;
  };
  llvm::for_each(warp.open, rename);
  for (std::vector<Product> &group : warp.groups)
    llvm::for_each(group, rename);
  warp.accumulators[warp.last] = std::move(accumulator);
  warp.open.push_back(std::move(product));
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < form.numRegisters(); ++i)
      warp.values[lane][i] = pendingRegister(warp.last, i);
}

/// Computes a product and checks that nobody has touched its operands.
void retire(Warp &warp, const Product &product) {
  const Form &form = *product.form;
  if (product.b.read() != product.elementsB ||
      (!form.registersA && product.a.read() != product.elementsA))
    fail("shared memory has changed while wgmma was reading it");
  Accumulator &accumulator = find(warp, product.accumulator);
  std::vector<float> right(size_t(kStepK) * form.n);
  for (int j = 0; j < form.n; ++j)
    for (int k = 0; k < kStepK; ++k)
      right[k * form.n + j] =
          toFloat(product.elementsB[j * kStepK + k], form.isHalf);
  for (int i = 0; i < kWarpRows; ++i) {
    float *sums = accumulator.values.data() + size_t(i) * form.n;
    for (int k = 0; k < kStepK; ++k) {
      float left = toFloat(product.elementsA[i * kStepK + k], form.isHalf);
      const float *row = right.data() + size_t(k) * form.n;
      for (int j = 0; j < form.n; ++j)
        sums[j] += left * row[j];
    }
  }
  --accumulator.inFlight;
}

/// Retires all but the newest groups; registers of what has ended that pass
/// through the wait become numbers.
void wait(Warp &warp, size_t pending, unsigned numResults) {
  for (; warp.groups.size() > pending; warp.groups.pop_front())
    for (const Product &product : warp.groups.front())
      retire(warp, product);
  std::vector<uint32_t> ended;
  for (int lane = 0; lane < kLanes; ++lane)
    for (unsigned i = 0; i < numResults; ++i) {
      uint64_t &bits = warp.values[lane][i];
      uint32_t number = accumulatorOf(bits);
      if (number == 0)
        continue;
      const Accumulator &accumulator = find(warp, number);
      if (accumulator.inFlight != 0)
        fail("a wait lets pass registers of a product in flight");
      int n = static_cast<int>(accumulator.values.size()) / kWarpRows;
      auto at = static_cast<int>(bits & 127);
      bits =
          std::bit_cast<uint32_t>(accumulator.values[elementOf(n, lane, at)]);
      if (ended.empty() || ended.back() != number)
        ended.push_back(number);
    }
  for (uint32_t number : ended)
    warp.accumulators.erase(number);
}

void commit(Warp &warp) {
  warp.groups.push_back(std::move(warp.open));
  warp.open.clear();
  warp.fenced = false;
}

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

/// Consecutive registers from `first` on.
bool isRange(const AsmOperand &list, size_t first, size_t count) {
  if (list.kind != AsmOperand::List || list.parts.size() != count)
    return false;
  for (auto [i, part] : llvm::enumerate(list.parts))
    if (part.kind != AsmOperand::Register ||
        part.number != static_cast<int64_t>(first + i))
      return false;
  return true;
}

/// `{d…}, {a0, …, a3} or a, b, scale-d, 1, 1, transpose-a (of a descriptor),
/// transpose-b`
std::optional<Form> parseProduct(const AsmInstruction &instruction) {
  llvm::StringRef mnemonic = instruction.mnemonic;
  const std::vector<AsmOperand> &operands = instruction.operands;
  Form form;
  if (!mnemonic.consume_front("wgmma.mma_async.sync.aligned.m64n") ||
      mnemonic.consumeInteger(10, form.n) || form.n % 8 != 0 || form.n > 256)
    return std::nullopt;
  form.isHalf = mnemonic == "k16.f32.f16.f16";
  if (!form.isHalf && mnemonic != "k16.f32.bf16.bf16")
    return std::nullopt;
  form.registersA = hasOperands(operands, "{{riiii");
  if ((!form.registersA && !hasOperands(operands, "{rriiiii")) ||
      !isRange(operands[0], 0, form.numRegisters()) ||
      operands[4].number != 1 || operands[5].number != 1 ||
      instruction.guard >= 0)
    return std::nullopt;
  const AsmOperand &a = form.registersA ? operands[1].parts[0] : operands[1];
  form.a = static_cast<size_t>(a.number);
  if (form.registersA && !isRange(operands[1], form.a, 4))
    return std::nullopt;
  form.b = static_cast<size_t>(operands[2].number);
  form.accumulates = operands[3].number != 0;
  form.transposeA = !form.registersA && operands[6].number != 0;
  form.transposeB = operands.back().number != 0;
  return form;
}

/// An instruction that a warp executes once all lanes are there.
AsmAction together(const char *what, std::function<void(Warp &)> execute) {
  return [=](uint64_t *values) {
    mine().values[currentLane()] = values;
    meetWarp(what, [&] { execute(mine()); });
  };
}

} // namespace

llvm::Expected<AsmAction> prepareProduct(const AsmInstruction &instruction) {
  llvm::StringRef mnemonic = instruction.mnemonic;
  const std::vector<AsmOperand> &operands = instruction.operands;
  if (mnemonic == "wgmma.fence.sync.aligned" && operands.empty())
    return together("wgmma.fence", [](Warp &warp) { warp.fenced = true; });
  if (mnemonic == "wgmma.commit_group.sync.aligned" && operands.empty())
    return together("wgmma.commit_group", commit);
  if (mnemonic == "wgmma.wait_group.sync.aligned" && hasOperands(operands, "i"))
    return together("wgmma.wait_group",
                    [pending = static_cast<size_t>(operands[0].number),
                     results = instruction.numResults](Warp &warp) {
                      wait(warp, pending, results);
                    });
  std::optional<Form> form = parseProduct(instruction);
  if (!form)
    return unknownAssembly(instruction);
  return together("wgmma.mma_async", [shared = std::make_shared<Form>(*form)](
                                         Warp &warp) { start(warp, *shared); });
}

void startProducts(int threads) {
  warps.assign(threads / kLanes, Warp());
  history.assign(warps.size() / kWarpsOfGroup + 1, {});
}

std::string finishProducts() {
  for (size_t i = 0; i < warps.size(); ++i) {
    if (!warps[i].open.empty() || !warps[i].groups.empty())
      return "ends with products of warp " + std::to_string(i) +
             " that it has not waited for";
    if (warps[i].started != history[i / kWarpsOfGroup].size())
      return "ends with products that warp " + std::to_string(i) +
             " has not executed, but others of its warpgroup";
  }
  return "";
}

} // namespace mamba::test
