// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Warpgroup products on the emulator: the kernels that also run on a GPU, so
// that both take operands alike.

#include "test/unit/codegen/CpuHarness.h"
#include "test/unit/codegen/ProductForms.h"
#include "test/unit/codegen/WarpEmulator.h"

#include "codegen/PTX/PtxEmitter.h"
#include "dialect/Tile/TileDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mamba;
using namespace mamba::test;

namespace {

void check(const ProductForm &form) {
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(form.kernel(), &getContext());
  std::string llvmIR;
  ASSERT_TRUE(module && mlir::succeeded(codegen::emitPtx(
                            *module->getOps<mlir::gpu::GPUModuleOp>().begin(),
                            *lookupTarget("sm_90a"), &llvmIR)));
  auto emulator = WarpEmulator::create(llvmIR);
  ASSERT_TRUE(static_cast<bool>(emulator))
      << llvm::toString(emulator.takeError());
  ProductNumbers numbers(form);
  std::vector<float> out(numbers.result.size(), NAN);
  std::vector<int64_t> arguments;
  for (const void *data : {static_cast<const void *>(numbers.a.data()),
                           static_cast<const void *>(numbers.b.data()),
                           static_cast<const void *>(numbers.c.data()),
                           static_cast<const void *>(out.data())})
    arguments.push_back(reinterpret_cast<int64_t>(data));
  llvm::Error error = (*emulator)->launch("k", 1, 128, arguments);
  ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
  for (size_t i = 0; i < out.size(); ++i)
    ASSERT_NEAR(out[i], numbers.result[i], 1e-4) << "element " << i;
}

TEST(ProductEmulation, EveryForm) {
  getContext()
      .loadDialect<tile::TileDialect, mlir::gpu::GPUDialect,
                   mlir::LLVM::LLVMDialect, mlir::scf::SCFDialect,
                   mlir::arith::ArithDialect>();
  for (const ProductForm &form : productForms()) {
    SCOPED_TRACE(form.name());
    check(form);
  }
}

} // namespace
