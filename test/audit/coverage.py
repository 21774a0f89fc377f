# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lists what has no test: coverage.py ROOT BUILD.

- An op whose mnemonic stands in no lit file but its -errors file.
- A pass PREFIX-verb-noun without a source VerbNoun.cpp or without a lit file
  verb-noun.mlir or verb-noun-WHAT.mlir that runs it.
- A numbered rule (C1) of an op's description that no part of an -errors file,
  between two "// -----", names together with the op.
- A numbered diagnostic, "(C1) text", in a source and in no test.
- A program (mamba_add_tool) that no lit file runs.
- A row of a table (.name = "...": targets, instructions, schedules) that no
  test names.
"""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
import reference

ROW = re.compile(r'^\s*\{?\.name = "([^"]+)"', re.MULTILINE)
# A diagnostic's literal, up to where a value is inserted.
RULE = re.compile(r'"(\(C\d+\)(?:[^"\\]|\\.)*)"')
# How much of a diagnostic a test has to quote.
MESSAGE_LENGTH = 28
LIBRARIES = ("dialect", "passes", "codegen")


def read_tree(root, directory, endings):
    """Texts below a directory of the repository by relative path."""
    texts = {}
    for where, inner, files in os.walk(os.path.join(root, directory)):
        inner[:] = [name for name in inner if name not in ("golden", "__pycache__")]
        for name in files:
            if name.endswith(endings):
                path = os.path.join(where, name)
                with open(path, errors="replace") as text:
                    texts[os.path.relpath(path, root)] = text.read()
    return texts


def word(name):
    return re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")


def untested_ops(entries, tests):
    positive = [text for path, text in tests.items() if not path.endswith("-errors.mlir")]
    for entry in entries:
        if entry.kind == "op":
            if not any(word(entry.name).search(text) for text in positive):
                yield f"op {entry.name}: in no test"


def untested_op_rules(entries, tests):
    parts = []
    for path, text in tests.items():
        if path.endswith("-errors.mlir"):
            parts += text.split("// -----")
    for entry in entries:
        rules = set(re.findall(r"(?<!–)\(C\d+\)", entry.description))
        for rule in sorted(rules if entry.kind == "op" else ()):
            short = entry.name.split(".", 1)[1]
            if not any(rule in part and re.search(rf"\b{short}(?:_c\d+)?\b", part) for part in parts):
                yield f"op {entry.name}: no test of rule {rule}"


def camel(flag):
    return "".join(part.capitalize() for part in flag.split("-"))


def untested_passes(entries, tests, sources):
    files = {os.path.basename(path): text for path, text in tests.items()}
    stems = {os.path.splitext(os.path.basename(path))[0].lower() for path in sources}
    for entry in entries:
        if entry.kind != "pass":
            continue
        flag = entry.name
        short = flag.split("-", 1)[1] if "-" in flag else flag
        if not stems & {camel(flag).lower(), camel(short).lower()}:
            yield f"pass {flag}: no source named {camel(short)}.cpp"
        named = re.compile(rf"(?:{re.escape(short)}|{re.escape(flag)})(?:-[\w-]+)?\.mlir")
        own = [text for name, text in files.items() if named.fullmatch(name)]
        runs = re.compile(rf"(?:--?|[ (,]){re.escape(flag)}\b")
        if not any("RUN:" in text and runs.search(text) for text in own):
            yield f"pass {flag}: no test {short}.mlir that runs it"


def untested_rules(sources, tests):
    text = "\n".join(tests.values())
    for path, source in sources.items():
        # Adjacent literals are one message.
        joined = re.sub(r'"\s*\n\s*"', "", source)
        for message in RULE.findall(joined):
            message = re.split(r"\{\d+", message)[0].replace('\\"', '"').rstrip()
            if message[:MESSAGE_LENGTH] not in text:
                yield f"{path}: no test expects '{message}'"


def untested_tools(builds, tests):
    for path, text in builds.items():
        for tool in re.findall(r"mamba_add_tool\((\S+)", text):
            runs = re.compile(rf"RUN:.*\b{re.escape(tool)}\b")
            if not any(runs.search(test) for test in tests.values()):
                yield f"{path}: program {tool}: run by no test"


def untested_rows(sources, tests):
    for path, source in sources.items():
        for name in ROW.findall(source):
            if not any(word(name).search(text) for text in tests.values()):
                yield f"{path}: row {name}: in no test"


def findings(entries, sources, tests, builds=()):
    lit = {path: text for path, text in tests.items() if not path.endswith(".cpp")}
    yield from untested_ops(entries, lit)
    yield from untested_op_rules(entries, lit)
    yield from untested_passes(entries, lit, sources)
    yield from untested_rules(sources, tests)
    yield from untested_rows(sources, tests)
    yield from untested_tools(dict(builds), lit)


def main(root, build):
    sources = {}
    for library in LIBRARIES:
        sources.update(read_tree(root, library, (".cpp", ".h")))
    tests = read_tree(root, "test", (".mlir", ".test", ".cpp"))
    entries = reference.load(build)
    builds = read_tree(root, "tools", ("CMakeLists.txt",))
    found = list(findings(entries, sources, tests, builds))
    print(*found, sep="\n")
    print(f"{len(entries)} ops and passes, {len(found)} findings")
    return 1 if found or not entries else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
