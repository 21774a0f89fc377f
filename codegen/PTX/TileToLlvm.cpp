// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass pipeline from tile kernels to LLVM ops.

#include "codegen/NVVM/Passes.h"
#include "codegen/PTX/PtxEmitter.h"

#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

/// The attributes of a function's parameters, while it becomes an LLVM
/// function: that conversion drops that a parameter is passed by value.
constexpr llvm::StringLiteral kParametersAttr = "tile.parameters";

struct SaveParameters
    : PassWrapper<SaveParameters, OperationPass<gpu::GPUModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SaveParameters)

  void runOnOperation() override {
    for (auto function : getOperation().getOps<gpu::GPUFuncOp>())
      if (ArrayAttr parameters = function.getAllArgAttrs())
        function->setAttr(kParametersAttr, parameters);
  }
};

/// What a kernel takes by value, a tensor map, it does not write: so it is
/// used where the launch has put it.
struct RestoreParameters
    : PassWrapper<RestoreParameters, OperationPass<gpu::GPUModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RestoreParameters)

  void runOnOperation() override {
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      auto saved = function->removeAttr(kParametersAttr);
      if (!saved)
        continue;
      for (auto [i, parameter] : llvm::enumerate(cast<ArrayAttr>(saved)))
        restore(function, i, cast<DictionaryAttr>(parameter));
    }
  }

private:
  static void restore(LLVM::LLVMFuncOp function, unsigned index,
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
};

} // namespace

void addTileToLlvmPipeline(OpPassManager &manager, llvm::StringRef target) {
  // Invariant scalars and addresses first: tile ops keep their place by their
  // memory effects.
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createConvertTileToNVVM({target.str()}));
  manager.addPass(createLoopInvariantCodeMotionPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(std::make_unique<SaveParameters>());
  ConvertGpuOpsToNVVMOpsOptions options;
  options.useBarePtrCallConv = true;
  manager.addPass(createConvertGpuOpsToNVVMOps(options));
  manager.addPass(std::make_unique<RestoreParameters>());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCSEPass());
}

} // namespace mamba::codegen
