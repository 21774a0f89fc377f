// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_DYNAMICLIBRARY_H
#define MAMBA_RUNTIME_DYNAMICLIBRARY_H

#include "runtime/Status.h"

#include <string>
#include <vector>

namespace mamba::rt {

/// A shared library opened at run time. It stays open as long as the object.
class DynamicLibrary {
public:
  /// Opens the first of `candidates` (file names or paths) that loads.
  /// MAMBA_UNAVAILABLE names each candidate with the loader's reason.
  static Result<DynamicLibrary>
  open(const std::vector<std::string> &candidates);

  DynamicLibrary(DynamicLibrary &&other) noexcept;
  DynamicLibrary &operator=(DynamicLibrary &&other) noexcept;
  ~DynamicLibrary();

  /// Null if the library does not export `name`.
  void *find(const char *name) const;

  /// Sets `target` to the function `name`; MAMBA_UNSUPPORTED if it is missing.
  template <typename Function>
  Status bind(const char *name, Function *&target) const {
    target = reinterpret_cast<Function *>(find(name));
    if (target)
      return {};
    return error(MAMBA_UNSUPPORTED, "'", libraryPath, "' has no function '",
                 name, "'; a newer version is needed");
  }

  const std::string &path() const { return libraryPath; }

private:
  DynamicLibrary(void *handle, std::string path)
      : handle(handle), libraryPath(std::move(path)) {}

  void *handle = nullptr;
  std::string libraryPath;
};

/// Where to look for a library. If environment variable `variable` is set and
/// not empty, only there: it names the file, or a directory that holds one of
/// `names`. Otherwise each of `names`, first as the loader finds it, then in
/// each of `directories`.
std::vector<std::string>
libraryCandidates(const char *variable, const std::vector<std::string> &names,
                  const std::vector<std::string> &directories);

/// Where the libraries of a CUDA toolkit may be: under CUDA_HOME, CUDA_PATH,
/// the toolkit's standard place, and the Python wheels of the active virtual or
/// conda environment (in `wheels`, the folders inside site-packages/nvidia).
std::vector<std::string>
toolkitDirectories(const std::vector<std::string> &wheels);

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_DYNAMICLIBRARY_H
