// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Compiler/CompileCache.h"

#include "codegen/Plan/PlanImage.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"

#include <dlfcn.h>

using namespace llvm;

namespace mamba::codegen {

/// Size and time of change of the files that this code may be in: the library
/// or program it was loaded from, and the program that runs. Empty if neither
/// is found.
static std::string identifyBuild() {
  std::string build;
  Dl_info info = {};
  static const char anchor = 0;
  if (!dladdr(&anchor, &info) || !info.dli_fname)
    info.dli_fname = "";
  for (StringRef path :
       {StringRef(info.dli_fname), StringRef("/proc/self/exe")}) {
    sys::fs::file_status status;
    if (sys::fs::status(path, status) || !sys::fs::is_regular_file(status))
      continue;
    auto changed = status.getLastModificationTime().time_since_epoch();
    build +=
        (Twine(status.getSize()) + " " + Twine(changed.count()) + " ").str();
  }
  return build.empty() ? build : build + LLVM_VERSION_STRING;
}

CompileCache::CompileCache(StringRef directory) : directory(directory) {
  if (directory.empty())
    return;
  build = identifyBuild();
  if (build.empty())
    this->directory.clear();
}

CompileCache::Key CompileCache::getKey(StringRef text, StringRef entry,
                                       StringRef target) const {
  SHA256 hash;
  for (StringRef part : {StringRef(build), target, entry, text}) {
    hash.update(std::to_string(part.size()) + ":");
    hash.update(part);
  }
  return hash.final();
}

std::string CompileCache::getPath(const Key &key) const {
  SmallString<128> path(directory);
  sys::path::append(path, toHex(key, /*LowerCase=*/true) + ".kernels");
  return path.str().str();
}

// An entry is the digest of what follows, the size of the plan's image, that
// image, and the PTX.

std::optional<GpuProgram> CompileCache::find(const Key &key) const {
  if (directory.empty())
    return std::nullopt;
  auto file = MemoryBuffer::getFile(getPath(key), /*IsText=*/false,
                                    /*RequiresNullTerminator=*/false);
  if (!file)
    return std::nullopt;
  StringRef rest = (*file)->getBuffer();
  uint64_t planBytes = 0;
  if (rest.size() < sizeof(Key) + sizeof(planBytes))
    return std::nullopt;
  StringRef digest = rest.take_front(sizeof(Key));
  rest = rest.drop_front(sizeof(Key));
  if (toStringRef(SHA256::hash(arrayRefFromStringRef(rest))) != digest)
    return std::nullopt;
  memcpy(&planBytes, rest.data(), sizeof(planBytes));
  rest = rest.drop_front(sizeof(planBytes));
  GpuProgram program;
  program.plan = readPlanImage(rest.take_front(planBytes));
  if (!program.plan)
    return std::nullopt;
  program.ptx = rest.drop_front(planBytes).str();
  return program;
}

void CompileCache::store(const Key &key, const mamba_plan &plan,
                         StringRef ptx) const {
  if (directory.empty() || sys::fs::create_directories(directory))
    return;
  std::string image = writePlanImage(plan);
  uint64_t planBytes = image.size();
  std::string entry(reinterpret_cast<const char *>(&planBytes),
                    sizeof(planBytes));
  entry += image;
  entry += ptx;
  Key digest = SHA256::hash(arrayRefFromStringRef(entry));
  consumeError(writeToOutput(getPath(key), [&](raw_ostream &stream) {
    stream << toStringRef(digest) << entry;
    return Error::success();
  }));
}

} // namespace mamba::codegen
