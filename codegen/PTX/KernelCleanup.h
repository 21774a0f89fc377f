// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What LLVM's own passes do not do, or take long for, on functions of kernels:
// long blocks of straight-line code on the registers of a tile.

#ifndef CODEGEN_PTX_KERNELCLEANUP_H
#define CODEGEN_PTX_KERNELCLEANUP_H

#include "llvm/IR/Function.h"

namespace mamba::codegen {

/// Takes apart the vectors that hold the registers of a tile: loops carry their
/// elements of 32 bits, and what is put into such a vector and taken out again
/// is used directly.
void splitVectors(llvm::Function &function);

/// Moves arithmetic down to its first user in the block. Tile by tile, a chain
/// of point-wise ops holds all of its intermediate tiles in registers; element
/// by element it holds one. ptxas reorders less than that takes. Floating-point
/// arithmetic stays on its side of inline PTX: products and waits, beside which
/// it is meant to run.
void sinkToUsers(llvm::Function &function);

} // namespace mamba::codegen

#endif // CODEGEN_PTX_KERNELCLEANUP_H
