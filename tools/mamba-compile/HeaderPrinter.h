// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The C header of a function compiled ahead of time: its launch plan as static
// initialisers, and a function that hands it to the runtime.

#pragma once

#include "runtime/abi/LaunchPlan.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

namespace mamba::tools {

/// Prints the header of `plan`. `name` prefixes all identifiers; `source` is
/// mentioned in the first comment. For a GPU, `image` (PTX or cubin) becomes
/// an array; for the CPU it is empty and the kernels are declared.
void printHeader(llvm::raw_ostream &stream, const mamba_plan &plan,
                 llvm::StringRef name, llvm::StringRef source,
                 llvm::StringRef image);

/// `text` as a C identifier: other characters become '_'.
std::string makeIdentifier(llvm::StringRef text);

} // namespace mamba::tools
