# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Configuration of the lit suite. Parameters (lit --param NAME=1):

verify-roundtrip  mamba-opt also prints and re-parses what it reads
quick             leave out what needs the feature slow-tests

Features: cuda-device (a GPU that the driver can open), ptxas, numpy,
slow-tests.
Substitutions beside lit's own: %python, %source (repository root), %binary
(build directory), %{mamba_opt} (its path), %golden, %ptxas, %assemble (assembles
PTX and fails on a spill; see assemble.py).
"""

import importlib.util
import os
import sys

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import FindTool, ToolSubst

sys.path.insert(0, os.path.dirname(__file__))
import machine

config.name = "mamba"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "golden", "unit"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.mamba_binary_root, "test")

# Variables end at CHECK-LABEL unless they begin with a dollar sign.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope -dump-input=fail"

roundtrip = []
if lit_config.params.get("verify-roundtrip"):
    roundtrip = ["--verify-roundtrip"]

mamba_tools = ["mamba-bench", "mamba-compile", "mamba-golden", "mamba-lsp-server"]
mamba_tools += ["mamba-run"]
llvm_config.add_tool_substitutions(
    [ToolSubst("mamba-opt", FindTool("mamba-opt"), extra_args=roundtrip)]
    + mamba_tools
    + ["FileCheck", "count", "llc", "mlir-opt", "mlir-translate", "not", "split-file"],
    [config.mamba_tools_dir, config.llvm_tools_dir],
)

if machine.has_cuda_device():
    config.available_features.add("cuda-device")
if importlib.util.find_spec("numpy"):
    config.available_features.add("numpy")
if not lit_config.params.get("quick"):
    config.available_features.add("slow-tests")

source_root = os.path.dirname(config.test_source_root)
assemble = os.path.join(config.test_source_root, "assemble.py")
ptxas = machine.find_ptxas(config.mamba_binary_root)
if ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
    config.substitutions.append(
        ("%assemble", f"{sys.executable} {assemble} --ptxas={ptxas}")
    )
config.substitutions.append(("%python", sys.executable))
config.substitutions.append(("%source", source_root))
config.substitutions.append(("%binary", config.mamba_binary_root))
config.substitutions.append(
    ("%{mamba_opt}", os.path.join(config.mamba_tools_dir, "mamba-opt"))
)
config.substitutions.append(
    ("%golden", os.path.join(config.test_source_root, "golden"))
)
