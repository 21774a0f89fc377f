// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/JitLink.h"

using namespace mamba::rt;
using namespace mamba::rt::cu;

namespace {

constexpr int inputPtx = 2; // NVJITLINK_INPUT_PTX

} // namespace

bool mamba::rt::cu::compilesAlikeForLinking(std::string_view ptx) {
  return ptx.find("setmaxnreg") == std::string_view::npos;
}

Result<JitLink> JitLink::open() {
  Result<DynamicLibrary> library = DynamicLibrary::open(libraryCandidates(
      "MAMBA_NVJITLINK_PATH", {"libnvJitLink.so.13", "libnvJitLink.so.12"},
      toolkitDirectories({"cu13", "nvjitlink"})));
  if (!library.isOk())
    return library.takeStatus().withContext(
        "nvJitLink was not found; install it or set MAMBA_NVJITLINK_PATH");
  JitLink linker(std::move(*library));
  Status status = linker.bindFunctions();
  if (!status.isOk())
    return status;
  return linker;
}

Status JitLink::bindFunctions() {
  Status status = library.bind("nvJitLinkCreate", create);
  auto bind = [&](const char *name, auto *&target) {
    if (status.isOk())
      status = library.bind(name, target);
  };
  bind("nvJitLinkDestroy", destroy);
  bind("nvJitLinkAddData", addData);
  bind("nvJitLinkComplete", complete);
  bind("nvJitLinkGetLinkedCubinSize", getCubinSize);
  bind("nvJitLinkGetLinkedCubin", getCubin);
  bind("nvJitLinkGetErrorLogSize", getErrorLogSize);
  bind("nvJitLinkGetErrorLog", getErrorLog);
  bind("nvJitLinkGetInfoLogSize", getInfoLogSize);
  bind("nvJitLinkGetInfoLog", getInfoLog);
  return status;
}

std::string JitLink::logOf(Handle handle, bool errors) const {
  size_t bytes = 0;
  if ((errors ? getErrorLogSize : getInfoLogSize)(handle, &bytes) != 0)
    return "";
  std::string log(bytes, '\0');
  if ((errors ? getErrorLog : getInfoLog)(handle, log.data()) != 0)
    return "";
  while (!log.empty() && (log.back() == '\0' || log.back() == '\n'))
    log.pop_back();
  return log;
}

Result<LinkedCubin> JitLink::assemble(const std::string &ptx,
                                      const std::string &architecture) const {
  if (!compilesAlikeForLinking(ptx))
    return error(MAMBA_UNSUPPORTED,
                 "nvJitLink ignores setmaxnreg, which would serialise the "
                 "products of these kernels; ptxas and the driver take it");
  std::string target = "-arch=" + architecture;
  const char *options[] = {target.c_str(), "-verbose", "-Xptxas=-v", "-O3"};
  Handle handle = nullptr;
  Code result = create(&handle, 4, options);
  if (result != 0) {
    if (handle)
      destroy(&handle);
    return error(MAMBA_INVALID_ARGUMENT, "nvJitLink does not know ",
                 architecture, " (error ", result, ")");
  }
  LinkedCubin linked;
  size_t bytes = 0;
  // The size includes the terminating zero.
  result = addData(handle, inputPtx, ptx.c_str(), ptx.size() + 1, "ptx");
  if (result == 0)
    result = complete(handle);
  if (result == 0)
    result = getCubinSize(handle, &bytes);
  linked.cubin.resize(bytes);
  if (result == 0)
    result = getCubin(handle, linked.cubin.data());
  linked.log = logOf(handle, /*errors=*/result != 0);
  destroy(&handle);
  if (result != 0)
    return error(MAMBA_COMPILE_FAILED, "nvJitLink could not assemble for ",
                 architecture, " (error ", result, "):\n", linked.log);
  return linked;
}
