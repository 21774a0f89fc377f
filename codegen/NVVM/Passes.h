// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef CODEGEN_NVVM_PASSES_H
#define CODEGEN_NVVM_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

namespace mamba::codegen {

#define GEN_PASS_DECL
#include "codegen/NVVM/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "codegen/NVVM/Passes.h.inc"

} // namespace mamba::codegen

#endif // CODEGEN_NVVM_PASSES_H
