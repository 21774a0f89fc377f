// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/WarpAssembly.h"

#include "test/unit/codegen/WarpInstructions.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace mamba::test {

Error unknownAssembly(const AsmInstruction &instruction) {
  return createStringError("the emulator does not know the assembly \"%s\"",
                           instruction.text.c_str());
}

bool hasOperands(ArrayRef<AsmOperand> operands, StringRef kinds) {
  if (operands.size() != kinds.size())
    return false;
  for (auto [operand, kind] : zip(operands, kinds)) {
    StringRef letters = "ri_{[";
    if (letters[operand.kind] != kind)
      return false;
  }
  return true;
}

namespace {

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

/// Operands up to `close` (0: the end), which is dropped.
std::optional<std::vector<AsmOperand>> parseOperands(StringRef &text,
                                                     char close) {
  std::vector<AsmOperand> operands;
  while (true) {
    text = text.ltrim();
    AsmOperand operand;
    if (text.consume_front("[") || text.consume_front("{")) {
      bool address = text.data()[-1] == '[';
      operand.kind = address ? AsmOperand::Address : AsmOperand::List;
      auto parts = parseOperands(text, address ? ']' : '}');
      if (!parts)
        return std::nullopt;
      operand.parts = std::move(*parts);
    } else {
      StringRef word = text.take_until(
          [](char c) { return StringRef(",]}").contains(c) || isSpace(c); });
      text = text.drop_front(word.size());
      operand.name = word.str();
      if (word.empty())
        return std::nullopt;
      if (!word.getAsInteger(0, operand.number))
        operand.kind = AsmOperand::Immediate;
      else if (word.consume_front("$") &&
               !word.getAsInteger(10, operand.number))
        operand.kind = AsmOperand::Register;
    }
    operands.push_back(std::move(operand));
    text = text.ltrim();
    if (text.consume_front(","))
      continue;
    if (close == 0)
      return text.empty() ? std::optional(std::move(operands)) : std::nullopt;
    if (!text.empty() && text.front() == close) {
      text = text.drop_front();
      return operands;
    }
    return std::nullopt;
  }
}

/// `@$3 mnemonic operands`
bool parseStatement(StringRef statement, AsmInstruction &instruction) {
  if (statement.consume_front("@")) {
    instruction.guardNegated = statement.consume_front("!");
    if (!statement.consume_front("$") ||
        statement.consumeInteger(10, instruction.guard))
      return false;
    statement = statement.ltrim();
  }
  auto [mnemonic, rest] = getToken(statement, " \t\n");
  instruction.mnemonic = mnemonic.str();
  rest = rest.trim();
  if (rest.empty())
    return true;
  auto operands = parseOperands(rest, /*close=*/0);
  if (operands)
    instruction.operands = std::move(*operands);
  return operands.has_value();
}

/// Takes the label in front of a statement, if there is one.
StringRef takeLabel(StringRef &statement) {
  size_t colon = statement.find(':');
  while (colon != StringRef::npos && statement.substr(colon).starts_with("::"))
    colon = statement.find(':', colon + 2);
  // The names of unique labels have a colon inside.
  if (colon != StringRef::npos && statement.substr(colon).starts_with(":uid}"))
    colon = statement.find(':', colon + 1);
  StringRef label = statement.take_front(colon == StringRef::npos ? 0 : colon);
  if (label.empty() || label.contains(' '))
    return "";
  statement = statement.drop_front(colon + 1).ltrim();
  return label;
}

} // namespace

Expected<AsmInstruction> parseAssembly(StringRef text, unsigned numResults) {
  AsmInstruction instruction;
  instruction.text = text.str();
  instruction.numResults = numResults;
  StringRef body = text.trim();
  if (body.consume_front("{"))
    body.consume_back("}");
  SmallVector<StringRef> statements;
  body.split(statements, ';', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  StringRef label;
  bool complete = false;
  for (StringRef statement : statements) {
    statement = statement.trim();
    if (statement.empty() || statement.starts_with(".reg "))
      continue;
    if (StringRef name = takeLabel(statement); !name.empty())
      label = name;
    // The way back to an instruction that has yielded false.
    if (complete && !instruction.repeated && !label.empty() &&
        !instruction.operands.empty() &&
        statement ==
            "@!" + instruction.operands.front().name + " bra " + label.str()) {
      instruction.repeated = true;
      continue;
    }
    AsmInstruction following;
    if (!parseStatement(statement, complete ? following : instruction))
      return unknownAssembly(instruction);
    if (complete)
      instruction.next.push_back(std::move(following));
    complete = true;
  }
  if (!complete)
    return unknownAssembly(instruction);
  return instruction;
}

Expected<AsmAction> prepareAssembly(const AsmInstruction &instruction) {
  if (!instruction.next.empty())
    return prepareSequence(instruction);
  StringRef mnemonic = instruction.mnemonic;
  Expected<AsmAction> action = mnemonic.starts_with("wgmma.")
                                   ? prepareProduct(instruction)
                                   : prepareCopy(instruction);
  if (!action || instruction.guard < 0)
    return action;
  auto guard = static_cast<unsigned>(instruction.guard);
  bool wanted = !instruction.guardNegated;
  return [guard, wanted, action = std::move(*action)](uint64_t *values) {
    if ((values[guard] & 1) == wanted)
      action(values);
  };
}

} // namespace mamba::test
