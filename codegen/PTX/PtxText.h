// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX as text, as LLVM prints it.

#ifndef CODEGEN_PTX_PTXTEXT_H
#define CODEGEN_PTX_PTXTEXT_H

#include "llvm/ADT/ArrayRef.h"

#include <optional>
#include <string>

namespace mamba::codegen {

/// The module of all kernels, from modules of one kernel each that LLVM
/// printed: what it would print of all but for the numbers of labels. Nothing
/// if they declare different things in front of their kernels.
std::optional<std::string> joinPtx(llvm::ArrayRef<std::string> modules);

} // namespace mamba::codegen

#endif // CODEGEN_PTX_PTXTEXT_H
