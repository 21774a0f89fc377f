# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of test/summary.py."""

import io
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", ".."))
import summary

CRASH = """[==========] Running 3 tests from 1 test suite.
[ RUN      ] Segments.Empty
[       OK ] Segments.Empty (0 ms)
[ RUN      ] Segments.Long
segment 3 is out of range
"""
MIXED = """[ RUN      ] Layout.Owns/0
[       OK ] Layout.Owns/0 (0 ms)
[ RUN      ] Layout.Owns/1
expected 1, got 2
[  FAILED  ] Layout.Owns/1, where GetParam() = 7 (0 ms)
[ RUN      ] Layout.Device
no GPU
[  SKIPPED ] Layout.Device (0 ms)
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Layout.Device
[  FAILED  ] 1 test, listed below:
[  FAILED  ] Layout.Owns/1, where GetParam() = 7
"""


def statuses(cases):
    return [case.status for case in cases]


def last_line(cases):
    out = io.StringIO()
    status = summary.report(cases, out)
    return status, out.getvalue().splitlines()[-1]


class GoogleTest(unittest.TestCase):
    def test_counts_every_case_once(self):
        cases = summary.gtest_cases("LayoutTest", MIXED, 1)
        self.assertEqual(statuses(cases), ["passed", "failed", "skipped"])
        self.assertEqual(cases[1].name, "LayoutTest :: Layout.Owns/1")
        self.assertIn("expected 1, got 2", cases[1].detail)

    def test_crash_fails_the_case_that_ran(self):
        cases = summary.gtest_cases("SegmentsTest", CRASH, -11)
        self.assertEqual(statuses(cases), ["passed", "failed"])
        self.assertIn("status -11", cases[1].detail)

    def test_failure_outside_a_case_counts(self):
        output = "[ RUN      ] A.B\n[       OK ] A.B (0 ms)\nleak\n"
        cases = summary.gtest_cases("ATest", output, 1)
        self.assertEqual(statuses(cases), ["passed", "failed"])

    def test_program_without_tests_fails(self):
        self.assertEqual(statuses(summary.gtest_cases("ATest", "", 0)), ["failed"])

    def test_missing_program_fails(self):
        cases = summary.run_gtest("no-such-program", None)
        self.assertEqual(statuses(cases), ["failed"])


class Command(unittest.TestCase):
    def test_status_decides(self):
        self.assertEqual(summary.run_command("true").status, "passed")
        failed = summary.run_command("sh -c 'echo why; exit 3'")
        self.assertEqual((failed.status, failed.detail), ("failed", "why"))


class Lit(unittest.TestCase):
    def test_maps_every_code(self):
        codes = ["PASS", "FAIL", "XFAIL", "XPASS", "UNSUPPORTED", "UNRESOLVED"]
        codes += ["TIMEOUT", "EXCLUDED", "SKIPPED", "A-NEW-CODE"]
        tests = [{"name": code, "code": code} for code in codes]
        self.assertEqual(
            statuses(summary.lit_cases({"tests": tests})),
            "passed failed passed failed skipped failed failed skipped failed".split(),
        )


class Report(unittest.TestCase):
    def test_last_line_and_status(self):
        passed = summary.Case("a", summary.PASSED, "")
        failed = summary.Case("b", summary.FAILED, "")
        skipped = summary.Case("c", summary.SKIPPED, "needs cuda-device")
        self.assertEqual(
            last_line([passed, passed, skipped]), (0, "2 passed, 0 failed, 1 skipped")
        )
        self.assertEqual(
            last_line([passed, failed]), (1, "1 passed, 1 failed, 0 skipped")
        )

    def test_nothing_found_is_a_failure(self):
        self.assertEqual(last_line([]), (1, "0 passed, 0 failed, 0 skipped"))


if __name__ == "__main__":
    unittest.main()
