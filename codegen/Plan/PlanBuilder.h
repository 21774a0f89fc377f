// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The launch plan of a function whose operations have become kernels.

#pragma once

#include "codegen/Plan/KernelLaunch.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/abi/LaunchPlan.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace mamba::codegen {

/// A mamba_plan and everything it points to.
class OwnedPlan {
public:
  OwnedPlan() = default;
  OwnedPlan(const OwnedPlan &) = delete;
  OwnedPlan &operator=(const OwnedPlan &) = delete;

  const mamba_plan &get() const { return plan; }

private:
  friend class PlanBuilder;
  friend class OraclePlan;
  friend class PlanImageReader;
  const char *keep(llvm::StringRef text);

  std::deque<std::string> strings;
  std::vector<mamba_param> params;
  std::vector<mamba_symbol> symbols;
  std::vector<mamba_kernel> kernels;
  mamba_plan plan{};
};

/// What a back end says about itself and its kernels.
struct PlanOptions {
  std::string target;
  int32_t minCapability = 0;
  int32_t exactCapability = 0;
  /// Alignment in bytes that kernels require of token tensors and states; 0:
  /// that of their elements.
  int32_t alignment = 0;
  /// Whether constant tensors are part of a kernel and take no parameter.
  bool embedsConstants = false;
  /// The launch of a kernel that an operation names in the attributes
  /// `ssd.kernel` or `ssd.alternatives`.
  std::function<llvm::FailureOr<KernelLaunch>(mlir::Operation *,
                                              mlir::SymbolRefAttr kernel)>
      getLaunch;
};

/// Reads the plan off `function`: its arguments are the inputs, what it returns
/// the outputs, everything else that kernels exchange temporaries. Dynamic
/// sizes are the batch (dimension 0) and the length (dimension 1). Fails with a
/// diagnostic at an operation that has no kernel.
llvm::FailureOr<std::unique_ptr<OwnedPlan>>
buildPlan(mlir::func::FuncOp function, const PlanOptions &options);

} // namespace mamba::codegen
