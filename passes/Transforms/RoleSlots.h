// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the consumers and the mask role of a warp-specialised kernel find in
// shared memory.

#pragma once

#include "passes/Transforms/RoleKernel.h"

namespace mamba {

/// The slots of one iteration of a role, waited for on first use.
class RoleSlots : public RoleInputs {
public:
  RoleSlots(RoleKernel &kernel, mlir::Value group,
            RoleKernel::Iterations iterations)
      : kernel(kernel), group(group), iterations(iterations) {}

  bool holdsTile(mlir::Value tile) override;
  mlir::Value getTile(mlir::Value tile) override;
  mlir::Value getVector(mlir::Value value, Form form) override;
  mlir::Value getFactors(ssd::SegmentDecayOp mask, mlir::Value scale,
                         int64_t block) override;

  mlir::Value getShared() {
    return wait(kernel.shared, sharedSlot, {}, iterations.operands);
  }
  mlir::Value getOwn() {
    return wait(kernel.own, ownSlot, group, iterations.operands);
  }
  mlir::Value getMask() {
    return wait(kernel.mask, maskSlot, group, iterations.masks);
  }
  /// The masks that this role reads from buffers; none in the mask role.
  bool readsMasks = false;
  /// In the first pass over a segment.
  bool sumsUp = false;
  /// A slot that another user of this iteration has waited for.
  void bindShared(mlir::Value slot) { sharedSlot = slot; }
  void release(const RoleKernel::Pipeline &pipeline, mlir::Value slot,
               mlir::ValueRange after);

private:
  mlir::Value wait(const RoleKernel::Pipeline &pipeline, mlir::Value &slot,
                   mlir::Value group, mlir::Value iteration);

  RoleKernel &kernel;
  mlir::Value group;
  RoleKernel::Iterations iterations;
  mlir::Value sharedSlot, ownSlot, maskSlot;
};

} // namespace mamba
