// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The oracle where it is meant to run; skipped without a GPU.

#include "test/unit/codegen/OracleTestBase.h"

#include "runtime/cuda/GpuFunction.h"
#include "runtime/cuda/Memory.h"
#include "runtime/cuda/Nvrtc.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

class OracleOnDevice : public testing::Test, public OracleTestBase {
protected:
  void SetUp() override {
    auto opened = rt::cu::GpuDevice::open(0);
    auto found = rt::cu::Nvrtc::open();
    if (!opened.isOk())
      GTEST_SKIP() << "no GPU";
    if (!found.isOk())
      GTEST_SKIP() << "NVRTC was not found";
    device = std::move(*opened);
    nvrtc.emplace(std::move(*found));
  }

  rt::Result<rt::cu::GpuFunction> load(const OracleProgram &program) {
    auto cubin = nvrtc->compile(
        program.source, "oracle.cu",
        "sm_" + std::to_string(device->info().capability), {"--std=c++17"});
    if (!cubin.isOk())
      return cubin.takeStatus();
    auto module = device->load(cubin->data(), cubin->size(), "");
    if (!module.isOk())
      return module.takeStatus();
    auto plan = rt::Plan::copy(&program.plan->get());
    if (!plan.isOk())
      return plan.takeStatus();
    return rt::cu::GpuFunction::create(*module, std::move(*plan));
  }

  /// Runs the call with its tensors copied to the device and back.
  rt::Status launch(const rt::cu::GpuFunction &function, Call &call) {
    std::vector<rt::cu::DeviceBuffer> buffers;
    for (auto [tensor, bytes] : llvm::zip_equal(call.tensors, call.memory)) {
      auto buffer = rt::cu::DeviceBuffer::allocate(device, bytes.size());
      if (!buffer.isOk())
        return buffer.takeStatus();
      rt::Status status = buffer->upload(bytes.data(), bytes.size());
      if (!status.isOk())
        return status;
      tensor.data = buffer->data();
      tensor.device = {kDLCUDA, 0};
      buffers.push_back(std::move(*buffer));
    }
    rt::ArgumentList list(call.list.data(), call.list.size());
    auto size = function.workspaceBytes(list);
    auto workspace = rt::cu::DeviceBuffer::allocate(
        device, size.isOk() ? size_t(*size) : size_t(0));
    if (!size.isOk() || !workspace.isOk())
      return size.isOk() ? workspace.takeStatus() : size.takeStatus();
    rt::Status status = function.launch(list, workspace->data(),
                                        workspace->size(), /*stream=*/nullptr);
    for (size_t i = call.numInputs; status.isOk() && i < buffers.size(); ++i)
      status =
          buffers[i].download(call.memory[i].data(), call.memory[i].size());
    return status;
  }

  void expectDeviceAgreement(StringRef name,
                             ArrayRef<ssd::ReferenceTensor> arguments) {
    func::FuncOp function = parse(readExample(name));
    ASSERT_TRUE(function) << message;
    auto program = printOracle(function);
    ASSERT_TRUE(succeeded(program)) << message;
    auto bound = load(*program);
    ASSERT_TRUE(bound.isOk()) << bound.status().message();
    Tensors rounded;
    for (auto [i, argument] : llvm::enumerate(arguments))
      rounded.push_back(round(argument, program->plan->get().params[i].dtype));
    Call call(bound->plan(), rounded);
    rt::Status status = launch(*bound, call);
    ASSERT_TRUE(status.isOk()) << status.message();
    auto expected = ssd::interpret(function, rounded);
    ASSERT_TRUE(succeeded(expected)) << message;
    for (auto [computed, reference] :
         llvm::zip_equal(call.results(), *expected))
      EXPECT_LT(ssd::relativeError(computed, reference), 1e-12);
  }

  std::shared_ptr<rt::cu::GpuDevice> device;
  std::optional<rt::cu::Nvrtc> nvrtc;
};

TEST_F(OracleOnDevice, Mamba2Layer) {
  ssd::ReferenceTensor rate = randomDecay({24});
  expectDeviceAgreement("mamba2",
                        {random({2, 37, 24, 64}), random({2, 37, 24}), rate,
                         random({2, 37, 1, 128}), random({2, 37, 1, 128}),
                         random({24}), random({2, 37, 24, 64}), random({24}),
                         random({2, 24, 64, 128})});
}

TEST_F(OracleOnDevice, Retention) {
  expectDeviceAgreement("retention",
                        {random({1, 37, 8, 64}), random({1, 37, 8, 64}),
                         random({1, 37, 8, 128}), random({1, 8, 128, 64})});
}

} // namespace
} // namespace mamba::codegen
