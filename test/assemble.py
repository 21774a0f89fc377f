# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Assembles PTX with ptxas and fails where the result would be slow.

usage: assemble.py --ptxas=PATH --arch=sm_90a[,sm_80...] [--spill=BYTES] FILE.ptx...

Fails on an error, on a register spill, on local memory ("stack frame") and on
the advice that ptxas gives when it serialises or injects wgmma instructions
(C7506 to C7520). --spill allows each kernel that many bytes of spill stores, and
of stack frame. Prints one line a kernel: name, target, registers, shared
memory.
"""

import argparse
import re
import subprocess
import sys

ENTRY = re.compile(r"Compiling entry function '([^']+)' for '([^']+)'")
FRAME = re.compile(
    r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
)
REGISTERS = re.compile(r"Used (\d+) registers(?:.*?(\d+) bytes smem)?")
SERIALISED = re.compile(r"\(C75(?:0[6-9]|1[0-9]|20)\)|wgmma.*serializ", re.IGNORECASE)


def judge(log, spill=0):
    """Splits ptxas -v output into (report lines, complaint lines)."""
    report, complaints = [], []
    kernel = "?"
    for line in log.splitlines():
        if entry := ENTRY.search(line):
            kernel = f"{entry[1]} {entry[2]}"
        elif frame := FRAME.search(line):
            bytes_of_frame, stores, loads = (int(n) for n in frame.groups())
            if max(bytes_of_frame, stores) > spill or (loads and not spill):
                complaints.append(f"{kernel}: {line.strip()}")
        elif registers := REGISTERS.search(line):
            shared = registers[2] or "0"
            report.append(f"{kernel}: {registers[1]} registers, {shared} B shared")
        elif SERIALISED.search(line):
            complaints.append(f"{kernel}: {line.strip()}")
    return report, complaints


def assemble(ptxas, arch, path, spill):
    """Returns (report, complaints) for one file and one architecture."""
    run = subprocess.run(
        [ptxas, "-v", f"-arch={arch}", "-o", "/dev/null", path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if run.returncode:
        return [], [f"{path} for {arch}: ptxas failed\n{run.stdout.strip()}"]
    report, complaints = judge(run.stdout, spill)
    if not report:
        complaints.append(f"{path} for {arch}: holds no kernel")
    return report, complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ptxas", required=True)
    parser.add_argument("--arch", required=True, type=lambda text: text.split(","))
    parser.add_argument("--spill", type=int, default=0)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    failed = False
    for path in arguments.files:
        for arch in arguments.arch:
            report, complaints = assemble(
                arguments.ptxas, arch, path, arguments.spill
            )
            print(*report, sep="\n")
            if complaints:
                failed = True
                print(*complaints, sep="\n", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
