// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The values a function is called with: from .npy files, or drawn from a seed.

#pragma once

#include "tools/runner/Signature.h"

namespace mamba::tools {

/// Draws values for `spec` as its `init` says ("normal", "normal MEAN SDEV",
/// "uniform LOW HIGH", "constant VALUE"); without one, log decays are uniform
/// in −0.2 … −0.001 and everything else is N(0, 1). One seed gives an
/// argument the same values whatever the other arguments are.
llvm::Expected<ssd::ReferenceTensor> drawValues(const TensorSpec &spec,
                                                llvm::ArrayRef<int64_t> shape,
                                                uint64_t seed);

/// Reads a .npy file of any supported type.
llvm::Expected<ssd::ReferenceTensor> readArray(const std::string &path);

/// Writes a result as .npy: f2 for f16, f8 for f64, f4 for f32 and bf16.
llvm::Error writeArray(const std::string &path, const HostTensor &tensor);

/// Files given for tensors, by position.
using FileMap = std::map<unsigned, std::string>;

/// The arguments of one call, rounded to their types: read from `files`, the
/// others drawn. Sizes found in the files are added to `sizes` first.
llvm::Expected<std::vector<HostTensor>>
makeInputs(llvm::ArrayRef<TensorSpec> specs, const FileMap &files,
           CallSizes &sizes, uint64_t seed);

} // namespace mamba::tools
