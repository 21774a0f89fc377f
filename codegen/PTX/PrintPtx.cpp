// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/NVVM/Passes.h"
#include "codegen/PTX/PtxEmitter.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace mamba::codegen {

#define GEN_PASS_DEF_PRINTPTX
#include "codegen/NVVM/Passes.h.inc"

namespace {

struct PrintPtx : impl::PrintPtxBase<PrintPtx> {
  using PrintPtxBase::PrintPtxBase;

  void runOnOperation() override {
    const Target *row = lookupTarget(target.getValue());
    if (!row || !row->isGpu()) {
      getOperation().emitError("no target row ")
          << target.getValue() << " for a GPU; known are " << listTargets();
      return signalPassFailure();
    }
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>()) {
      std::string ir;
      FailureOr<PtxModule> ptx = emitPtx(module, *row, llvmIR ? &ir : nullptr);
      if (failed(ptx))
        return signalPassFailure();
      llvm::outs() << (llvmIR ? ir : ptx->text);
      for (const PtxKernel &kernel : ptx->kernels)
        llvm::outs() << (llvmIR ? "; " : "// ") << kernel.name << ": "
                     << kernel.blockSize << " threads, " << kernel.sharedBytes
                     << " bytes of shared memory\n";
    }
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace mamba::codegen
