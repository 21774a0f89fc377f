// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Execution on the CPU: compiled in process, launched through the runtime's
// validation.

#include "codegen/CPU/CpuCompiler.h"
#include "runtime/cpu/CpuFunction.h"
#include "tools/runner/Backends.h"
#include "llvm/Support/AlignOf.h"
#include "llvm/Support/MemAlloc.h"

using namespace mlir;

namespace mamba::tools {
namespace {

class CpuExecution : public Executable {
public:
  CpuExecution(std::unique_ptr<codegen::CpuExecutable> code,
               rt::CpuFunction function, const Target &target)
      : code(std::move(code)), function(std::move(function)), target(target) {}
  ~CpuExecution() override { resize(0); }

  llvm::Error run(ArrayRef<HostTensor> inputs,
                  MutableArrayRef<HostTensor> outputs) override;
  std::string describe() const override {
    std::string text;
    llvm::raw_string_ostream(text)
        << "the CPU (" << codegen::getHostCpuTarget().cpu << ", "
        << llvm::hardware_concurrency().compute_thread_count() << " threads)";
    return text;
  }
  const Target *getTarget() const override { return &target; }
  MachineLimits getLimits() const override {
    return measureCpu(llvm::hardware_concurrency().compute_thread_count());
  }

private:
  void resize(size_t bytes);

  std::unique_ptr<codegen::CpuExecutable> code;
  rt::CpuFunction function;
  const Target &target;
  void *workspace = nullptr;
  size_t workspaceBytes = 0;
};

void CpuExecution::resize(size_t bytes) {
  if (workspace)
    llvm::deallocate_buffer(workspace, workspaceBytes, rt::workspaceAlignment);
  workspaceBytes = bytes;
  workspace =
      bytes ? llvm::allocate_buffer(bytes, rt::workspaceAlignment) : nullptr;
}

llvm::Error CpuExecution::run(ArrayRef<HostTensor> inputs,
                              MutableArrayRef<HostTensor> outputs) {
  SmallVector<DLTensor> tensors;
  for (const HostTensor &input : inputs)
    tensors.push_back(
        input.describe(const_cast<char *>(input.data()), {kDLCPU, 0}));
  for (HostTensor &output : outputs)
    tensors.push_back(output.describe(output.data(), {kDLCPU, 0}));
  SmallVector<const DLTensor *> arguments;
  for (const DLTensor &tensor : tensors)
    arguments.push_back(&tensor);
  rt::ArgumentList list(arguments.data(), arguments.size());
  rt::Result<int64_t> bytes = function.workspaceBytes(list);
  if (!bytes.isOk())
    return toError(bytes.status());
  if (static_cast<size_t>(*bytes) != workspaceBytes)
    resize(*bytes);
  return toError(function.launch(list, workspace, workspaceBytes,
                                 codegen::CpuExecutable::parallelFor,
                                 code.get()));
}

} // namespace

CreatedExecutable createCpuExecutable(func::FuncOp function,
                                      const Target &target) {
  OwningOpRef<ModuleOp> module = isolate(function);
  if (llvm::Error error = lowerToChunks(*module, target))
    return error;
  auto program = codegen::compileForCpu(*module, function.getName(),
                                        codegen::getHostCpuTarget());
  if (!program)
    return program.takeError();
  auto code = codegen::CpuExecutable::load(std::move(*program));
  if (!code)
    return code.takeError();
  rt::Result<rt::Plan> plan = rt::Plan::copy(&(*code)->getPlan());
  if (!plan.isOk())
    return toError(plan.status());
  rt::Result<rt::CpuFunction> bound =
      rt::CpuFunction::create(std::move(*plan), (*code)->getKernels().data());
  if (!bound.isOk())
    return toError(bound.status());
  return std::make_unique<CpuExecution>(std::move(*code), std::move(*bound),
                                        target);
}

} // namespace mamba::tools
