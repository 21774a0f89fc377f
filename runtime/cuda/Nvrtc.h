// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_CUDA_NVRTC_H
#define MAMBA_RUNTIME_CUDA_NVRTC_H

#include "runtime/DynamicLibrary.h"

#include <string>
#include <vector>

namespace mamba::rt::cu {

/// NVIDIA's run-time compiler of CUDA C++, found at run time. It needs no GPU.
class Nvrtc {
public:
  /// Loads libnvrtc.so.13 or .12 from the loader's path, a CUDA toolkit or its
  /// Python wheels; only MAMBA_NVRTC_PATH if that is set (file or directory).
  static Result<Nvrtc> open();

  /// 13.0 is 130.
  int version() const { return libraryVersion; }

  /// Compiles `source` to PTX for `architecture` ("compute_80"), to a cubin for
  /// a real one ("sm_80"). `name` stands for the file in messages; `options`
  /// are passed on. MAMBA_COMPILE_FAILED carries the compiler's log.
  Result<std::string> compile(const std::string &source,
                              const std::string &name,
                              const std::string &architecture,
                              const std::vector<std::string> &options) const;

private:
  using Code = int;
  using Program = struct ProgramRecord *;

  explicit Nvrtc(DynamicLibrary library) : library(std::move(library)) {}

  Status bindFunctions();
  Status check(Code result, const char *call) const;
  std::string logOf(Program program) const;
  Result<std::string> output(Program program, bool cubin) const;

  DynamicLibrary library;
  int libraryVersion = 0;
  Code (*getVersion)(int *, int *) = nullptr;
  const char *(*getErrorString)(Code) = nullptr;
  Code (*createProgram)(Program *, const char *, const char *, int,
                        const char *const *, const char *const *) = nullptr;
  Code (*destroyProgram)(Program *) = nullptr;
  Code (*compileProgram)(Program, int, const char *const *) = nullptr;
  Code (*getLogSize)(Program, size_t *) = nullptr;
  Code (*getLog)(Program, char *) = nullptr;
  Code (*getPtxSize)(Program, size_t *) = nullptr;
  Code (*getPtx)(Program, char *) = nullptr;
  Code (*getCubinSize)(Program, size_t *) = nullptr;
  Code (*getCubin)(Program, char *) = nullptr;
};

} // namespace mamba::rt::cu

#endif // MAMBA_RUNTIME_CUDA_NVRTC_H
