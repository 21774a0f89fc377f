# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the lit suite and the Google Test programs and counts their cases.

usage: summary.py --lit=PATH --suite=BUILD/test [--quick] [--device]
                  [--verify-roundtrip] [--jobs=N] [--run=COMMAND...]
                  [GTEST_PROGRAM...]
       (@FILE stands for the arguments in FILE, one a line)

The last line is "N passed, N failed, N skipped". The exit status is 0 only if
at least one case was found and none failed. Output of failing cases comes
first, then why cases were skipped.

--quick leaves out lit tests that require slow-tests and Google Tests whose
name contains Slow; --device runs only lit tests that require cuda-device and
Google Tests whose name contains Device; --run counts a command as one case.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

Case = collections.namedtuple("Case", "name status detail")
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

LIT_STATUS = {
    "PASS": PASSED,
    "FLAKYPASS": PASSED,
    "XFAIL": PASSED,
    "UNSUPPORTED": SKIPPED,
    "SKIPPED": SKIPPED,
    "EXCLUDED": None,
}
GTEST_LINE = re.compile(r"^\[( RUN      |       OK |  FAILED  |  SKIPPED )\] (\S+?)(?:,| \(|$)")
GTEST_STATUS = {"OK": PASSED, "FAILED": FAILED, "SKIPPED": SKIPPED}
TIMEOUT_SECONDS = 1800


def lit_cases(results):
    """Cases of a lit result file (lit -o), already parsed from JSON."""
    cases = []
    for test in results["tests"]:
        status = LIT_STATUS.get(test["code"], FAILED)
        if status:
            cases.append(Case(test["name"], status, test.get("output", "").strip()))
    return cases


def gtest_cases(program, output, returncode):
    """Cases of a Google Test run, from what it printed.

    A case that began and did not end (a crash) has failed; so has a program
    that reports failure without a failing case, or that holds no case.
    """
    name = os.path.basename(program)
    states, details, current = {}, {}, None
    for line in output.splitlines():
        match = GTEST_LINE.match(line)
        if match and match[1].strip() == "RUN":
            current = match[2]
            states[current], details[current] = FAILED, []
        elif match and match[2] == current:
            states[current] = GTEST_STATUS[match[1].strip()]
            current = None
        elif current:
            details[current].append(line)
    if current:
        details[current].append(f"ended with status {returncode} inside this case")
    cases = [
        Case(f"{name} :: {test}", status, "\n".join(details[test]))
        for test, status in states.items()
    ]
    if not cases:
        cases.append(Case(name, FAILED, output.strip() or "holds no test"))
    elif returncode and all(case.status != FAILED for case in cases):
        cases.append(Case(name, FAILED, f"ended with status {returncode}"))
    return cases


def run_gtest(program, gtest_filter):
    command = [program]
    if gtest_filter:
        command.append(f"--gtest_filter={gtest_filter}")
    try:
        run = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return [Case(program, FAILED, f"took more than {TIMEOUT_SECONDS} s")]
    except OSError as error:
        return [Case(program, FAILED, str(error))]
    if gtest_filter and not run.returncode and "Running 0 tests" in run.stdout:
        return []
    return gtest_cases(program, run.stdout, run.returncode)


def run_command(command):
    """One case: the command ended with status 0."""
    run = subprocess.run(
        shlex.split(command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    status = FAILED if run.returncode else PASSED
    return Case(command, status, run.stdout.strip())


def device_tests(source, suite):
    """The lit tests below source that require cuda-device, as suite paths."""
    found = []
    for directory, _, files in os.walk(source):
        for file in files:
            path = os.path.join(directory, file)
            if not file.endswith((".mlir", ".test")):
                continue
            with open(path, errors="replace") as text:
                if re.search(r"REQUIRES:.*\bcuda-device\b", text.read()):
                    found.append(os.path.join(suite, os.path.relpath(path, source)))
    return sorted(found)


def run_lit(arguments):
    paths = [arguments.suite]
    if arguments.device:
        source = os.path.dirname(os.path.abspath(__file__))
        paths = device_tests(source, arguments.suite)
        if not paths:
            return []
    with tempfile.TemporaryDirectory() as directory:
        results = os.path.join(directory, "lit.json")
        command = [sys.executable, arguments.lit, "-q", "-o", results]
        command.append(f"-j{arguments.jobs}")
        for parameter in ("quick", "verify-roundtrip"):
            if getattr(arguments, parameter.replace("-", "_")):
                command += ["--param", f"{parameter}=1"]
        run = subprocess.run(
            command + paths,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if not os.path.exists(results):
            return [Case("lit", FAILED, run.stdout.strip())]
        with open(results) as text:
            return lit_cases(json.load(text))


def run_all(arguments):
    gtest_filter = None
    if arguments.quick:
        gtest_filter = "-*Slow*"
    if arguments.device:
        gtest_filter = "*Device*"
    cases = [run_command(command) for command in arguments.run]
    cases += run_lit(arguments)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        programs = pool.map(lambda p: run_gtest(p, gtest_filter), arguments.programs)
        for program_cases in programs:
            cases += program_cases
    return cases


def skip_reason(detail):
    """The line that says why, shortened for a table."""
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    reason = lines[-1] if lines else "no reason given"
    return reason.replace("Test requires the following unavailable features: ", "needs ")


def report(cases, out):
    """Prints failures, reasons for skips and the last line; returns the status."""
    count = collections.Counter(case.status for case in cases)
    for case in cases:
        if case.status == FAILED:
            print(f"FAILED {case.name}\n{case.detail}\n", file=out)
    reasons = collections.Counter(
        skip_reason(case.detail) for case in cases if case.status == SKIPPED
    )
    for reason, number in reasons.most_common():
        print(f"skipped {number}: {reason}", file=out)
    for case in cases:
        if case.status == FAILED:
            print(f"failed: {case.name}", file=out)
    if not cases:
        print("no test was found", file=out)
    numbers = ", ".join(f"{count[s]} {s}" for s in (PASSED, FAILED, SKIPPED))
    print(numbers, file=out, flush=True)
    return 0 if cases and not count[FAILED] else 1


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], fromfile_prefix_chars="@"
    )
    parser.add_argument("--lit", required=True)
    parser.add_argument("--suite", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", action="store_true")
    parser.add_argument("--verify-roundtrip", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--run", action="append", default=[])
    parser.add_argument("programs", nargs="*")
    return report(run_all(parser.parse_args()), sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
