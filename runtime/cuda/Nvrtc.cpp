// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Nvrtc.h"

using namespace mamba::rt;
using namespace mamba::rt::cu;

namespace {

constexpr int compilationError = 6; // NVRTC_ERROR_COMPILATION

} // namespace

Result<Nvrtc> Nvrtc::open() {
  Result<DynamicLibrary> library = DynamicLibrary::open(libraryCandidates(
      "MAMBA_NVRTC_PATH", {"libnvrtc.so.13", "libnvrtc.so.12"},
      toolkitDirectories({"cu13", "cuda_nvrtc"})));
  if (!library.isOk())
    return library.takeStatus().withContext(
        "NVRTC was not found; install it or set MAMBA_NVRTC_PATH");
  Nvrtc nvrtc(std::move(*library));
  Status status = nvrtc.bindFunctions();
  if (!status.isOk())
    return status;
  return nvrtc;
}

Status Nvrtc::bindFunctions() {
  Status status = library.bind("nvrtcVersion", getVersion);
  auto bind = [&](const char *name, auto *&target) {
    if (status.isOk())
      status = library.bind(name, target);
  };
  bind("nvrtcGetErrorString", getErrorString);
  bind("nvrtcCreateProgram", createProgram);
  bind("nvrtcDestroyProgram", destroyProgram);
  bind("nvrtcCompileProgram", compileProgram);
  bind("nvrtcGetProgramLogSize", getLogSize);
  bind("nvrtcGetProgramLog", getLog);
  bind("nvrtcGetPTXSize", getPtxSize);
  bind("nvrtcGetPTX", getPtx);
  bind("nvrtcGetCUBINSize", getCubinSize);
  bind("nvrtcGetCUBIN", getCubin);
  if (!status.isOk())
    return status;
  int major = 0;
  int minor = 0;
  status = check(getVersion(&major, &minor), "nvrtcVersion");
  libraryVersion = 10 * major + minor;
  return status;
}

Status Nvrtc::check(Code result, const char *call) const {
  if (result == 0)
    return {};
  return error(MAMBA_DEVICE_ERROR, call, " failed: ", getErrorString(result));
}

std::string Nvrtc::logOf(Program program) const {
  size_t bytes = 0;
  if (getLogSize(program, &bytes) != 0 || bytes <= 1)
    return "no log";
  std::string log(bytes, '\0');
  if (getLog(program, log.data()) != 0)
    return "no log";
  // The size counts the terminating zero.
  log.resize(bytes - 1);
  while (!log.empty() && log.back() == '\n')
    log.pop_back();
  return log;
}

Result<std::string> Nvrtc::output(Program program, bool cubin) const {
  auto getSize = cubin ? getCubinSize : getPtxSize;
  auto getBytes = cubin ? getCubin : getPtx;
  size_t bytes = 0;
  Status status = check(getSize(program, &bytes), "nvrtcGet...Size");
  std::string image(bytes, '\0');
  if (status.isOk())
    status = check(getBytes(program, image.data()), "nvrtcGet...");
  if (!status.isOk())
    return status;
  // PTX is counted with its terminating zero.
  if (!cubin && !image.empty())
    image.pop_back();
  return image;
}

Result<std::string>
Nvrtc::compile(const std::string &source, const std::string &name,
               const std::string &architecture,
               const std::vector<std::string> &options) const {
  std::string target = "--gpu-architecture=" + architecture;
  std::vector<const char *> arguments = {target.c_str()};
  for (const std::string &option : options)
    arguments.push_back(option.c_str());
  Program program = nullptr;
  Status status = check(createProgram(&program, source.c_str(), name.c_str(), 0,
                                      nullptr, nullptr),
                        "nvrtcCreateProgram");
  if (!status.isOk())
    return status;
  Code result = compileProgram(program, static_cast<int>(arguments.size()),
                               arguments.data());
  Result<std::string> image = Status(MAMBA_COMPILE_FAILED, "not compiled");
  if (result == 0)
    image = output(program, architecture.starts_with("sm_"));
  else
    image = error(result == compilationError ? MAMBA_COMPILE_FAILED
                                             : MAMBA_INVALID_ARGUMENT,
                  "NVRTC could not compile '", name, "' for ", architecture,
                  " (", getErrorString(result), "):\n", logOf(program));
  destroyProgram(&program);
  return image;
}
