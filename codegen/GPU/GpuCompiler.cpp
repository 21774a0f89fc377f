// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/GPU/GpuCompiler.h"

#include "codegen/PTX/PtxEmitter.h"
#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "passes/Targets/Targets.h"
#include "passes/Transforms/TileKernel.h"

using namespace mlir;

namespace mamba::codegen {

FailureOr<func::FuncOp> isolateEntry(ModuleOp module, StringRef entry) {
  SmallVector<func::FuncOp> functions(module.getOps<func::FuncOp>());
  func::FuncOp chosen;
  for (func::FuncOp function : functions)
    if (function.getName() == entry || (entry.empty() && functions.size() == 1))
      chosen = function;
  if (!chosen) {
    InFlightDiagnostic diagnostic = module.emitError();
    if (entry.empty())
      diagnostic << "the module has " << functions.size()
                 << " functions, so an entry must be named";
    else
      diagnostic << "the module has no function '" << entry << "'";
    if (!functions.empty()) {
      diagnostic << "; it has ";
      llvm::interleaveComma(functions, diagnostic,
                            [&](func::FuncOp f) { diagnostic << f.getName(); });
    }
    return diagnostic;
  }
  for (func::FuncOp function : functions)
    if (function != chosen)
      function.erase();
  return chosen;
}

/// Compute capability, 10 · major + minor, of "sm_80" or "sm_90a".
static int32_t getCapability(StringRef target) {
  int32_t capability = 0;
  bool parsed = !target.drop_front(StringRef("sm_").size())
                     .take_while(llvm::isDigit)
                     .getAsInteger(10, capability);
  assert(parsed && "GPU rows are named sm_<capability>");
  (void)parsed;
  return capability;
}

/// The launch of a kernel of a chunk program, as emitted.
static FailureOr<KernelLaunch> getLaunch(ModuleOp module, Operation *op,
                                         SymbolRefAttr symbol,
                                         const PtxModule &code) {
  auto scan = cast<ssd::ChunkScanOp>(op);
  Operation *kernel = SymbolTable::lookupSymbolIn(module, symbol);
  auto emitted = llvm::find_if(code.kernels, [&](const PtxKernel &candidate) {
    return candidate.name == symbol.getLeafReference().getValue();
  });
  assert(kernel && emitted != code.kernels.end() &&
         "ssd-assign-tiles names the kernel of every chunk program");
  KernelLaunch launch;
  // A kernel without slices is persistent.
  if (auto slices = kernel->getAttrOfType<IntegerAttr>(kSlicesAttr))
    launch.blocksPerBatch = int64_t(scan.getHeads()) * slices.getInt();
  launch.blockSize = int32_t(emitted->blockSize);
  launch.sharedBytes = int32_t(emitted->sharedBytes);
  if (failed(readLaunchAttributes(kernel, launch)))
    return failure();
  return launch;
}

FailureOr<GpuProgram> compileForGpu(ModuleOp module, StringRef entry,
                                    StringRef targetName, bool withLlvmIR) {
  const Target *target = lookupTarget(targetName);
  if (!target || !target->isGpu())
    return module.emitError("unknown GPU target '")
           << targetName << "'; known targets are " << listTargets();
  FailureOr<func::FuncOp> function = isolateEntry(module, entry);
  if (failed(function))
    return failure();
  PassManager manager(module.getContext());
  // A function of chunk programs (L1) is decomposed already; preparing it again
  // would turn the bodies' element-wise code into loops.
  bool hasMixers =
      module.walk([](ssd::ApplyOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  if (hasMixers)
    addToChunksPipeline(manager, targetName);
  addToTilesPipeline(manager);
  // Tile programs are always verified: that is what proves that roles agree
  // on their barriers and fit the target.
  manager.enableVerifier(kVerifyPasses);
  if (failed(manager.run(module)) || failed(verify(module)))
    return failure();

  auto kernels = llvm::to_vector(module.getOps<gpu::GPUModuleOp>());
  if (kernels.size() != 1)
    return function->emitError("has no mixer, hence no GPU kernel");
  GpuProgram program;
  FailureOr<PtxModule> code =
      emitPtx(kernels.front(), *target, withLlvmIR ? &program.llvmIR : nullptr);
  if (failed(code))
    return failure();
  PlanOptions options;
  options.target = targetName.str();
  options.minCapability = getCapability(targetName);
  options.exactCapability = targetName.ends_with("a");
  options.alignment = 16;
  options.embedsConstants = true;
  options.getLaunch = [&](Operation *op,
                          SymbolRefAttr kernel) -> FailureOr<KernelLaunch> {
    return getLaunch(module, op, kernel, *code);
  };
  FailureOr<std::unique_ptr<OwnedPlan>> plan = buildPlan(*function, options);
  if (failed(plan))
    return failure();
  program.plan = std::move(*plan);
  program.ptx = std::move(code->text);
  return program;
}

} // namespace mamba::codegen
