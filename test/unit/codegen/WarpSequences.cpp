// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The emulator's inline PTX of several instructions.

#include "test/unit/codegen/SharedMemory.h"
#include "test/unit/codegen/WarpInstructions.h"

#include <cstring>
#include <map>

namespace mamba::test {
namespace {

/// The operands of the assembly, and its own registers.
struct Registers {
  uint64_t read(const AsmOperand &operand) {
    switch (operand.kind) {
    case AsmOperand::Register:
      return values[operand.number];
    case AsmOperand::Immediate:
      return static_cast<uint64_t>(operand.number);
    case AsmOperand::Address:
      return read(operand.parts.front());
    default:
      return own[operand.name];
    }
  }

  uint64_t *values;
  std::map<std::string, uint64_t> own;
};

/// d = d + s in global memory; the result is what was there.
void addAtomically(const AsmInstruction &it, Registers &registers) {
  auto *word = reinterpret_cast<uint64_t *>(registers.read(it.operands[1]));
  registers.own[it.operands[0].name] = *word;
  *word += registers.read(it.operands[2]);
}

void shiftRight(const AsmInstruction &it, Registers &registers) {
  registers.own[it.operands[0].name] =
      registers.read(it.operands[1]) >> registers.read(it.operands[2]);
}

void add(const AsmInstruction &it, Registers &registers) {
  registers.own[it.operands[0].name] =
      registers.read(it.operands[1]) + registers.read(it.operands[2]);
}

void storeShared(const AsmInstruction &it, Registers &registers) {
  uint64_t value = registers.read(it.operands[1]);
  std::memcpy(sharedAt(registers.read(it.operands[0]), 8, 8, "st.shared"),
              &value, sizeof(value));
}

struct Known {
  const char *mnemonic, *kinds;
  void (*execute)(const AsmInstruction &, Registers &);
};

constexpr Known known[] = {
    {"atom.relaxed.gpu.global.add.u64", "_[r", addAtomically},
    {"shr.u64", "__i", shiftRight},
    {"add.u64", "__i", add},
    {"st.shared.b64", "[_", storeShared}};

const Known *find(const AsmInstruction &it) {
  for (const Known &row : known)
    if (it.mnemonic == row.mnemonic && hasOperands(it.operands, row.kinds))
      return &row;
  return nullptr;
}

} // namespace

llvm::Expected<AsmAction> prepareSequence(const AsmInstruction &first) {
  std::vector<AsmInstruction> all = {first};
  all.insert(all.end(), first.next.begin(), first.next.end());
  for (const AsmInstruction &it : all)
    if (!find(it))
      return unknownAssembly(first);
  return [all = std::move(all)](uint64_t *values) {
    Registers registers = {values, {}};
    for (const AsmInstruction &it : all)
      if (it.guard < 0 || (values[it.guard] & 1) == !it.guardNegated)
        find(it)->execute(it, registers);
  };
}

} // namespace mamba::test
