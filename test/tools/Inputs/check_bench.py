# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check_bench.py FILE SIZES [COUNTER...]: whether FILE is the JSON of
mamba-bench for one shape, in the schema of Google Benchmark, with the floor of
the shape (unless it has variants) and with the counters."""

import json
import sys

with open(sys.argv[1]) as file:
    document = json.load(file)
context, (row,) = document["context"], document["benchmarks"]
for field in ("date", "host_name", "executable", "num_cpus", "caches", "load_avg"):
    assert field in context, field
assert context["library_build_type"] in ("debug", "release")
assert row["name"] == row["run_name"] and row["run_type"] == "iteration", row
assert row["time_unit"] == "ms" and row["threads"] == 1, row
assert row["iterations"] == 3 and row["input_sets"] == 16, row
assert row["min_ms"] <= row["real_time"] <= row["max_ms"], row
assert row["label"] == sys.argv[2], row
assert row["kernel"] == "mamba2_0", row
assert all(row[counter] > 0 for counter in ["cpu_time"] + sys.argv[3:]), row


def near(value, expected):
    assert abs(value - expected) <= 1e-9 * expected, (value, expected)


if row["name"].count("/") == 1:
    batch, time, heads, headdim, state, groups = map(int, sys.argv[2].split("x"))
    tokens = batch * time
    halves = 2 * tokens * heads * headdim + 2 * tokens * groups * state
    floats = tokens * heads + 2 * heads + batch * heads * headdim * state
    near(row["floor_ms"], (2 * halves + 4 * floats) / context["copy_bytes_per_second"] * 1e3)
near(row["x_floor"], row["real_time"] / row["floor_ms"])
near(row["copy_pct"], 100 / row["x_floor"])
