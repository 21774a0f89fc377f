// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_READFILE_H
#define MAMBA_RUNTIME_READFILE_H

#include "runtime/Status.h"

#include <string>

namespace mamba::rt {

/// The bytes of a file. MAMBA_IO_ERROR names the path and the reason.
Result<std::string> readFile(const std::string &path);

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_READFILE_H
