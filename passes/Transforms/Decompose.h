// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The work of ssd-decompose on one mixer, for the pass itself and for
// decisions that are made by trial.

#pragma once

#include "dialect/IR/SsdOps.h"

namespace mamba {

/// Replaces `apply` by a chunk program built with `schedule`, taking fusible
/// point-wise producers and consumers into its body. The result stands in the
/// block of `apply`, whose operations are sorted again. Fails with a
/// diagnostic when the mixer has no chunk program. Remarks on what stays
/// outside are left out when `silent`.
llvm::FailureOr<ssd::ChunkScanOp> decomposeMixer(ssd::ApplyOp apply,
                                                 ssd::ScheduleAttr schedule,
                                                 bool silent = false);

} // namespace mamba
