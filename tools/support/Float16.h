// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Conversions between double and the 16-bit floats, as bit patterns. Rounding
// is to nearest, ties to even, in one step (never through float, which would
// round twice). Values beyond the range become infinite, subnormals are kept,
// a NaN becomes a quiet NaN of the same sign.

#ifndef MAMBA_TOOLS_SUPPORT_FLOAT16_H
#define MAMBA_TOOLS_SUPPORT_FLOAT16_H

#include <bit>
#include <cstdint>

namespace mamba::tools {

/// A 16-bit format: one sign bit, exponent bits, mantissa bits.
template <int exponentBits, int mantissaBits>
struct Float16Format {
  static_assert(1 + exponentBits + mantissaBits == 16);

  static constexpr int bias = (1 << (exponentBits - 1)) - 1;
  static constexpr uint16_t infinity = ((1 << exponentBits) - 1)
                                       << mantissaBits;
  static constexpr uint16_t quietBit = 1 << (mantissaBits - 1);

  static constexpr uint16_t fromDouble(double value) {
    uint64_t bits = std::bit_cast<uint64_t>(value);
    auto sign = static_cast<uint16_t>(bits >> 63 << 15);
    int biased = static_cast<int>(bits >> 52 & 0x7ff);
    uint64_t fraction = bits & ((uint64_t(1) << 52) - 1);
    if (biased == 0x7ff)
      return sign | infinity | (fraction ? quietBit : 0);
    // Subnormal doubles are far below half of the smallest value here.
    if (biased == 0)
      return sign;
    // The value is significand * 2^(exponent - 52).
    uint64_t significand = fraction | uint64_t(1) << 52;
    int exponent = biased - 1023;
    int above = exponent - (1 - bias); // of the smallest normal value
    int dropped = 52 - mantissaBits + (above < 0 ? -above : 0);
    if (dropped > 54)
      return sign;
    uint64_t kept = significand >> dropped;
    uint64_t rest = significand & ((uint64_t(1) << dropped) - 1);
    uint64_t half = uint64_t(1) << (dropped - 1);
    if (rest > half || (rest == half && (kept & 1)))
      ++kept;
    // The leading one of a normal value, and a carry, add to the exponent.
    if (above > 0)
      kept += static_cast<uint64_t>(above) << mantissaBits;
    return sign | static_cast<uint16_t>(kept < infinity ? kept : infinity);
  }

  static constexpr double toDouble(uint16_t bits) {
    uint64_t sign = static_cast<uint64_t>(bits >> 15) << 63;
    int biased = (bits & infinity) >> mantissaBits;
    uint64_t fraction = bits & ((1 << mantissaBits) - 1);
    if (biased == 0) {
      // fraction * 2^(1 - bias - mantissaBits), exact.
      constexpr uint64_t exponent = 1023 + 1 - bias - mantissaBits;
      double magnitude =
          static_cast<double>(fraction) * std::bit_cast<double>(exponent << 52);
      return sign ? -magnitude : magnitude;
    }
    uint64_t exponent = (bits & infinity) == infinity
                            ? 0x7ff
                            : static_cast<uint64_t>(biased - bias + 1023);
    return std::bit_cast<double>(sign | exponent << 52 |
                                 fraction << (52 - mantissaBits));
  }
};

using Half = Float16Format<5, 10>;    // IEEE binary16
using Bfloat16 = Float16Format<8, 7>; // the upper half of a binary32

} // namespace mamba::tools

#endif // MAMBA_TOOLS_SUPPORT_FLOAT16_H
