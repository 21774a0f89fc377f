// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/DynamicLibrary.h"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>

using namespace mamba::rt;
namespace fs = std::filesystem;

namespace {

std::string environment(const char *variable) {
  const char *value = std::getenv(variable);
  return value ? value : "";
}

} // namespace

Result<DynamicLibrary>
DynamicLibrary::open(const std::vector<std::string> &candidates) {
  std::string reasons;
  // Never unmapped: the driver keeps threads and exit handlers of its own.
  const int flags = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
  for (const std::string &candidate : candidates) {
    if (void *handle = dlopen(candidate.c_str(), flags))
      return DynamicLibrary(handle, candidate);
    const char *reason = dlerror();
    reasons += text(reasons.empty() ? "" : "; ", reason ? reason : candidate);
  }
  return error(MAMBA_UNAVAILABLE, reasons);
}

DynamicLibrary::DynamicLibrary(DynamicLibrary &&other) noexcept
    : handle(std::exchange(other.handle, nullptr)),
      libraryPath(std::move(other.libraryPath)) {}

DynamicLibrary &DynamicLibrary::operator=(DynamicLibrary &&other) noexcept {
  std::swap(handle, other.handle);
  std::swap(libraryPath, other.libraryPath);
  return *this;
}

DynamicLibrary::~DynamicLibrary() {
  if (handle)
    dlclose(handle);
}

void *DynamicLibrary::find(const char *name) const {
  return dlsym(handle, name);
}

std::vector<std::string>
mamba::rt::libraryCandidates(const char *variable,
                             const std::vector<std::string> &names,
                             const std::vector<std::string> &directories) {
  std::string forced = environment(variable);
  std::error_code ignored;
  if (!forced.empty() && !fs::is_directory(forced, ignored))
    return {forced};
  std::vector<std::string> candidates;
  if (forced.empty())
    candidates = names;
  auto addDirectory = [&](const std::string &directory) {
    for (const std::string &name : names)
      candidates.push_back(directory + "/" + name);
  };
  if (!forced.empty())
    addDirectory(forced);
  for (const std::string &directory : directories)
    if (forced.empty())
      addDirectory(directory);
  return candidates;
}

std::vector<std::string>
mamba::rt::toolkitDirectories(const std::vector<std::string> &wheels) {
  std::vector<std::string> directories;
  for (const std::string &root :
       {environment("CUDA_HOME"), environment("CUDA_PATH"),
        std::string("/usr/local/cuda")}) {
    if (root.empty())
      continue;
    directories.push_back(root + "/lib64");
    directories.push_back(root + "/lib");
  }
  for (const char *variable : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    std::string root = environment(variable);
    std::error_code failure;
    fs::directory_iterator end;
    fs::directory_iterator entry(root + "/lib", failure);
    for (; !root.empty() && !failure && entry != end; entry.increment(failure))
      if (entry->path().filename().string().starts_with("python3"))
        for (const std::string &wheel : wheels)
          directories.push_back(entry->path().string() +
                                "/site-packages/nvidia/" + wheel + "/lib");
  }
  return directories;
}
