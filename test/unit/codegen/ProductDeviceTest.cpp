// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Warpgroup products: each form assembles without being serialised, and where
// there is a GPU for it gives the right numbers.

#include "test/unit/codegen/ProductForms.h"

#include "codegen/PTX/Assembler.h"
#include "codegen/PTX/PtxEmitter.h"
#include "dialect/Tile/TileDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "runtime/cuda/LoadedModule.h"
#include "runtime/cuda/Memory.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace mamba;
using namespace mamba::test;

namespace {

constexpr int kCapability = 90;

class Product : public testing::TestWithParam<ProductForm> {
protected:
  codegen::PtxModule compile() {
    mlir::DialectRegistry registry;
    registry.insert<tile::TileDialect, mlir::gpu::GPUDialect,
                    mlir::LLVM::LLVMDialect, mlir::arith::ArithDialect,
                    mlir::scf::SCFDialect>();
    mlir::MLIRContext context(registry);
    std::string text = GetParam().kernel();
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (module)
      if (auto ptx = codegen::emitPtx(
              *module->getOps<mlir::gpu::GPUModuleOp>().begin(),
              *lookupTarget("sm_90a"));
          mlir::succeeded(ptx))
        return *ptx;
    ADD_FAILURE() << text;
    return {};
  }
};

TEST_P(Product, Assembles) {
  std::optional<std::string> assembler = codegen::findAssembler();
  if (!assembler)
    GTEST_SKIP() << "ptxas is not on PATH";
  auto report = codegen::assemble(*assembler, compile().text, "sm_90a");
  ASSERT_TRUE(static_cast<bool>(report)) << llvm::toString(report.takeError());
  EXPECT_TRUE(report->warnings.empty()) << report->warnings.front();
  ASSERT_EQ(report->kernels.size(), 1u);
  EXPECT_EQ(report->kernels[0].spillStoreBytes, 0);
}

/// Launches the kernel on copies of the numbers; yields what it wrote.
rt::Status launch(const std::shared_ptr<rt::cu::GpuDevice> &device,
                  const codegen::PtxModule &ptx, const ProductNumbers &numbers,
                  std::vector<float> &out) {
  auto module = device->load(ptx.text.data(), ptx.text.size(), "");
  if (!module.isOk())
    return module.takeStatus();
  auto kernel = (*module)->kernel("k");
  if (!kernel.isOk())
    return kernel.takeStatus();
  std::vector<rt::cu::DeviceBuffer> buffers;
  std::vector<void *> pointers;
  auto add = [&](const void *data, size_t bytes) -> rt::Status {
    auto buffer = rt::cu::DeviceBuffer::allocate(device, bytes);
    if (!buffer.isOk())
      return buffer.takeStatus();
    buffers.push_back(std::move(*buffer));
    pointers.push_back(buffers.back().data());
    return buffers.back().upload(data, bytes);
  };
  llvm::fill(out, NAN);
  for (auto [data, bytes] :
       {std::pair<const void *, size_t>(numbers.a.data(), 2 * numbers.a.size()),
        {numbers.b.data(), 2 * numbers.b.size()},
        {numbers.c.data(), 4 * numbers.c.size()},
        {out.data(), 4 * out.size()}})
    if (rt::Status status = add(data, bytes); !status.isOk())
      return status;
  rt::cu::ContextScope scope(*device);
  const rt::cu::Driver &driver = device->driver();
  auto bytes = static_cast<int>(ptx.kernels.front().sharedBytes);
  rt::Status status = driver.check(
      driver.funcSetAttribute(*kernel, rt::cu::kernelMaxDynamicShared, bytes),
      "cuFuncSetAttribute");
  if (!status.isOk())
    return status;
  void *values[4];
  for (size_t i = 0; i < 4; ++i)
    values[i] = &pointers[i];
  status = driver.check(driver.launchKernel(*kernel, 1, 1, 1, 128, 1, 1, bytes,
                                            nullptr, values, nullptr),
                        "cuLaunchKernel");
  if (!status.isOk())
    return status;
  return buffers.back().download(out.data(), 4 * out.size());
}

TEST_P(Product, NumbersOnDevice) {
  auto device = rt::cu::GpuDevice::open(0);
  if (!device.isOk() || (*device)->info().capability != kCapability)
    GTEST_SKIP() << "no GPU of capability 9.0";
  ProductNumbers numbers(GetParam());
  std::vector<float> out(numbers.result.size());
  rt::Status status = launch(*device, compile(), numbers, out);
  ASSERT_TRUE(status.isOk()) << status.message();
  for (size_t i = 0; i < out.size(); ++i)
    ASSERT_NEAR(out[i], numbers.result[i], 1e-4) << "element " << i;
}

INSTANTIATE_TEST_SUITE_P(Forms, Product, testing::ValuesIn(productForms()),
                         [](const testing::TestParamInfo<ProductForm> &info) {
                           std::string name = info.param.name();
                           std::erase_if(
                               name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

} // namespace
