// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A directory of plans and PTX, named by everything that they depend on: text,
// entry, target, and the build of the compiler.

#pragma once

#include "codegen/GPU/GpuCompiler.h"

#include <array>
#include <optional>

namespace mamba::codegen {

class CompileCache {
public:
  using Key = std::array<uint8_t, 32>;

  /// Keeps nothing if `directory` is empty or the build cannot be told.
  explicit CompileCache(llvm::StringRef directory);

  Key getKey(llvm::StringRef text, llvm::StringRef entry,
             llvm::StringRef target) const;

  /// What was stored under `key`, without its LLVM module; none if there is
  /// nothing or if it is damaged.
  std::optional<GpuProgram> find(const Key &key) const;

  /// Entries appear whole, also when several processes write the same one. A
  /// directory that cannot be written costs time only.
  void store(const Key &key, const mamba_plan &plan, llvm::StringRef ptx) const;

private:
  std::string getPath(const Key &key) const;

  std::string directory;
  std::string build;
};

} // namespace mamba::codegen
