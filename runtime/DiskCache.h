// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_DISKCACHE_H
#define MAMBA_RUNTIME_DISKCACHE_H

#include "runtime/Sha256.h"
#include "runtime/Status.h"

#include <filesystem>
#include <optional>
#include <string>

namespace mamba::rt {

/// Compiled code kept in a directory, one file an entry, named by the digest of
/// everything the code was made from.
///
/// An entry is written under a temporary name and renamed, so that readers see
/// it whole or not at all, and any number of processes may share a directory.
/// It holds its own key and the digest of its content: a truncated, damaged or
/// renamed file is removed and counts as absent. Files may be deleted at any
/// time; nothing but speed is lost.
class DiskCache {
public:
  explicit DiskCache(std::filesystem::path directory)
      : directory(std::move(directory)) {}

  /// The entry of `key`, or nothing if there is no sound one.
  std::optional<std::string> find(const Digest &key) const;

  /// Stores `content`; MAMBA_IO_ERROR names the file and the reason. The
  /// directory is made if needed, for the user alone.
  Status store(const Digest &key, std::string_view content) const;

  /// The file that holds `key`.
  std::filesystem::path pathOf(const Digest &key) const;

private:
  std::filesystem::path directory;
};

/// The directory of the module cache: `option` if it is not null, otherwise
/// what MAMBA_CACHE_DIR says, otherwise "" (no cache).
std::string cacheDirectory(const char *option);

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_DISKCACHE_H
