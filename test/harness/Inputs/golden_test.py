# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that every golden case is whole: golden_test.py GOLDEN.

Every array that case.json names is there, has its shape, is little-endian
float32 in C order and finite; nothing else is there. Needs no numpy.
"""

import ast
import json
import math
import os
import struct
import sys

CASES = """
linear_attn_t100 retention_t64 mixer_scalar_t257 mixer_mva_t33 mixer_mqa_t33
mixer_mka_t33 mamba2_t1 mamba2_t7 mamba2_t100_g2 mamba2_strong_decay_t128
mamba2_t257_Dchan_limits
""".split()


def read_npy(path):
    """The shape and the values of a float32 .npy file."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x93NUMPY\x01\x00", f"{path}: not an .npy file, version 1"
    (length,) = struct.unpack("<H", data[8:10])
    header = ast.literal_eval(data[10 : 10 + length].decode())
    assert header["descr"] == "<f4", f"{path}: {header['descr']}, not <f4"
    assert not header["fortran_order"], f"{path}: Fortran order"
    body = data[10 + length :]
    values = struct.unpack(f"<{len(body) // 4}f", body)
    assert len(values) == math.prod(header["shape"]), f"{path}: wrong length"
    return header["shape"], values


def check(folder):
    with open(os.path.join(folder, "case.json")) as text:
        description = json.load(text)
    assert description["case"] == os.path.basename(folder), folder
    expected = {f"{name}.npy" for name in description["arrays"]} | {"case.json"}
    assert set(os.listdir(folder)) == expected, f"{folder}: other files than named"
    for name, shape in description["arrays"].items():
        stored, values = read_npy(os.path.join(folder, f"{name}.npy"))
        assert list(stored) == shape, f"{folder}/{name}: {stored}, not {shape}"
        assert all(map(math.isfinite, values)), f"{folder}/{name}: not finite"


for case in CASES:
    check(os.path.join(sys.argv[1], case))
