// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the runner asks of a GPU, with a driver that records it and computes
// nothing.

#include "codegen/Compiler/Compiler.h"
#include "mlir/Parser/Parser.h"
#include "test/unit/runtime/LoadFakeDriver.h"
#include "tools/runner/CompileTimes.h"
#include "tools/runner/Executable.h"
#include "gtest/gtest.h"

#include <cmath>

namespace mamba::tools {
namespace {

const char *const text = R"mlir(
  func.func @f(%x: tensor<?x?x2x16xbf16>, %la: tensor<?x?x2xf32>,
               %b: tensor<?x?x1x16xbf16>, %c: tensor<?x?x1x16xbf16>)
      -> tensor<?x?x2x16xbf16> {
    %M = ssd.state_space %c, %b decay %la : tensor<?x?x1x16xbf16>,
        tensor<?x?x1x16xbf16>, tensor<?x?x2xf32>
    %y = ssd.apply %M, %x
        schedule <form = chunked, chunk = 64, sub_block = 16, operand = bf16, weights = keys>
        : !ssd.matrix<?x2x?, causal>, tensor<?x?x2x16xbf16>
        -> tensor<?x?x2x16xbf16>
    return %y : tensor<?x?x2x16xbf16>
  })mlir";

class GpuExecution : public testing::Test {
protected:
  void SetUp() override {
    fake = test::loadFakeDriver(MAMBA_FAKE_DRIVER);
    ASSERT_NE(fake, nullptr);
    fake->kernels = {{"f_0", {5, 2}}};
    mlir::DialectRegistry registry;
    codegen::registerDialects(registry);
    context.appendDialectRegistry(registry);
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    function = *module->getOps<mlir::func::FuncOp>().begin();
    const ElementType &bf16 = *lookupElementType("bf16");
    for (int64_t width : {2, 1, 1})
      inputs.emplace_back(bf16, llvm::ArrayRef<int64_t>{3, 70, width, 16});
    inputs.insert(inputs.begin() + 1,
                  HostTensor(*lookupElementType("f32"), {3, 70, 2}));
    outputs.emplace_back(bf16, llvm::ArrayRef<int64_t>{3, 70, 2, 16});
  }
  void TearDown() override { unsetenv("MAMBA_LIBCUDA_PATH"); }

  std::string createError(llvm::StringRef target) {
    auto executable = createExecutable(function, target);
    return executable ? "" : toString(executable.takeError());
  }

  test::FakeDriver *fake = nullptr;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  std::vector<HostTensor> inputs, outputs;
};

TEST_F(GpuExecution, LaunchesOnUploadedInputsAndPoisonedOutputs) {
  auto executable = createExecutable(function, "cuda");
  ASSERT_TRUE(bool(executable)) << toString(executable.takeError());
  EXPECT_EQ((*executable)->describe(), "Fake GPU (code for sm_80)");
  EXPECT_EQ((*executable)->getTarget()->name, "sm_80");
  EXPECT_GT((*executable)->getLimits().bytesPerSecond, 0);
  llvm::Error error = (*executable)->run(inputs, outputs);
  ASSERT_FALSE(bool(error)) << toString(std::move(error));
  ASSERT_EQ(fake->launches.size(), 1u);
  EXPECT_EQ(fake->launches[0].sizes, (std::vector<int64_t>{3, 70}));
  EXPECT_EQ(fake->launches[0].grid % 6, 0u);
  EXPECT_EQ(fake->count("cuMemcpyHtoD"), 4);
  // Nothing was computed: the output is what it was before the launch.
  EXPECT_TRUE(std::isnan(outputs[0].toReference().getValues().back()));
  EXPECT_EQ(fake->count("cuMemAlloc"), fake->count("cuMemFree"));
}

// Compiled by the driver, then read from the disk cache, then found in memory.
TEST_F(GpuExecution, CompileTimesHaveEveryStep) {
  auto times = timeCompilation(text, "f", "cuda");
  ASSERT_TRUE(bool(times)) << toString(times.takeError());
  EXPECT_EQ(times->machine, "Fake GPU");
  EXPECT_EQ(fake->count("cuLinkCreate"), 1);
  EXPECT_EQ(fake->count("cuModuleLoadDataEx"), 2);
  EXPECT_EQ(fake->loadedModules, 0);
  for (double seconds : {times->context, times->compile, times->compileFromDisk,
                         times->load, times->loadFromDisk, times->loadAgain})
    EXPECT_GT(seconds, 0);
  std::string printed;
  llvm::raw_string_ostream stream(printed);
  print(stream, *times);
  EXPECT_NE(printed.find("ms from a disk cache"), std::string::npos);
  fake->loadResult = 222;
  auto failed = timeCompilation(text, "f", "cuda");
  EXPECT_NE(toString(failed.takeError()).find("needs a driver newer"),
            std::string::npos);
  EXPECT_FALSE(
      bool(llvm::errorToBool(timeCompilation(text, "f", "cpu").takeError())));
  EXPECT_NE(toString(timeCompilation(text, "g", "cuda").takeError())
                .find("no function 'g'"),
            std::string::npos);
}

TEST_F(GpuExecution, TimesWithEventsOverRotatedArguments) {
  auto executable = createExecutable(function, "sm_80");
  ASSERT_TRUE(bool(executable)) << toString(executable.takeError());
  auto seconds = (*executable)->time(inputs, outputs, 20);
  ASSERT_TRUE(bool(seconds)) << toString(seconds.takeError());
  EXPECT_EQ(*seconds, std::vector<double>(20, 1.5e-3));
  // One launch before the 20, and 16 sets of arguments in turn.
  ASSERT_EQ(fake->launches.size(), 21u);
  EXPECT_NE(fake->launches[0].pointers, fake->launches[1].pointers);
  EXPECT_EQ(fake->launches[0].pointers, fake->launches[16].pointers);
}

TEST_F(GpuExecution, UnfitDevicesAreRefusedWithTheLimit) {
  fake->capability = 75;
  EXPECT_NE(createError("cuda").find("Fake GPU has compute capability 75, "
                                     "which no target row serves; there is "
                                     "cpu, sm_80"),
            std::string::npos);
  EXPECT_NE(createError("sm_80").find("7.5"), std::string::npos);
  fake->capability = 80;
  EXPECT_NE(createError("sm_90a").find("sm_90a"), std::string::npos);
  fake->deviceCount = 0;
  EXPECT_NE(createError("cuda"), "");
}

TEST_F(GpuExecution, NewDevicesTakeTheNearestRow) {
  fake->capability = 87;
  auto executable = createExecutable(function, "cuda");
  ASSERT_TRUE(bool(executable)) << toString(executable.takeError());
  EXPECT_EQ((*executable)->getTarget()->name, "sm_86");
}

} // namespace
} // namespace mamba::tools
