// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_CUDA_DRIVER_H
#define MAMBA_RUNTIME_CUDA_DRIVER_H

#include "runtime/DynamicLibrary.h"
#include "runtime/cuda/DriverApi.h"

#include <memory>

namespace mamba::rt::cu {

/// Oldest driver the runtime works with, as cuDriverGetVersion counts.
constexpr int minDriverVersion = 12000;

/// The CUDA driver, found at run time, as a table of functions.
class Driver {
public:
  /// Loads libcuda.so.1, or the file named by MAMBA_LIBCUDA_PATH.
  /// MAMBA_UNAVAILABLE without a driver or device, MAMBA_UNSUPPORTED if it is
  /// older than `minDriverVersion`.
  static Result<std::shared_ptr<const Driver>> open();

  /// Success, or the driver's error: "cuLaunchKernel failed: CUDA_ERROR_...
  /// (what the driver says)".
  Status check(Code result, const char *call) const;

  /// As cuDriverGetVersion counts: 1000 * major + 10 * minor.
  int version() const { return driverVersion; }

  int deviceCount() const { return numDevices; }

  /// MAMBA_UNSUPPORTED if the driver cannot encode tensor maps.
  Status checkTensorMaps() const;

#define MAMBA_DECLARE(member, symbol, arguments)                               \
  Code(*member) arguments = nullptr;
  MAMBA_CUDA_DRIVER_FUNCTIONS(MAMBA_DECLARE)
  MAMBA_CUDA_OPTIONAL_FUNCTIONS(MAMBA_DECLARE)
#undef MAMBA_DECLARE

private:
  explicit Driver(DynamicLibrary library) : library(std::move(library)) {}

  Status bindFunctions();
  Status initialize();

  DynamicLibrary library;
  int driverVersion = 0;
  int numDevices = 0;
};

/// "12.4" for 12040.
std::string versionText(int version);

} // namespace mamba::rt::cu

#endif // MAMBA_RUNTIME_CUDA_DRIVER_H
