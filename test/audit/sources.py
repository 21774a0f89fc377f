# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks every source file against the project's rules: sources.py ROOT.

Licence header, size of files and functions, layering of includes, file names,
unfinished work, machine paths, libraries that print or exit, and sources that
are not built. Prints one line a finding, "path:line: what", and fails if there
is one. A file with a comment "Over budget: reason" may be longer, and so may
its functions.
"""

import os
import re
import sys

DIRECTORIES = "dialect passes codegen runtime tools test examples .ci".split()
LIBRARIES = "dialect passes codegen runtime".split()
COMMENTED = (".c", ".cpp", ".cu", ".h", ".td", ".mlir", ".ptx")
COMMENTED += (".py", ".cmake", ".in", ".test", "CMakeLists.txt")
TEXT = COMMENTED + (".md", ".json", ".txt")

# Which first directories a file may include, by its own place; the first
# matching row counts. tools and tests may include everything.
LAYERS = [
    ("dialect/", ("dialect/",)),
    ("passes/", ("passes/", "dialect/", "runtime/abi/")),
    ("codegen/", ("codegen/", "passes/", "dialect/", "runtime/abi/")),
    ("runtime/abi/", ("runtime/abi/",)),
    ("runtime/", ("runtime/",)),
]
PROJECT = ("dialect/", "passes/", "codegen/", "runtime/", "tools/", "test/")
LLVM = ("mlir/", "mlir-c/", "llvm/", "llvm-c/")

# Where every C++ source is part of the build.
BUILT = ("dialect/", "passes/", "codegen/", "runtime/", "tools/", "test/unit/")

LINES = {".h": 250, ".td": 800}
DEFAULT_LINES = 400
FUNCTION_LINES = 60
# A comment with a reason lifts the budget of the file it stands in.
OVER_BUDGET = re.compile(r"Over budget: \w+")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|not implemented yet)\b")
# The brackets keep these patterns from finding themselves.
MACHINE_PATH = re.compile(r"(?<![\w.}%])/(?:wor[k]|roo[t]|hom[e]|tm[p]|User[s]|mn[t])/")
PRINTS = re.compile(
    r"(?<![\w.>])(?:std::cerr|std::cout|llvm::errs\(|llvm::outs\(|errs\(\)|outs\(\)"
    r"|printf\(|fprintf\(|puts\(|exit\(|abort\(|std::exit\(|std::abort\()"
)
# A function's first line ends in "{" and is no type, namespace or array.
OPENS = re.compile(r"^( *)(?!.*\b(?:namespace|class|struct|union|enum|extern)\b).*\).*\{$")


def spdx(path, lines):
    if not path.endswith(COMMENTED) and not "".join(lines[:1]).startswith("#!"):
        return
    head = "\n".join(lines[:4])
    for tag in (
        "SPDX-FileCopyrightText: The mamba-compiler authors",
        "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception",
    ):
        if tag not in head:
            yield 1, f"no '{tag}' in the first lines"


def size(path, lines):
    limit = LINES.get(os.path.splitext(path)[1], DEFAULT_LINES)
    if path.endswith(COMMENTED) and not path.endswith(".ptx") and len(lines) > limit:
        yield 1, f"{len(lines)} lines, the limit is {limit}"


def functions(path, lines):
    """Relies on clang-format: a function closes at the column it opened at."""
    if not path.endswith((".cpp", ".h", ".c")):
        return
    start, indent = None, ""
    for number, line in enumerate(lines, 1):
        if start is None:
            opened = OPENS.match(line)
            # The signature may begin some lines above; the budget is the body.
            if opened and len(opened[1]) <= 2:
                start, indent = number, opened[1]
        elif line.startswith(indent + "}") and len(line) - len(line.lstrip()) == len(indent):
            if number - start + 1 > FUNCTION_LINES:
                length = number - start + 1
                yield start, f"function of {length} lines, the limit is {FUNCTION_LINES}"
            start = None


def includes(path, lines):
    if not path.endswith((".cpp", ".h", ".c", ".td", ".cu")):
        return
    allowed = next((rule for place, rule in LAYERS if path.startswith(place)), PROJECT)
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, name = match[1] == '"', match[2]
        if path.startswith("runtime/") and name.startswith(LLVM):
            yield number, f"the runtime includes {name}, but must build without LLVM"
        elif name.startswith(PROJECT) and not name.startswith(allowed):
            yield number, f"includes {name}, which is not a layer below {path.split('/')[0]}"
        elif quoted and not name.startswith(PROJECT + LLVM + ("gtest/", "gmock/")):
            yield number, f"'{name}' is not relative to the root of the repository"


def words(path, lines):
    library = path.split("/")[0] in LIBRARIES and path.endswith((".cpp", ".h"))
    # A pass whose only purpose is to print, so that lit can see the result.
    if os.path.basename(path).startswith("Print"):
        library = False
    for number, line in enumerate(lines, 1):
        if match := UNFINISHED.search(line):
            if path != "test/audit/sources.py":
                yield number, f"unfinished: {match[0]}"
        if match := MACHINE_PATH.search(line):
            yield number, f"path of one machine: {line.strip()}"
        if path.endswith(("CMakeLists.txt", ".cmake")) and "file(GLOB" in line:
            yield number, "file(GLOB: list the sources"
        code = line.split("//")[0]
        if library and (match := PRINTS.search(code)):
            yield number, f"a library neither prints nor exits: {match[0]}"


def names(path, lines):
    stem = os.path.splitext(os.path.basename(path))[0].lower()
    if stem.endswith(("utils", "util", "helpers", "misc")):
        yield 1, "name the file after what it does"


RULES = (spdx, size, functions, includes, words, names)


def findings(path, text):
    """(line, what) for a file at a path relative to the root."""
    lines = text.splitlines()
    excused = (size, functions) if OVER_BUDGET.search(text) else ()
    for rule in RULES:
        if rule not in excused:
            yield from rule(path, lines)


def sources(root):
    """Relative paths of the text files that are the project's own."""
    tops = [name for name in os.listdir(root) if os.path.isfile(os.path.join(root, name))]
    yield from (name for name in tops if name.endswith(TEXT))
    for directory in DIRECTORIES:
        for where, inner, files in os.walk(os.path.join(root, directory)):
            inner[:] = [name for name in inner if name not in ("build", "__pycache__")]
            for name in files:
                path = os.path.relpath(os.path.join(where, name), root)
                script = "." not in name and name != "LICENSE"
                if name.endswith(TEXT) or script:
                    yield path


def unbuilt(root, paths):
    """The C++ sources that no CMakeLists.txt on the way to the root names."""
    for path in paths:
        if not path.endswith(".cpp") or not path.startswith(BUILT):
            continue
        where = os.path.dirname(path)
        while where:
            try:
                with open(os.path.join(root, where, "CMakeLists.txt")) as text:
                    if os.path.relpath(path, where) in re.split(r"[\s()]+", text.read()):
                        break
            except FileNotFoundError:
                pass
            where = os.path.dirname(where)
        if not where:
            yield path


def main(root):
    count = files = 0
    for path in unbuilt(root, sorted(sources(root))):
        count += 1
        print(f"{path}:1: no CMakeLists.txt names it, so it is not built")
    for path in sorted(sources(root)):
        files += 1
        with open(os.path.join(root, path), errors="replace") as text:
            for line, what in findings(path, text.read()):
                count += 1
                print(f"{path}:{line}: {what}")
    print(f"{files} files, {count} findings")
    return 1 if count or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
