// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ssd-normalize: matrix expressions to their core forms.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/Transforms/MatrixRewrite.h"

namespace mamba {
#define GEN_PASS_DEF_NORMALIZE
#include "passes/Passes.h.inc"
} // namespace mamba

using namespace mlir;
using namespace mamba;

namespace {
struct Normalize : mamba::impl::NormalizeBase<Normalize> {
  void runOnOperation() override {
    RewritePatternSet rules(&getContext());
    populateMaskRules(rules);
    populateScaleRules(rules);
    populateSumRules(rules);
    if (failed(applyPatternsGreedily(getOperation(), std::move(rules)))) {
      emitError(getOperation().getLoc(),
                "ssd-normalize does not reach a fixed point");
      signalPassFailure();
    }
  }
};
} // namespace
