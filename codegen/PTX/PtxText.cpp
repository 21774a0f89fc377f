// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/PtxText.h"

#include "llvm/ADT/StringRef.h"

using llvm::StringRef;

namespace mamba::codegen {
namespace {

/// A module of one kernel in parts.
struct KernelText {
  StringRef version;      ///< Version, target and size of addresses.
  StringRef announcement; ///< The comment with the kernel's name.
  StringRef declarations;
  StringRef kernel;
};

std::optional<KernelText> split(StringRef text) {
  size_t announced = text.find("\t// .globl");
  size_t kernel = text.find(".visible .entry");
  if (kernel == StringRef::npos || announced > kernel)
    return std::nullopt;
  StringRef front = text.take_front(kernel);
  size_t declared = front.find('\n', announced);
  if (declared == StringRef::npos)
    return std::nullopt;
  ++declared;
  return KernelText{front.take_front(announced),
                    front.slice(announced, declared),
                    front.drop_front(declared), text.drop_front(kernel)};
}

} // namespace

std::optional<std::string> joinPtx(llvm::ArrayRef<std::string> modules) {
  std::string result;
  std::optional<KernelText> first;
  for (StringRef module : modules) {
    std::optional<KernelText> part = split(module);
    if (!part)
      return std::nullopt;
    if (!first) {
      first = part;
      result = module;
      continue;
    }
    if (part->version != first->version ||
        part->declarations != first->declarations)
      return std::nullopt;
    // Labels are a function's own: they may repeat.
    result += part->announcement;
    result += part->kernel;
  }
  return result;
}

} // namespace mamba::codegen
