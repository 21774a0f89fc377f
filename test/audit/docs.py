# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the documentation of every op and pass: docs.py MAMBA_OPT BUILD.

Each needs a summary, a description, and at least one example that mamba-opt
parses and verifies; an op's example holds the op. An example is a module, or
lines for the body of a function; values that such lines use and do not define
are supplied with the types that the parser expects. An op that makes sense only
inside of a whole program says "Example in `OP`".
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import reference

SPLIT = "// -----"
UNDECLARED = re.compile(r"^<stdin>:(\d+):(\d+): error: use of undeclared SSA value name")
RETYPED = re.compile(
    r"error: use of value '(%[\w$.#-]+)' expects different type than prior uses: "
    r"'(.*)' vs '.*'$"
)
ERROR = re.compile(r"^<stdin>:(\d+):\d+: error: (.*)$")
ELSEWHERE = re.compile(r"Example in\s+`([\w.]+)`")
VALUE = re.compile(r"%[\w$.-]+")
# Each round supplies or retypes one value of each example.
MAX_ROUNDS = 40


class Example:
    """One example with the values that were supplied to it so far."""

    def __init__(self, text):
        self.text = text
        self.supplied = {}
        self.error = None

    def module(self):
        if re.search(r"^\s*(?:func\.func|module|gpu\.module|llvm\.func)\b", self.text, re.MULTILINE):
            return self.text
        supplied = "".join(
            f'{name} = "example.value"() : () -> {kind}\n'
            for name, kind in self.supplied.items()
        )
        return f"func.func @example() {{\n{supplied}{self.text}return\n}}\n"

    def learn(self, lines, line, column, message):
        """Records the first error; true if another round may resolve it."""
        self.error = message
        if retyped := RETYPED.search(message):
            name, kind = retyped[1], retyped[2]
            progress = self.supplied.get(name) != kind and name in self.supplied
            self.supplied[name] = kind
            return progress
        if "use of undeclared SSA value name" in message:
            name = VALUE.match(lines[line - 1], column - 1)
            if name and name[0] not in self.supplied and "module" not in self.text:
                self.supplied[name[0]] = "none"
                return True
        return False


def first_errors(mamba_opt, modules):
    """For each module None or its first error, as (line, column, message)."""
    text = f"\n{SPLIT}\n".join(modules)
    run = subprocess.run(
        [mamba_opt, "--allow-unregistered-dialect", "--split-input-file"],
        input=text,
        capture_output=True,
        text=True,
    )
    starts, line = [], 1
    for module in modules:
        starts.append(line)
        line += module.count("\n") + 2
    errors = [None] * len(modules)
    for diagnostic in run.stderr.splitlines():
        match = re.match(r"^<stdin>:(\d+):(\d+): (error: .*)$", diagnostic)
        if not match:
            continue
        where = int(match[1])
        index = max(i for i, start in enumerate(starts) if start <= where)
        if errors[index] is None:
            errors[index] = (where - starts[index] + 1, int(match[2]), match[3])
    if run.returncode and not any(errors):
        raise SystemExit(f"{mamba_opt} failed without an error:\n{run.stderr}")
    return errors


def resolve(mamba_opt, examples):
    """Sets every example's error: None if it parses and verifies."""
    open_examples = list(examples)
    for _ in range(MAX_ROUNDS):
        if not open_examples:
            return
        modules = [example.module() for example in open_examples]
        remaining = []
        for example, module, error in zip(
            open_examples, modules, first_errors(mamba_opt, modules)
        ):
            example.error = None
            if error and example.learn(module.splitlines(), *error):
                remaining.append(example)
        open_examples = remaining


def mentions(entry, text):
    return entry.kind == "pass" or re.search(rf"\b{re.escape(entry.name)}\b", text)


def findings(mamba_opt, entries):
    owned = [(entry, [Example(text) for text in entry.examples]) for entry in entries]
    resolve(mamba_opt, [example for _, examples in owned for example in examples])
    by_name = {entry.name: examples for entry, examples in owned}
    for entry, examples in owned:
        for reference in ELSEWHERE.findall(entry.description):
            examples = examples + by_name.get(reference, [])
        name = f"{entry.kind} {entry.name}"
        if not entry.summary:
            yield f"{name}: no summary"
        if not entry.description:
            yield f"{name}: no description"
        own = [example for example in examples if mentions(entry, example.text)]
        if not own:
            yield f"{name}: no example in a ```mlir block"
        elif all(example.error for example in own):
            yield f"{name}: no example parses: {own[0].error}"


def main(mamba_opt, build):
    entries = reference.load(build)
    found = list(findings(mamba_opt, entries))
    print(*found, sep="\n")
    print(f"{len(entries)} entries, {len(found)} findings")
    return 1 if found or not entries else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
