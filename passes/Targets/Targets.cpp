// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Targets/Targets.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace mamba {
namespace {

constexpr int64_t kKiB = 1024;

// GPU rates are published peaks times what plain kernels reach (copies 0.9,
// mma.sync products 0.6 of the dense 16-bit peak; 16 exponentials a clock and
// multiprocessor); sm_90a's bandwidth was measured with a copy kernel and its
// time a chunk with the Mamba-2 kernel (0.73 ms for 640 items of 64 chunks),
// the other rows have that scaled by the clock. The CPU row is one core, fitted
// to the time of chunks of 1 to 128 tokens (within 20 %); cores share work
// items evenly, so that their number does not change the choice.
constexpr Target kTargets[] = {
    {.name = "cpu",
     .machine = "one Zen 5 core, AVX-512",
     .family = InstructionFamily::Cpu,
     .ptxFeature = "",
     .capability = 0,
     .hasStmatrix = false,
     .hasWgmma = false,
     .units = 1,
     .registersPerThread = 0,
     .registersPerUnit = 0,
     .sharedBytesPerBlock = 0,
     .sharedBytesPerUnit = 0,
     .scratchBytes = 2048 * kKiB,
     .bytesPerSecond = 12e9,
     .flopsPerSecond = 200e9,
     .simpleOpsPerSecond = 30e9,
     .expsPerSecond = 2e9,
     .launchSeconds = 5e-6,
     .chunkSeconds = 5e-8,
     .halfRows = 1,
     .overlaps = false},
    {.name = "sm_80",
     .machine = "A100 SXM 80 GB",
     .family = InstructionFamily::MmaSync,
     .ptxFeature = "+ptx80",
     .capability = 80,
     .hasStmatrix = false,
     .hasWgmma = false,
     .units = 108,
     .registersPerThread = 255,
     .registersPerUnit = 65536,
     .sharedBytesPerBlock = 163 * kKiB,
     .sharedBytesPerUnit = 164 * kKiB,
     .scratchBytes = 0,
     .bytesPerSecond = 1.84e12,
     .flopsPerSecond = 187e12,
     .simpleOpsPerSecond = 9.7e12,
     .expsPerSecond = 2.4e12,
     .launchSeconds = 4e-6,
     .chunkSeconds = 2.7e-6,
     .halfRows = 0,
     .overlaps = true},
    {.name = "sm_86",
     .machine = "A10",
     .family = InstructionFamily::MmaSync,
     .ptxFeature = "+ptx80",
     .capability = 86,
     .hasStmatrix = false,
     .hasWgmma = false,
     .units = 72,
     .registersPerThread = 255,
     .registersPerUnit = 65536,
     .sharedBytesPerBlock = 99 * kKiB,
     .sharedBytesPerUnit = 100 * kKiB,
     .scratchBytes = 0,
     .bytesPerSecond = 0.54e12,
     .flopsPerSecond = 75e12,
     .simpleOpsPerSecond = 15.6e12,
     .expsPerSecond = 1.9e12,
     .launchSeconds = 4e-6,
     .chunkSeconds = 2.2e-6,
     .halfRows = 0,
     .overlaps = true},
    {.name = "sm_89",
     .machine = "L40S",
     .family = InstructionFamily::MmaSync,
     .ptxFeature = "+ptx80",
     .capability = 89,
     .hasStmatrix = false,
     .hasWgmma = false,
     .units = 142,
     .registersPerThread = 255,
     .registersPerUnit = 65536,
     .sharedBytesPerBlock = 99 * kKiB,
     .sharedBytesPerUnit = 100 * kKiB,
     .scratchBytes = 0,
     .bytesPerSecond = 0.78e12,
     .flopsPerSecond = 217e12,
     .simpleOpsPerSecond = 45e12,
     .expsPerSecond = 5.7e12,
     .launchSeconds = 4e-6,
     .chunkSeconds = 1.6e-6,
     .halfRows = 0,
     .overlaps = true},
    {.name = "sm_90a",
     .machine = "H100 SXM 80 GB",
     .family = InstructionFamily::MmaSync,
     .ptxFeature = "+ptx80",
     .capability = 90,
     .hasStmatrix = true,
     .hasWgmma = true,
     .units = 132,
     .registersPerThread = 255,
     .registersPerUnit = 65536,
     .sharedBytesPerBlock = 227 * kKiB,
     .sharedBytesPerUnit = 228 * kKiB,
     .scratchBytes = 0,
     .bytesPerSecond = 3.01e12,
     .flopsPerSecond = 480e12,
     .simpleOpsPerSecond = 33e12,
     .expsPerSecond = 3.7e12,
     .launchSeconds = 4e-6,
     .chunkSeconds = 2.2e-6,
     .halfRows = 0,
     .overlaps = true},
    {.name = "sm_100a",
     .machine = "B200",
     .family = InstructionFamily::MmaSync,
     .ptxFeature = "+ptx86",
     .capability = 100,
     .hasStmatrix = true,
     .hasWgmma = false,
     .units = 148,
     .registersPerThread = 255,
     .registersPerUnit = 65536,
     .sharedBytesPerBlock = 227 * kKiB,
     .sharedBytesPerUnit = 228 * kKiB,
     .scratchBytes = 0,
     .bytesPerSecond = 7.2e12,
     .flopsPerSecond = 600e12,
     .simpleOpsPerSecond = 40e12,
     .expsPerSecond = 4.4e12,
     .launchSeconds = 4e-6,
     .chunkSeconds = 2e-6,
     .halfRows = 0,
     .overlaps = true},
    {.name = "sm_120",
     .machine = "RTX 5090",
     .family = InstructionFamily::MmaSync,
     .ptxFeature = "+ptx87",
     .capability = 120,
     .hasStmatrix = true,
     .hasWgmma = false,
     .units = 170,
     .registersPerThread = 255,
     .registersPerUnit = 65536,
     .sharedBytesPerBlock = 99 * kKiB,
     .sharedBytesPerUnit = 100 * kKiB,
     .scratchBytes = 0,
     .bytesPerSecond = 1.61e12,
     .flopsPerSecond = 125e12,
     .simpleOpsPerSecond = 52e12,
     .expsPerSecond = 6.5e12,
     .launchSeconds = 4e-6,
     .chunkSeconds = 1.6e-6,
     .halfRows = 0,
     .overlaps = true},
};

} // namespace

llvm::ArrayRef<Target> getTargets() { return kTargets; }

const Target *lookupTarget(llvm::StringRef name) {
  for (const Target &target : kTargets)
    if (target.name == name)
      return &target;
  return nullptr;
}

std::string listTargets() {
  return llvm::join(
      llvm::map_range(getTargets(),
                      [](const Target &target) { return target.name.str(); }),
      ", ");
}

const KernelLimits &getMmaSyncLimits() {
  static constexpr KernelLimits kLimits = {.warps = 4,
                                           .rowsPerWarp = 16,
                                           .dimMultiple = 8,
                                           .dimLimit = 256,
                                           .channelLimit = 64,
                                           .stateValues = 8192,
                                           .maxStages = 3};
  return kLimits;
}

} // namespace mamba
