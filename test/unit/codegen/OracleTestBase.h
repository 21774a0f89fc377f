// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs oracles on the host: their text with CUDA's words defined away,
// compiled by the host compiler, launched through the same plan and validation
// as on a GPU.

#pragma once

#include "codegen/Oracle/Oracle.h"
#include "runtime/DynamicLibrary.h"
#include "runtime/ReadFile.h"
#include "test/unit/codegen/OracleCall.h"
#include "test/unit/dialect/ReferenceTestBase.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace mamba::codegen {

/// An oracle's text as host C++, with a function `run_<kernel>` for each
/// kernel that plays the grid.
inline std::string hostText(const OracleProgram &program) {
  std::string text = "#include <cmath>\n"
                     "#define __device__ static inline\n"
                     "#define __global__\n"
                     "static thread_local struct { unsigned x; } blockIdx, "
                     "threadIdx;\n" +
                     program.source;
  const mamba_plan &plan = program.plan->get();
  for (const mamba_kernel &kernel :
       llvm::ArrayRef(plan.kernels, plan.num_kernels)) {
    std::string arguments;
    for (int32_t i = 0; i < kernel.num_params; ++i)
      arguments += (i ? ", p[" : "p[") + std::to_string(i) + "]";
    for (int32_t i = 0; i < kernel.num_symbols; ++i)
      arguments += ", sizes[" + std::to_string(i) + "]";
    text += "extern \"C\" void run_" + std::string(kernel.name) +
            "(void **p, const long long *sizes, unsigned grid) {\n"
            "  for (blockIdx.x = 0; blockIdx.x < grid; ++blockIdx.x)\n"
            "    for (threadIdx.x = 0; threadIdx.x < " +
            std::to_string(kernel.block_size) + "; ++threadIdx.x)\n      " +
            kernel.name + "(" + arguments + ");\n}\n";
  }
  return text;
}

/// The text of examples/NAME.mlir: of this checkout, or, where the tests run on
/// another machine, of the directory they are started in.
inline std::string readExample(llvm::StringRef name) {
  std::string file = "examples/" + name.str() + ".mlir";
  auto text = rt::readFile(MAMBA_SOURCE_DIR "/" + file);
  if (!text.isOk())
    text = rt::readFile(file);
  EXPECT_TRUE(text.isOk()) << text.status().message();
  return text.isOk() ? *text : "";
}

class OracleTestBase : public ssd::ReferenceTestBase {
public:
  mlir::func::FuncOp parse(llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    return module ? *module->getOps<mlir::func::FuncOp>().begin() : nullptr;
  }

  /// The outputs of the oracle of `function`; none after a failure.
  Tensors runOracle(mlir::func::FuncOp function,
                    llvm::ArrayRef<ssd::ReferenceTensor> arguments) {
    auto program = printOracle(function);
    if (failed(program))
      return {};
    auto library = compile(hostText(*program));
    auto plan = rt::Plan::copy(&program->plan->get());
    EXPECT_TRUE(library.isOk()) << library.status().message();
    EXPECT_TRUE(plan.isOk()) << plan.status().message();
    if (!library.isOk() || !plan.isOk())
      return {};
    Call call(*plan, arguments);
    return runKernels(*plan, *library, call.list) ? call.results() : Tensors();
  }

  /// Expects the oracle to agree with the float64 interpreter on random
  /// inputs, rounded to the types of the arguments.
  void expectAgreement(llvm::StringRef text,
                       llvm::ArrayRef<ssd::ReferenceTensor> arguments) {
    mlir::func::FuncOp function = parse(text);
    ASSERT_TRUE(function) << message;
    auto program = printOracle(function);
    ASSERT_TRUE(succeeded(program)) << message;
    Tensors rounded;
    for (auto [i, argument] : llvm::enumerate(arguments))
      rounded.push_back(round(argument, program->plan->get().params[i].dtype));
    auto expected = ssd::interpret(function, rounded);
    ASSERT_TRUE(succeeded(expected)) << message;
    Tensors actual = runOracle(function, rounded);
    ASSERT_EQ(actual.size(), expected->size()) << message;
    for (auto [i, tensors] :
         llvm::enumerate(llvm::zip_equal(actual, *expected))) {
      auto [computed, reference] = tensors;
      EXPECT_LT(ssd::relativeError(computed, reference), 1e-12)
          << "result " << i;
    }
  }

private:
  rt::Result<rt::DynamicLibrary> compile(const std::string &text) {
    static int count = 0;
    std::filesystem::path stem =
        std::filesystem::path(testing::TempDir()) /
        ("oracle-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::string source = stem.string() + ".cpp", shared = stem.string() + ".so";
    std::ofstream(source) << text;
    std::string command =
        std::string(MAMBA_CXX_COMPILER) +
        " -std=c++17 -O1 -w -ffp-contract=off -shared -fPIC " + source +
        " -o " + shared;
    bool compiled = std::system(command.c_str()) == 0;
    EXPECT_TRUE(compiled) << text;
    auto library = rt::DynamicLibrary::open({shared});
    std::filesystem::remove(source);
    std::filesystem::remove(shared);
    return library;
  }

  bool runKernels(const rt::Plan &plan, const rt::DynamicLibrary &library,
                  rt::ArgumentList list) {
    rt::CheckedArguments checked;
    rt::Status status = rt::checkArguments(plan, {{kDLCPU, 0}}, list, checked);
    int64_t bytes = checked.workspaceBytes;
    std::unique_ptr<void, decltype(&std::free)> workspace(
        std::aligned_alloc(rt::workspaceAlignment,
                           size_t(bytes) + rt::workspaceAlignment),
        std::free);
    std::memset(workspace.get(), 0xff, size_t(bytes));
    if (status.isOk())
      status =
          rt::placeTemporaries(plan, workspace.get(), uint64_t(bytes), checked);
    EXPECT_TRUE(status.isOk()) << status.message();
    for (const mamba_kernel &kernel : plan.kernels()) {
      void (*run)(void **, const int64_t *, unsigned) = nullptr;
      auto work = rt::divideWork(kernel, checked, INT32_MAX);
      if (status.isOk())
        status = library.bind(("run_" + std::string(kernel.name)).c_str(), run);
      EXPECT_TRUE(status.isOk() && work.isOk()) << status.message();
      if (!status.isOk() || !work.isOk())
        return false;
      run(checked.pointers.data(), checked.symbols.data(),
          unsigned(work->blocks));
    }
    return true;
  }

  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace mamba::codegen
