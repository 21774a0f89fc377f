// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// All operations of the dialect, for the TableGen backends.

#ifndef MAMBA_DIALECT_IR_SSDOPS_TD
#define MAMBA_DIALECT_IR_SSDOPS_TD

include "dialect/IR/SsdChunkOps.td"
include "dialect/IR/SsdMatrixOps.td"

#endif // MAMBA_DIALECT_IR_SSDOPS_TD
