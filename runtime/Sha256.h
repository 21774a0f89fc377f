// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_SHA256_H
#define MAMBA_RUNTIME_SHA256_H

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace mamba::rt {

using Digest = std::array<uint8_t, 32>;

/// SHA-256 of `bytes` (FIPS 180-4): names cached modules by what they are and
/// finds damage.
Digest sha256(std::string_view bytes);

/// The digest as 64 lower-case hexadecimal digits.
std::string hexText(const Digest &digest);

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_SHA256_H
