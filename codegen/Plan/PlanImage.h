// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Launch plans as bytes, for caches. The form is that of the structs in memory:
// what one build of the compiler wrote only the same build reads.

#pragma once

#include "codegen/Plan/PlanBuilder.h"

namespace mamba::codegen {

/// `plan` and everything it points to.
std::string writePlanImage(const mamba_plan &plan);

/// The plan of an image; null if the image is cut short or of another version.
std::unique_ptr<OwnedPlan> readPlanImage(llvm::StringRef image);

} // namespace mamba::codegen
