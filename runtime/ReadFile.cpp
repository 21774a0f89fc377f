// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/ReadFile.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

using namespace mamba::rt;

Result<std::string> mamba::rt::readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes;
  std::vector<char> part(1 << 16);
  // Unlike stream iterators, read() does not throw for a directory, which
  // opens but cannot be read.
  while (file && file.read(part.data(), std::ssize(part)).gcount() > 0)
    bytes.append(part.data(), static_cast<size_t>(file.gcount()));
  if (file.is_open() && !file.bad())
    return bytes;
  return error(MAMBA_IO_ERROR, "cannot read '", path,
               "': ", std::strerror(errno));
}
