// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inline PTX, taken apart so that it can be executed: one instruction, with a
// guard or in the loop that waits for it.

#ifndef MAMBA_TEST_UNIT_CODEGEN_WARPASSEMBLY_H
#define MAMBA_TEST_UNIT_CODEGEN_WARPASSEMBLY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mamba::test {

/// An operand as it is written.
struct AsmOperand {
  enum Kind {
    Register,  ///< `$n`: value n of the call.
    Immediate, ///< A number.
    Name,      ///< Anything else: `_`, a name declared in the text.
    List,      ///< `{…}`
    Address    ///< `[…]`
  };
  Kind kind = Name;
  int64_t number = 0;
  std::string name;
  std::vector<AsmOperand> parts;
};

struct AsmInstruction {
  std::string text; ///< All of it, for messages.
  std::string mnemonic;
  std::vector<AsmOperand> operands;
  /// Executed only where value `guard` is (not) true; always if negative.
  int guard = -1;
  bool guardNegated = false;
  /// Repeated until it yields true.
  bool repeated = false;
  /// Results of the call.
  unsigned numResults = 0;
  /// What is executed after it.
  std::vector<AsmInstruction> next;
};

/// Parses the text of inline PTX with `numResults` results. An error names the
/// text.
llvm::Expected<AsmInstruction> parseAssembly(llvm::StringRef text,
                                             unsigned numResults);

/// Executes an instruction for the current thread: `values` are the call's
/// results, which start as the inputs tied to them (NaN if there is none), then
/// its arguments, each zero-extended.
using AsmAction = std::function<void(uint64_t *values)>;

/// What an instruction does; an error names its text if nothing here can do
/// it.
llvm::Expected<AsmAction> prepareAssembly(const AsmInstruction &instruction);

/// The error about an instruction that is not known, or not in this form.
llvm::Error unknownAssembly(const AsmInstruction &instruction);

/// Checks the kinds of an instruction's operands, which must be the numbers and
/// registers that these letters say: `r` register, `i` immediate, `_` name, `{`
/// list, `[` address.
bool hasOperands(llvm::ArrayRef<AsmOperand> operands, llvm::StringRef kinds);

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_WARPASSEMBLY_H
