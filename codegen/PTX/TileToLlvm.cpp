// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass pipeline from tile kernels to LLVM ops.

#include "codegen/NVVM/Passes.h"
#include "codegen/PTX/MergeCases.h"
#include "codegen/PTX/PtxEmitter.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/LoweringOptions.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

/// Turns what convert-tile-to-nvvm leaves into LLVM ops. Like upstream's
/// convert-gpu-to-nvvm, but without its greedy rewriting of all ops, which
/// finds nothing in our kernels and takes longer than the conversion.
struct ConvertKernelsToLlvm
    : PassWrapper<ConvertKernelsToLlvm, OperationPass<gpu::GPUModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ConvertKernelsToLlvm)

  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    // The conversion drops that a parameter is passed by value.
    llvm::StringMap<ArrayAttr> parameters;
    for (auto function : module.getOps<gpu::GPUFuncOp>()) {
      mergeCases(function);
      parameters[function.getName()] = function.getAllArgAttrs();
    }
    if (failed(convert(module)))
      return signalPassFailure();
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (ArrayAttr saved = parameters.lookup(function.getName()))
        for (auto [i, parameter] : llvm::enumerate(saved))
          restore(function, i, cast<DictionaryAttr>(parameter));
  }

private:
  LogicalResult convert(gpu::GPUModuleOp module);
  static void restore(LLVM::LLVMFuncOp function, unsigned index,
                      DictionaryAttr parameter);
};

LogicalResult ConvertKernelsToLlvm::convert(gpu::GPUModuleOp module) {
  MLIRContext *context = &getContext();
  LowerToLLVMOptions options(context,
                             DataLayout(cast<DataLayoutOpInterface>(*module)));
  options.useBarePtrCallConv = true;
  LLVMTypeConverter converter(context, options);
  configureGpuToNVVMTypeConverter(converter);
  RewritePatternSet patterns(context);
  LLVMConversionTarget target(*context);
  // They take precedence over what suits any target.
  populateGpuToNVVMConversionPatterns(converter, patterns, /*benefit=*/10);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);
  configureGpuToNVVMConversionLegality(target);
  // Nothing to try twice, and LLVM folds again.
  ConversionConfig config;
  config.allowPatternRollback = false;
  config.foldingMode = DialectConversionFoldingMode::Never;
  return applyPartialConversion(module, target, std::move(patterns), config);
}

/// What a kernel takes by value, a tensor map, it does not write: so it is
/// used where the launch has put it.
void ConvertKernelsToLlvm::restore(LLVM::LLVMFuncOp function, unsigned index,
                                   DictionaryAttr parameter) {
  StringRef byValue = LLVM::LLVMDialect::getByValAttrName();
  if (!parameter.contains(byValue))
    return;
  for (StringRef name : {byValue, LLVM::LLVMDialect::getAlignAttrName()})
    if (Attribute value = parameter.get(name))
      function.setArgAttr(index, name, value);
  function.setArgAttr(index, NVVM::NVVMDialect::getGridConstantAttrName(),
                      UnitAttr::get(function.getContext()));
}

} // namespace

void addTileToLlvmPipeline(OpPassManager &manager, llvm::StringRef target) {
  manager.addPass(createConvertTileToNVVM({target.str()}));
  manager.addPass(createLoopInvariantCodeMotionPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(std::make_unique<ConvertKernelsToLlvm>());
  manager.addPass(createReconcileUnrealizedCastsPass());
}

} // namespace mamba::codegen
