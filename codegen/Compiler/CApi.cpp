// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Compiler/Compiler.h"
#include "codegen/Compiler/mamba_compiler.h"

#include <cstdlib>
#include <cstring>

using namespace mamba::codegen;

struct mamba_compiled {
  std::unique_ptr<CompiledFunction> function;
};

mamba_compiled *mamba_compile(const char *text, const char *entry,
                              const char *target, char **message) {
  *message = nullptr;
  const char *cache = getenv("MAMBA_CACHE_DIR");
  auto function = compileSource(text, entry ? entry : "", target,
                                /*threads=*/0, cache ? cache : "");
  if (function)
    return new mamba_compiled{std::move(*function)};
  *message = strdup(llvm::toString(function.takeError()).c_str());
  return nullptr;
}

const mamba_plan *mamba_compiled_plan(const mamba_compiled *function) {
  return &function->function->getPlan();
}

const char *mamba_compiled_ptx(const mamba_compiled *function) {
  return function->function->getPtx();
}

mamba_cpu_kernel mamba_compiled_cpu_kernel(const mamba_compiled *function,
                                           int32_t index) {
  CpuExecutable *cpu = function->function->getCpu();
  if (!cpu || index < 0 || size_t(index) >= cpu->getKernels().size())
    return nullptr;
  return cpu->getKernels()[index];
}

void mamba_compiled_parallel_for(void *user, int64_t count,
                                 mamba_parallel_body body, void *closure) {
  CpuExecutable *cpu = static_cast<mamba_compiled *>(user)->function->getCpu();
  assert(cpu && "the function was compiled for a GPU");
  CpuExecutable::parallelFor(cpu, count, body, closure);
}

void mamba_compiled_free(mamba_compiled *function) { delete function; }

void mamba_compiler_free_message(char *message) { free(message); }
