# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compare_errors_test.py SCRIPT: the arithmetic of compare-errors."""

import importlib.machinery
import importlib.util
import sys
import types

import numpy as np

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("compare_errors", sys.argv[1])
spec = importlib.util.spec_from_loader("compare_errors", loader)
script = importlib.util.module_from_spec(spec)
loader.exec_module(script)

# Eight bits of mantissa; halves go to the even neighbour.
values = np.array([1, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, -3.140625, 0], np.float32)
expected = [1, 1, 1 + 2**-6, 1 + 2**-7, -3.140625, 0]
assert (script.round_to_bf16(np, values) == np.array(expected, np.float32)).all()

# One seed, one set of inputs; bf16 where the kernel takes it.
sizes = [2, 9, 4, 3, 5, 2]
variants = {"gate", "softplus", "init"}
first, again, other = (script.draw(np, sizes, variants, seed) for seed in (1, 1, 2))
assert set(first) == {"x", "dt", "A", "B", "C", "D", "z", "dt_bias", "S0"}
for name, value in first.items():
    assert value.dtype == np.float32 and (value == again[name]).all(), name
    assert (value != other[name]).any(), name
    if name in script.HALVES:
        assert (script.round_to_bf16(np, value) == value).all(), name


def by_matrix(v):
    """y and S from the matrix of every head, whose products are written out."""
    batch, time, heads, headdim = v["x"].shape
    dt = np.log1p(np.exp(v["dt"] + v["dt_bias"]))
    y, last = np.zeros(v["x"].shape), np.zeros((batch, heads, headdim, v["B"].shape[3]))
    for b in range(batch):
        for h in range(heads):
            g = h * v["B"].shape[2] // heads
            logs = np.concatenate([[0], np.cumsum(dt[b, :, h] * v["A"][h])])
            for i in range(time):
                y[b, i, h] = np.exp(logs[i + 1]) * (v["S0"][b, h] @ v["C"][b, i, g])
                y[b, i, h] += v["D"][h] * v["x"][b, i, h]
                for j in range(i + 1):
                    score = v["C"][b, i, g] @ v["B"][b, j, g] * dt[b, j, h]
                    y[b, i, h] += np.exp(logs[i + 1] - logs[j + 1]) * score * v["x"][b, j, h]
            last[b, h] = np.exp(logs[time]) * v["S0"][b, h]
            for j in range(time):
                weight = np.exp(logs[time] - logs[j + 1]) * dt[b, j, h]
                last[b, h] += weight * np.outer(v["x"][b, j, h], v["B"][b, j, g])
    return y * v["z"] / (1 + np.exp(-v["z"])), last


doubles = {name: value.astype(np.float64) for name, value in first.items()}
for computed, exact in zip(script.recur(np, doubles), by_matrix(doubles)):
    assert script.relative_error(np, computed, exact) < 1e-14
assert abs(script.relative_error(np, np.array([3.0, 4.5]), np.array([3.0, 4.0])) - 0.1) < 1e-15

# Ours is judged by the best of the peer's chunks, or alone; NaN never passes.
options = types.SimpleNamespace(limit=1.1, tolerance=4e-3)


def judge(ours, **peer):
    row = {"ours": {"y": ours}, "peer": {chunk: {"y": error} for chunk, error in peer.items()}}
    return script.judge(options, row)


assert judge(1.05, a=1.0, b=2.0)["ok"] and judge(1.05, a=1.0, b=2.0)["ratio"]["y"] == 1.05
assert not judge(1.2, a=1.0, b=2.0)["ok"]
assert judge(3e-3)["ok"] and not judge(5e-3)["ok"]
assert not judge(float("nan"), a=1.0)["ok"] and not judge(float("nan"))["ok"]
