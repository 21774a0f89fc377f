// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rewrites a GPU's LLVM module for the host: one address space, functions of
// the emulator in place of intrinsics and of inline assembly.

#ifndef MAMBA_TEST_UNIT_CODEGEN_EMULATEDMODULE_H
#define MAMBA_TEST_UNIT_CODEGEN_EMULATEDMODULE_H

#include "test/unit/codegen/WarpAssembly.h"

#include "llvm/IR/Module.h"

#include <memory>

namespace mamba::test {

/// In front of the names of all functions of the emulator.
inline constexpr llvm::StringLiteral kEmulatedPrefix = "emulated.";
/// The function (action*, values*) that executes inline assembly.
inline constexpr llvm::StringLiteral kExecute = "emulated_assembly";

/// What the inline assembly of a module does; the module holds the addresses.
using AsmActions = std::vector<std::unique_ptr<AsmAction>>;

/// Parses the text of a GPU's module and rewrites it.
llvm::Expected<std::unique_ptr<llvm::Module>>
createEmulatedModule(llvm::StringRef llvmIR, llvm::LLVMContext &context,
                     AsmActions &actions);

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_EMULATEDMODULE_H
