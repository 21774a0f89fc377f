# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What bench-peers and compare-errors share: finding programs and peers."""

import importlib
import importlib.machinery
import os
import sys
import types

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def script():
    return os.path.basename(sys.argv[0])


def fail(message):
    sys.exit(f"{script()}: error: {message}")


def find_program(name):
    """The first one of $MAMBA_BUILD, build/release and build/dev."""
    for build in (os.environ.get("MAMBA_BUILD"), "build/release", "build/dev"):
        program = os.path.join(ROOT, build or "none", "bin", name)
        if os.access(program, os.X_OK):
            return program
    fail(f"{name} is not built: cmake --build build/dev --target {name}")


def import_torch():
    try:
        torch = importlib.import_module("torch")
        importlib.import_module("triton")
    except ImportError as error:
        fail(f"the peers need torch and triton: {error}; --no-peers leaves them out")
    if not torch.cuda.is_available():
        fail("torch finds no CUDA device; --no-peers leaves the peers out")
    return torch


def import_peer(module, function):
    """A function of a peer, or None with a message."""
    package = module.split(".")[0]
    try:
        try:
            return getattr(importlib.import_module(module), function)
        except ImportError:
            # A package may import compiled extensions that its Triton kernels
            # do not need: import the module without the package's own code.
            spec = importlib.machinery.PathFinder.find_spec(package)
            if spec is None or not spec.submodule_search_locations:
                raise
            for name in [name for name in sys.modules if name.split(".")[0] == package]:
                del sys.modules[name]
            bare = types.ModuleType(package)
            bare.__path__ = list(spec.submodule_search_locations)
            sys.modules[package] = bare
            return getattr(importlib.import_module(module), function)
    except Exception as error:  # whatever a package does when it is imported
        print(f"{script()}: {package} is left out: {error!r}", file=sys.stderr)
        return None
