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
  SelectScheduleOptions options;
  options.target = target.str();
  addToChunksPipeline(manager, options);
}

void addToChunksPipeline(OpPassManager &manager,
                         const SelectScheduleOptions &options) {
  addPreparePipeline(manager);
  OpPassManager &functions = manager.nest<func::FuncOp>();
  functions.addPass(createCSEPass());
  functions.addPass(createNormalize());
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
  functions.addPass(createSelectSchedule(options));
  functions.addPass(createDecompose());
  functions.addPass(createCSEPass());
  functions.addPass(createCanonicalizerPass());
}

void addToTilesPipeline(OpPassManager &manager) {
  manager.addPass(createAssignTiles());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createLoopInvariantCodeMotionPass());
}

namespace {
/// The options of ssd-select-schedule.
struct ToChunksOptions : PassPipelineOptions<ToChunksOptions> {
  Option<std::string> target{*this, "target",
                             llvm::cl::desc("cpu, or a GPU such as sm_90a"),
                             llvm::cl::init("cpu")};
  Option<std::string> form{
      *this, "form",
      llvm::cl::desc("Force the form: recurrent, chunked or quadratic")};
  Option<std::string> weights{
      *this, "weights",
      llvm::cl::desc("Force the side of the state weights: values or keys")};
  Option<int64_t> chunk{*this, "chunk",
                        llvm::cl::desc("Force the tokens a chunk")};
  Option<int64_t> subBlock{
      *this, "sub-block",
      llvm::cl::desc("Force the side of a mask's sub-blocks")};
  Option<int64_t> channels{
      *this, "channels",
      llvm::cl::desc("Force the headdim slice of a thread block")};
  Option<int64_t> warps{*this, "warps",
                        llvm::cl::desc("Force the warps of a thread block")};
  Option<int64_t> stages{
      *this, "stages",
      llvm::cl::desc("Force the shared-memory pipeline stages")};
  Option<int64_t> consumers{
      *this, "consumers",
      llvm::cl::desc("Force the consumer warpgroups of a thread block (0: a "
                     "kernel without roles)"),
      llvm::cl::init(-1)};
  Option<int64_t> segment{
      *this, "segment",
      llvm::cl::desc("Force the fewest chunks of a segment of a sequence (0: "
                     "ranges instead of segments)"),
      llvm::cl::init(-1)};

  SelectScheduleOptions get() const {
    SelectScheduleOptions options;
    options.target = target;
    options.form = form;
    options.weights = weights;
    options.chunk = chunk;
    options.subBlock = subBlock;
    options.channels = channels;
    options.warps = warps;
    options.stages = stages;
    options.consumers = consumers;
    options.segment = segment;
    return options;
  }
};
} // namespace

void registerPipelines() {
  PassPipelineRegistration<ToChunksOptions>(
      "ssd-to-chunks", "Lower mixers (L0) to chunk programs (L1)",
      [](OpPassManager &manager, const ToChunksOptions &options) {
        addToChunksPipeline(manager, options.get());
      });
  PassPipelineRegistration<ToChunksOptions>(
      "ssd-to-tiles", "Lower mixers (L0) to tile programs (L2)",
      [](OpPassManager &manager, const ToChunksOptions &options) {
        addToChunksPipeline(manager, options.get());
        addToTilesPipeline(manager);
      });
}

} // namespace mamba
