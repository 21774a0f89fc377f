// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a GPU reaches: copies by the driver, matrix products by cuBLAS.

#pragma once

#include "runtime/cuda/Device.h"

#include <functional>
#include <vector>

namespace mamba::tools {

/// A status of the C interface as one of the C++ interface; frees it.
rt::Status adoptStatus(mamba_status *status);

/// Calls `launch` with 0, 1, …, `warmUp` + `count` − 1, which puts work on
/// `stream`, and returns the seconds that each but the first `warmUp` took.
rt::Result<std::vector<double>>
timeOnStream(mamba_device *device, rt::cu::Stream stream, unsigned warmUp,
             unsigned count, const std::function<rt::Status(unsigned)> &launch);

/// Bytes read plus written a second, by copies of 1 GiB within the memory of
/// the device, whose context is current.
rt::Result<double> measureCopyRate(const rt::cu::GpuDevice &device,
                                   mamba_device *handle, rt::cu::Stream stream);

/// Flops a second of the product of two 8192 x 8192 matrices of random bf16
/// numbers by cuBLAS, which is found at run time: libcublas.so.13 or .12, or
/// what MAMBA_CUBLAS_PATH names. MAMBA_UNAVAILABLE without it.
rt::Result<double> measureMatmulRate(const rt::cu::GpuDevice &device,
                                     mamba_device *handle,
                                     rt::cu::Stream stream);

} // namespace mamba::tools
