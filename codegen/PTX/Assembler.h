// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ptxas, where it is installed: for tests and for reports on registers. The
// product does not need it, the driver assembles PTX.

#ifndef CODEGEN_PTX_ASSEMBLER_H
#define CODEGEN_PTX_ASSEMBLER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace mamba::codegen {

struct AssembledKernel {
  std::string name;
  int registers = 0;
  int spillStoreBytes = 0;
  int spillLoadBytes = 0;
  int stackBytes = 0;
};

struct AssemblyReport {
  std::vector<AssembledKernel> kernels;
  /// Warnings and advice of ptxas, among them serialised wgmma.
  std::vector<std::string> warnings;
};

/// Path of ptxas on PATH, or nothing.
std::optional<std::string> findAssembler();

/// Assembles PTX for a target (`sm_90a`) and reads ptxas's report. The cubin is
/// kept at `cubinPath` unless that is empty. An error holds ptxas's output.
llvm::Expected<AssemblyReport> assemble(llvm::StringRef assembler,
                                        llvm::StringRef ptx,
                                        llvm::StringRef target,
                                        llvm::StringRef cubinPath = "");

/// The report in ptxas's verbose output.
AssemblyReport parseAssemblerOutput(llvm::StringRef output);

} // namespace mamba::codegen

#endif // CODEGEN_PTX_ASSEMBLER_H
