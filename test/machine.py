# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the machine offers to the tests: a GPU, ptxas."""

import ctypes
import glob
import os
import shutil


def has_cuda_device():
    """True if the CUDA driver loads and shows a device."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    if cuda.cuInit(0) != 0:
        return False
    return cuda.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def find_ptxas(binary_root=None):
    """The path of ptxas, or None.

    Looks at PTXAS, PATH, CUDA_HOME, the toolkit's default directory and, in
    every virtual environment under binary_root, where the wheel
    nvidia-cuda-nvcc puts it.
    """
    candidates = [os.environ.get("PTXAS"), shutil.which("ptxas")]
    if os.environ.get("CUDA_HOME"):
        candidates.append(os.path.join(os.environ["CUDA_HOME"], "bin", "ptxas"))
    candidates.append("/usr/local/cuda/bin/ptxas")
    if binary_root:
        for root in (binary_root, os.path.dirname(binary_root)):
            wheel = os.path.join(root, "*", "lib", "python3*", "site-packages", "nvidia")
            candidates += sorted(glob.glob(os.path.join(wheel, "*", "bin", "ptxas")))
    for path in candidates:
        if path and os.access(path, os.X_OK):
            return path
    return None
