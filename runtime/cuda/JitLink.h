// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_CUDA_JITLINK_H
#define MAMBA_RUNTIME_CUDA_JITLINK_H

#include "runtime/DynamicLibrary.h"

#include <string>

namespace mamba::rt::cu {

/// Whether PTX becomes the same code when it is compiled for linking, as cuLink
/// and nvJitLink do: they ignore that warps hand registers to each other
/// (setmaxnreg), and products that need these are serialised.
bool compilesAlikeForLinking(std::string_view ptx);

/// A cubin and what its compiler reported.
struct LinkedCubin {
  std::string cubin;
  std::string log;
};

/// NVIDIA's nvJitLink, found at run time: PTX to cubin without a GPU.
class JitLink {
public:
  /// Loads libnvJitLink.so.13 or .12, searched for as NVRTC is; only
  /// MAMBA_NVJITLINK_PATH if that is set (file or directory).
  static Result<JitLink> open();

  /// Assembles PTX for a real architecture ("sm_90a"). MAMBA_COMPILE_FAILED
  /// carries the log; MAMBA_UNSUPPORTED if the code would not be the same.
  Result<LinkedCubin> assemble(const std::string &ptx,
                               const std::string &architecture) const;

private:
  using Code = int;
  using Handle = struct HandleRecord *;

  explicit JitLink(DynamicLibrary library) : library(std::move(library)) {}

  Status bindFunctions();
  std::string logOf(Handle handle, bool errors) const;

  DynamicLibrary library;
  Code (*create)(Handle *, uint32_t, const char **) = nullptr;
  Code (*destroy)(Handle *) = nullptr;
  Code (*addData)(Handle, int, const void *, size_t, const char *) = nullptr;
  Code (*complete)(Handle) = nullptr;
  Code (*getCubinSize)(Handle, size_t *) = nullptr;
  Code (*getCubin)(Handle, void *) = nullptr;
  Code (*getErrorLogSize)(Handle, size_t *) = nullptr;
  Code (*getErrorLog)(Handle, char *) = nullptr;
  Code (*getInfoLogSize)(Handle, size_t *) = nullptr;
  Code (*getInfoLog)(Handle, char *) = nullptr;
};

} // namespace mamba::rt::cu

#endif // MAMBA_RUNTIME_CUDA_JITLINK_H
