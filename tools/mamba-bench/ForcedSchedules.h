// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which schedules of a mixer the compiler accepts when parts are forced.

#pragma once

#include "tools/mamba-bench/Mixer.h"

#include <vector>

namespace mamba::tools {

/// Values that are forced in turn, each as options of the pipeline
/// ssd-to-chunks: "stages=1", "stages=2"; or "form=recurrent",
/// "form=chunked chunk=64".
using ScheduleAxis = std::vector<std::string>;

/// The axes of "stages=1,2 chunk=32,64".
llvm::Expected<std::vector<ScheduleAxis>> parseAxes(llvm::StringRef text);

/// Form and chunk; on GPUs also consumers, stages and slices of the headdim.
std::vector<ScheduleAxis> getDefaultAxes(const Target &target,
                                         const BenchShape &shape);

struct ScheduleRejection {
  std::string parts;        ///< What was forced.
  std::string reason;       ///< By the compiler.
  int64_t combinations = 1; ///< With values of the further axes.
};

struct ForcedSchedules {
  /// The first is the compiler's choice; no two are the same program.
  std::vector<ScheduledMixer> legal;
  std::vector<ScheduleRejection> rejections;
};

/// Forces `parts` and every combination of values of `axes`, some axes left
/// open. What is rejected with an axis open is not tried with its values.
llvm::Expected<ForcedSchedules>
listSchedules(Mixer &mixer, const Target &target, llvm::StringRef parts,
              llvm::ArrayRef<ScheduleAxis> axes);

} // namespace mamba::tools
