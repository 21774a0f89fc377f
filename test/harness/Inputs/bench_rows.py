# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bench_rows.py FILE: writes what mamba-bench could have written."""

import json
import sys

context = {
    "date": "2000-01-01T00:00:00+00:00",
    "target": "sm_90a",
    "device": "Some GPU (code for sm_90a)",
    "copy_bytes_per_second": 3e12,
}
rows = [
    {
        "name": "mamba2/S1",
        "label": "8x4096x80x64x128x1",
        "real_time": 0.5,
        "graph_ms": 0.4,
        "floor_ms": 0.25,
    },
    {
        "name": "mamba2/S2",
        "label": "16x2048x24x64x128x1",
        "error_occurred": True,
        "error_message": "out of memory",
    },
]
with open(sys.argv[1], "w") as file:
    json.dump({"context": context, "benchmarks": rows}, file)
