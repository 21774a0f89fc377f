// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A golden case: a folder with case.json and in_NAME.npy, out_NAME.npy.

#pragma once

#include "tools/runner/HostTensor.h"

#include <map>
#include <string>

namespace mamba::tools {

/// A case in memory, its arrays in the layouts of compiled functions: states
/// B×H×P×N, decays B×T×H.
struct GoldenCase {
  std::string name;
  std::string templateFile;                     ///< Of its class.
  std::string dtLow = "0.0", dtHigh = "3.0e38"; ///< The option dt_limit.
  std::map<std::string, ssd::ReferenceTensor> inputs, outputs;
};

/// Reads a case; fails for a class or an option that is not known, and where
/// an array is missing, unreadable or of an unexpected rank.
llvm::Expected<GoldenCase> readGoldenCase(const std::string &folder);

/// The text of the case's function with x, B, C, z and y of `type`:
/// `text` with every ${…} replaced. ${NAME} is the type of an array, with
/// dynamic batch and time; ${float} is `type`; ${H}, ${P}, ${N} and ${G} are
/// the heads, channels, state size and heads of B; ${D.dims} the dimensions of
/// D.
llvm::Expected<std::string> instantiate(const GoldenCase &golden,
                                        llvm::StringRef text,
                                        const ElementType &type);

} // namespace mamba::tools
