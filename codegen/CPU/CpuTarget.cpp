// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/CpuTarget.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"

namespace mamba::codegen {
namespace {

struct VectorShape {
  llvm::StringLiteral feature;
  int64_t lanes, registers;
};

/// Widest first.
constexpr VectorShape kVectorShapes[] = {
    {"+avx512f", 16, 32},
    {"+avx", 8, 16},
    {"+neon", 4, 32},
    {"+sse2", 4, 16},
};

} // namespace

void setVectorShape(CpuTarget &target) {
  target.lanes = 4;
  target.registers = 16;
  llvm::SmallVector<llvm::StringRef> features;
  llvm::StringRef(target.features).split(features, ',');
  for (const VectorShape &shape : kVectorShapes) {
    if (!llvm::is_contained(features, shape.feature))
      continue;
    target.lanes = shape.lanes;
    target.registers = shape.registers;
    return;
  }
}

CpuTarget getHostCpuTarget() {
  CpuTarget target;
  target.triple = llvm::Triple::normalize(llvm::sys::getProcessTriple());
  target.cpu = llvm::sys::getHostCPUName().str();
  llvm::SubtargetFeatures features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    features.AddFeature(feature.first(), feature.second);
  target.features = features.getString();
  setVectorShape(target);
  return target;
}

} // namespace mamba::codegen
