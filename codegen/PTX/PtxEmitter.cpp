// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/PtxEmitter.h"

#include "codegen/PTX/LlvmToPtx.h"
#include "codegen/PTX/PtxText.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Threading.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include <atomic>

using namespace mlir;

namespace mamba::codegen {
namespace {

void registerInterfaces(MLIRContext *context) {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  context->appendDialectRegistry(registry);
  context->loadDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
}

std::vector<PtxKernel> kernelsOf(gpu::GPUModuleOp module) {
  std::vector<PtxKernel> kernels;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    auto shared = function->getAttrOfType<IntegerAttr>("tile.shared_bytes");
    auto block = function->getAttrOfType<DenseI32ArrayAttr>(
        NVVM::NVVMDialect::getMaxntidAttrName());
    if (!function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
      continue;
    kernels.push_back({.name = function.getName().str(),
                       .blockSize = block ? block[0] : 0,
                       .sharedBytes = shared ? shared.getInt() : 0});
  }
  return kernels;
}

/// PTX of a module of LLVM functions. May run for several modules of a context
/// at the same time.
FailureOr<PtxModule> generate(gpu::GPUModuleOp module, const Target &target,
                              std::string *llvmIR) {
  llvm::LLVMContext context;
  // Passes would make up a name for every instruction.
  context.setDiscardValueNames(true);
  std::unique_ptr<llvm::Module> translated =
      translateModuleToLLVMIR(module, context, module.getName(),
                              /*disableVerification=*/!kVerifyPasses);
  if (!translated)
    return module.emitError("translation to LLVM IR failed");
  std::unique_ptr<llvm::TargetMachine> machine = createPtxMachine(target);
  if (!machine)
    return module.emitError("this LLVM has no NVPTX back end");
  std::optional<std::string> text =
      generatePtx(std::move(translated), *machine, llvmIR);
  if (!text)
    return module.emitError("LLVM could not generate code for ")
           << target.name << " with " << target.ptxFeature;
  return PtxModule{std::move(*text), kernelsOf(module)};
}

/// PTX of the modules in `holder`, side by side if the context has threads.
FailureOr<std::vector<PtxModule>>
generateAll(ModuleOp holder, const Target &target, std::string *llvmIR) {
  MLIRContext *context = holder.getContext();
  PassManager manager(context);
  manager.enableVerifier(kVerifyPasses);
  addTileToLlvmPipeline(manager.nest<gpu::GPUModuleOp>(), target.name);
  if (failed(manager.run(holder)))
    return failure();
  auto modules = llvm::to_vector(holder.getOps<gpu::GPUModuleOp>());
  std::vector<PtxModule> results(modules.size());
  std::atomic<bool> hasFailed = false;
  parallelFor(context, 0, modules.size(), [&](size_t index) {
    FailureOr<PtxModule> result = generate(modules[index], target, llvmIR);
    if (succeeded(result))
      results[index] = std::move(*result);
    else
      hasFailed = true;
  });
  if (hasFailed)
    return failure();
  return results;
}

/// Whether the module holds several kernels and nothing that they may share.
bool canSplit(gpu::GPUModuleOp module) {
  auto operations = module.getOps();
  return llvm::hasNItemsOrMore(operations, 2) &&
         llvm::all_of(operations, [](Operation &op) {
           auto function = dyn_cast<gpu::GPUFuncOp>(op);
           return function && function.isKernel();
         });
}

/// Copies the module into `holder` once for each of its kernels.
void copyKernels(gpu::GPUModuleOp module, ModuleOp holder) {
  OpBuilder builder = OpBuilder::atBlockEnd(holder.getBody());
  for (auto function : module.getOps<gpu::GPUFuncOp>()) {
    auto copy = cast<gpu::GPUModuleOp>(builder.cloneWithoutRegions(*module));
    // Modules in one module need names of their own.
    copy.setName(function.getName());
    OpBuilder::atBlockBegin(&copy.getBodyRegion().emplaceBlock())
        .clone(*function);
  }
}

/// Emits each kernel as a module of its own. Nothing if the texts do not make
/// one module.
FailureOr<std::optional<PtxModule>> emitEachKernel(gpu::GPUModuleOp module,
                                                   const Target &target) {
  OwningOpRef<ModuleOp> holder = ModuleOp::create(module.getLoc());
  copyKernels(module, *holder);
  FailureOr<std::vector<PtxModule>> parts =
      generateAll(*holder, target, /*llvmIR=*/nullptr);
  if (failed(parts))
    return failure();
  PtxModule result;
  std::vector<std::string> texts;
  for (PtxModule &part : *parts) {
    texts.push_back(std::move(part.text));
    llvm::append_range(result.kernels, part.kernels);
  }
  std::optional<std::string> text = joinPtx(texts);
  if (!text)
    return std::optional<PtxModule>();
  result.text = std::move(*text);
  return std::optional<PtxModule>(std::move(result));
}

} // namespace

FailureOr<PtxModule> emitPtx(gpu::GPUModuleOp module, const Target &target,
                             std::string *llvmIR) {
  assert(target.isGpu() && "PTX is for GPUs");
  registerInterfaces(module.getContext());
  if (!llvmIR && canSplit(module)) {
    FailureOr<std::optional<PtxModule>> joined = emitEachKernel(module, target);
    if (failed(joined))
      return failure();
    if (*joined)
      return std::move(**joined);
  }
  OwningOpRef<ModuleOp> holder = ModuleOp::create(module.getLoc());
  OpBuilder::atBlockEnd(holder->getBody()).clone(*module);
  FailureOr<std::vector<PtxModule>> parts =
      generateAll(*holder, target, llvmIR);
  if (failed(parts))
    return failure();
  return std::move(parts->front());
}

} // namespace mamba::codegen
