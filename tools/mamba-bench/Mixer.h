// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The Mamba-2 mixer of one shape, and what the compiler makes of it with parts
// of its schedule forced.

#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Targets/Targets.h"
#include "tools/mamba-bench/Shapes.h"
#include "tools/runner/Signature.h"

#include <memory>

namespace mamba::tools {

/// A mixer as a chunk program, which the compiler takes as it takes the mixer.
struct ScheduledMixer {
  std::string text;     ///< Of the module; empty if there is a rejection.
  std::string schedule; ///< "form = chunked, chunk = 64, …".
  double flops = 0;     ///< Of the products of a call.
  /// Why the compiler does not take the forced parts, by its diagnostics.
  std::string rejection;
};

class Mixer {
public:
  static llvm::Expected<std::unique_ptr<Mixer>>
  create(const BenchShape &shape, const MixerVariant &variant);

  /// The module with nothing decided.
  const std::string &getText() const { return text; }
  mlir::func::FuncOp getFunction();
  const Signature &getSignature() const { return signature; }
  const CallSizes &getSizes() const { return sizes; }

  /// Schedules the mixer for `target` with `parts` forced, options of the
  /// pipeline ssd-to-chunks ("chunk=64 stages=2"). Fails if they are none.
  llvm::Expected<ScheduledMixer> schedule(const Target &target,
                                          llvm::StringRef parts);

private:
  Mixer();

  mlir::MLIRContext context;
  std::string text;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Signature signature;
  CallSizes sizes;
};

} // namespace mamba::tools
