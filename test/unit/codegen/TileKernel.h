// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the body of a small tile kernel on the emulator.

#ifndef MAMBA_TEST_UNIT_CODEGEN_TILEKERNEL_H
#define MAMBA_TEST_UNIT_CODEGEN_TILEKERNEL_H

#include "test/unit/codegen/CpuHarness.h"

#include <vector>

namespace mamba::test {

using Values = std::vector<double>;

/// Runs `body` in a kernel of four warps with the pointers %in0 … and %out, the
/// constants %c0, %c1, %n = 64 and %big = 1024 and the layouts #acc, #state,
/// #a, #b, #rows and #columns, and returns what it left in `count` f32 at %out.
Values runTiles(const std::string &body, const std::vector<Array *> &inputs,
                size_t count, llvm::StringRef target);

void expectNear(const Values &out, const Values &expected, double tolerance);

/// Random numbers, always the same.
Array numbers(size_t count, int32_t dtype = MAMBA_DTYPE_F32);

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_TILEKERNEL_H
