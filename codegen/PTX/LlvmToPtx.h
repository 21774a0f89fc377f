// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM modules of kernels to PTX text, in process. Nothing here is MLIR.

#ifndef CODEGEN_PTX_LLVMTOPTX_H
#define CODEGEN_PTX_LLVMTOPTX_H

#include "passes/Targets/Targets.h"

#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <optional>
#include <string>

namespace mamba::codegen {

/// The code generator for a GPU's row; null if this LLVM has no NVPTX back end.
std::unique_ptr<llvm::TargetMachine> createPtxMachine(const Target &target);

/// Optimises the module and generates code. Calls for modules of different
/// LLVM contexts may run at the same time. Nothing if LLVM could not do it, its
/// crashes included. With `llvmIR`, leaves the optimised module as text there.
std::optional<std::string> generatePtx(std::unique_ptr<llvm::Module> module,
                                       llvm::TargetMachine &machine,
                                       std::string *llvmIR = nullptr);

} // namespace mamba::codegen

#endif // CODEGEN_PTX_LLVMTOPTX_H
