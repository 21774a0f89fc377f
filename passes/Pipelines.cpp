// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The named pipelines: the only place that fixes the order of passes.

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

using namespace mlir;

namespace mamba {

void addPreparePipeline(OpPassManager &manager) {
  OpPassManager &functions = manager.nest<func::FuncOp>();
  functions.addPass(createConvertElementwiseToLinalgPass());
  functions.addPass(createLinalgGeneralizeNamedOpsPass());
  functions.addPass(createCanonicalizerPass());
}

void addToChunksPipeline(OpPassManager &manager, StringRef target) {
  addPreparePipeline(manager);
  OpPassManager &functions = manager.nest<func::FuncOp>();
  functions.addPass(createDecompose());
  functions.addPass(createCSEPass());
  functions.addPass(createCanonicalizerPass());
}

namespace {
struct TargetOptions : PassPipelineOptions<TargetOptions> {
  Option<std::string> target{
      *this, "target", llvm::cl::desc("cpu, or a GPU such as sm_90a"),
      llvm::cl::init("cpu")};
};
} // namespace

void registerPipelines() {
  PassPipelineRegistration<TargetOptions>(
      "ssd-to-chunks", "Lower mixers (L0) to chunk programs (L1)",
      [](OpPassManager &manager, const TargetOptions &options) {
        addToChunksPipeline(manager, options.target);
      });
}

} // namespace mamba
