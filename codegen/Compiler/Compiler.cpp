// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Compiler/Compiler.h"

#include "codegen/CPU/Passes.h"
#include "codegen/Compiler/CompileCache.h"
#include "dialect/IR/SsdDialect.h"
#include "dialect/Tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Targets/Targets.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace mamba::codegen {

void registerDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, func::FuncDialect, gpu::GPUDialect,
                  linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect,
                  scf::SCFDialect, ssd::SsdDialect, tensor::TensorDialect,
                  tile::TileDialect>();
  registerCpuDialects(registry);
}

static llvm::Expected<std::unique_ptr<CompiledFunction>>
compileCpu(ModuleOp module, StringRef entry, unsigned threads) {
  FailureOr<func::FuncOp> function = isolateEntry(module, entry);
  if (failed(function))
    return llvm::createStringError("");
  PassManager manager(module.getContext());
  addToChunksPipeline(manager, "cpu");
  if (failed(manager.run(module)))
    return llvm::createStringError("");
  auto program = compileForCpu(module, function->getName(), getHostCpuTarget());
  if (!program)
    return program.takeError();
  auto executable = CpuExecutable::load(std::move(*program), threads);
  if (!executable)
    return executable.takeError();
  return std::make_unique<CompiledFunction>(std::move(*executable));
}

static llvm::Expected<std::unique_ptr<CompiledFunction>>
compileModule(MLIRContext &context, llvm::SourceMgr &sources, StringRef entry,
              StringRef targetName, unsigned threads) {
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return llvm::createStringError("");
  const Target *target = lookupTarget(targetName);
  if (!target)
    return llvm::createStringError("unknown target '" + targetName +
                                   "'; known targets are " + listTargets());
  if (!target->isGpu())
    return compileCpu(*module, entry, threads);
  FailureOr<GpuProgram> program = compileForGpu(*module, entry, targetName);
  if (failed(program))
    return llvm::createStringError("");
  return std::make_unique<CompiledFunction>(std::move(*program));
}

static llvm::Expected<std::unique_ptr<CompiledFunction>>
compileText(StringRef text, StringRef entry, StringRef target,
            unsigned threads) {
  DialectRegistry registry;
  registerDialects(registry);
  // Kernels for a GPU are compiled side by side.
  const Target *row = lookupTarget(target);
  MLIRContext context(registry, row && row->isGpu()
                                    ? MLIRContext::Threading::ENABLED
                                    : MLIRContext::Threading::DISABLED);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, "source"), llvm::SMLoc());
  std::string diagnostics;
  llvm::raw_string_ostream stream(diagnostics);
  SourceMgrDiagnosticHandler handler(sources, &context, stream);
  auto result = compileModule(context, sources, entry, target, threads);
  if (result)
    return result;
  // What went wrong is in the diagnostics, in the error, or in both.
  std::string message = diagnostics + llvm::toString(result.takeError());
  return llvm::createStringError(StringRef(message).rtrim());
}

llvm::Expected<std::unique_ptr<CompiledFunction>>
compileSource(StringRef text, StringRef entry, StringRef target,
              unsigned threads, StringRef cacheDirectory) {
  const Target *row = lookupTarget(target);
  CompileCache cache(row && row->isGpu() ? cacheDirectory : "");
  CompileCache::Key key = cache.getKey(text, entry, target);
  if (std::optional<GpuProgram> program = cache.find(key))
    return std::make_unique<CompiledFunction>(std::move(*program));
  auto compiled = compileText(text, entry, target, threads);
  if (compiled)
    cache.store(key, (*compiled)->getPlan(), (*compiled)->getPtx());
  return compiled;
}

} // namespace mamba::codegen
