// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// NumPy's .npy files, format versions 1 to 3
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html):
// little-endian f2, f4, f8, i4 and i8 in C order.

#ifndef MAMBA_TOOLS_SUPPORT_NPY_H
#define MAMBA_TOOLS_SUPPORT_NPY_H

#include "runtime/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mamba::tools {

enum class NpyType { F2, F4, F8, I4, I8 };

/// Size of an element in bytes.
int64_t npyTypeBytes(NpyType type);

/// An array as it is in a file; `data` holds the elements row-major,
/// little-endian.
struct NpyArray {
  NpyType type;
  std::vector<int64_t> shape;
  std::string data;

  /// The product of the shape, 1 for a scalar.
  int64_t elementCount() const;

  /// All elements as doubles. i8 beyond 2^53 is rounded.
  std::vector<double> toDoubles() const;

  /// An array of `type` from doubles, rounded to nearest even (integers:
  /// truncated; the values must be in range). `values` has as many elements as
  /// `shape`.
  static NpyArray fromDoubles(NpyType type, std::vector<int64_t> shape,
                              const std::vector<double> &values);
};

/// The array in the bytes of a file. MAMBA_INVALID_ARGUMENT says what is
/// damaged or unsupported. Memory use is bounded by the size of `bytes`.
rt::Result<NpyArray> parseNpy(std::string_view bytes);

/// The bytes of a version 1 file.
std::string formatNpy(const NpyArray &array);

/// Reads a file; errors begin with its path. MAMBA_IO_ERROR if it cannot be
/// read.
rt::Result<NpyArray> readNpy(const std::string &path);

/// Writes a file. MAMBA_IO_ERROR names path and reason.
rt::Status writeNpy(const std::string &path, const NpyArray &array);

} // namespace mamba::tools

#endif // MAMBA_TOOLS_SUPPORT_NPY_H
