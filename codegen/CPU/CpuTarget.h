// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_CODEGEN_CPU_CPUTARGET_H
#define MAMBA_CODEGEN_CPU_CPUTARGET_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace mamba::codegen {

/// What code generation needs to know of a CPU.
struct CpuTarget {
  std::string triple;   // LLVM target triple
  std::string cpu;      // LLVM processor name
  std::string features; // LLVM feature string, "+avx512f,-avx512pf,…"
  int64_t lanes;        // f32 elements of a vector register
  int64_t registers;    // vector registers
};

/// The CPU this process runs on.
CpuTarget getHostCpuTarget();

/// Vector shape of a feature string, from the table of instruction sets in
/// CpuTarget.cpp; 4 lanes and 16 registers where no row fits.
void setVectorShape(CpuTarget &target);

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_CPUTARGET_H
