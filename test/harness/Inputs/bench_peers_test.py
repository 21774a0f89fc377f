# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bench_peers_test.py SCRIPT: the arithmetic and the imports of bench-peers."""

import importlib.machinery
import importlib.util
import os
import sys
import tempfile

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("bench_peers", sys.argv[1])
spec = importlib.util.spec_from_loader("bench_peers", loader)
script = importlib.util.module_from_spec(spec)
loader.exec_module(script)

shape = script.Shape({"name": "mamba2/S1/gate", "label": "8x4096x80x64x128x1", "floor_ms": 0.25})
assert shape.name == "S1" and shape.variants == {"gate"}
assert shape.sizes == [8, 4096, 80, 64, 128, 1]
rows = [
    script.Row("S1", "ours", 0.5, 0.4),
    script.Row("S1", "slow", 2.0, 1.0, is_peer=True),
    script.Row("S1", "fast", 1.5, None, is_peer=True),
    script.Row("S1", "broken", error="no", is_peer=True),
]
ours, slow, fast, broken = script.summarize([shape], rows)
assert ours["speedup"] == 3 and ours["graph_speedup"] == 2.5 and ours["x_floor"] == 2, ours
assert slow["speedup"] == 0.75 and slow["graph_speedup"] == 1, slow
assert fast["speedup"] == 1 and fast["graph_speedup"] is None, fast
assert broken["speedup"] is None and broken["error"] == "no", broken

# A package whose own code does not run, but whose module does.
with tempfile.TemporaryDirectory() as directory:
    package = os.path.join(directory, "stubborn")
    os.makedirs(os.path.join(package, "ops"))
    for path, text in (
        ("__init__.py", "import no_such_extension\n"),
        (os.path.join("ops", "__init__.py"), ""),
        (os.path.join("ops", "scan.py"), "from stubborn.ops import other\ndef scan(): return 1\n"),
        (os.path.join("ops", "other.py"), ""),
    ):
        with open(os.path.join(package, path), "w") as file:
            file.write(text)
    sys.path.insert(0, directory)
    assert script.import_peer("stubborn.ops.scan", "scan")() == 1
    assert script.import_peer("stubborn.ops.scan", "none") is None
assert script.import_peer("no_such_package.ops", "scan") is None
