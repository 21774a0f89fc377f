# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The generated op and pass reference (mamba-doc), as data."""

import collections
import os
import re

# kind is "op" or "pass"; name is the mnemonic or the flag without dashes;
# examples are the texts of the ```mlir blocks.
Entry = collections.namedtuple("Entry", "kind name summary description examples")

HEADING = re.compile(r"^### `(-?)([\w.-]+)`(?: \(::.*\))?$")
BLOCK = re.compile(r"^ *```mlir\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
SUMMARY = re.compile(r"\A\s*_(.+)_\s*$", re.MULTILINE)


def parse(text):
    """Entries of one generated Markdown file."""
    entries, heading, body = [], None, []
    for line in text.splitlines() + ["### end"]:
        if not line.startswith(("### ", "## ")):
            body.append(line)
            continue
        if heading:
            entries.append(make_entry(heading, "\n".join(body) + "\n"))
        heading, body = HEADING.match(line), []
    return entries


def make_entry(heading, body):
    kind = "pass" if heading[1] else "op"
    summary = SUMMARY.match(body)
    rest = body[summary.end() :] if summary else body
    # An op's syntax and the generated tables are not its description.
    rest = re.sub(r"^Syntax:\n\n```\n.*?^```\n", "", rest, flags=re.DOTALL | re.MULTILINE)
    description = re.split(r"^(?:Traits: |Interfaces: |Effects: |#### )", rest, flags=re.MULTILINE)[0]
    return Entry(
        kind,
        heading[2],
        summary[1] if summary else "",
        description.strip(),
        BLOCK.findall(description),
    )


def load(build):
    """Entries of every .md that mamba-doc generated below the build directory."""
    entries = []
    for library in ("dialect", "passes", "codegen"):
        for where, _, files in os.walk(os.path.join(build, library)):
            for name in sorted(files):
                if name.endswith(".md"):
                    with open(os.path.join(where, name)) as text:
                        entries += parse(text.read())
    return entries
