// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/DiskCache.h"

#include "runtime/ReadFile.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mamba::rt;
namespace fs = std::filesystem;

namespace {

// An entry is: magic, key, digest of the content, content.
constexpr std::string_view magic = "mamba-cache-1\n";
constexpr size_t headerBytes = magic.size() + 2 * sizeof(Digest);

std::string_view bytesOf(const Digest &digest) {
  return {reinterpret_cast<const char *>(digest.data()), digest.size()};
}

std::string headerOf(const Digest &key, std::string_view content) {
  std::string header(magic);
  header += bytesOf(key);
  header += bytesOf(sha256(content));
  return header;
}

/// A file open for writing that disappears unless it is renamed.
class TemporaryFile {
public:
  explicit TemporaryFile(fs::path path)
      : path(std::move(path)),
        descriptor(::open(this->path.c_str(), O_WRONLY | O_CREAT | O_EXCL,
                          S_IRUSR | S_IWUSR)) {}

  ~TemporaryFile() {
    if (descriptor < 0)
      return;
    ::close(descriptor);
    ::unlink(path.c_str());
  }

  bool isOpen() const { return descriptor >= 0; }

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        return false;
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }

  bool renameTo(const fs::path &target) {
    return ::rename(path.c_str(), target.c_str()) == 0;
  }

private:
  fs::path path;
  int descriptor;
};

} // namespace

fs::path DiskCache::pathOf(const Digest &key) const {
  return directory / (hexText(key) + ".bin");
}

std::optional<std::string> DiskCache::find(const Digest &key) const {
  fs::path path = pathOf(key);
  Result<std::string> read = readFile(path);
  if (!read.isOk())
    return std::nullopt;
  const std::string &bytes = *read;
  if (bytes.size() >= headerBytes) {
    std::string_view content = std::string_view(bytes).substr(headerBytes);
    if (bytes.compare(0, headerBytes, headerOf(key, content)) == 0)
      return std::string(content);
  }
  std::error_code ignored;
  fs::remove(path, ignored);
  return std::nullopt;
}

Status DiskCache::store(const Digest &key, std::string_view content) const {
  static std::atomic<unsigned> counter = 0;
  std::error_code failure;
  if (fs::create_directories(directory, failure))
    fs::permissions(directory, fs::perms::owner_all, failure);
  if (failure)
    return error(MAMBA_IO_ERROR, "cannot make the cache directory '",
                 directory.string(), "': ", failure.message());
  fs::path target = pathOf(key);
  // Unique among the threads of this process and the processes of this host;
  // O_EXCL catches the rest.
  TemporaryFile file(target.string() + text(".", getpid(), ".", counter++));
  if (file.isOpen() && file.write(headerOf(key, content)) &&
      file.write(content) && file.renameTo(target))
    return {};
  return error(MAMBA_IO_ERROR, "cannot write '", target.string(),
               "': ", std::strerror(errno));
}

std::string mamba::rt::cacheDirectory(const char *option) {
  if (option)
    return option;
  const char *variable = std::getenv("MAMBA_CACHE_DIR");
  return variable ? variable : "";
}
