# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of test/audit/docs.py: docs_test.py MAMBA_OPT."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "audit"))
import docs
from reference import Entry

MAMBA_OPT = sys.argv.pop(1)


def audit(kind, name, *examples, summary="S", description="D"):
    entry = Entry(kind, name, summary, description, list(examples))
    return list(docs.findings(MAMBA_OPT, [entry]))


class Docs(unittest.TestCase):
    def test_lines_with_values_of_unknown_types(self):
        self.assertEqual(audit("op", "arith.addf", "%s = arith.addf %a, %b : vector<4xf32>\n"), [])
        lines = "%v = tensor.extract %t[%i] : tensor<4xf32>\n%w = math.exp %v : f32\n"
        self.assertEqual(audit("op", "math.exp", lines), [])

    def test_module(self):
        text = "func.func @f(%a: f32) -> f32 {\n  return %a : f32\n}\n"
        self.assertEqual(audit("op", "return", text), [])
        self.assertEqual(audit("pass", "canonicalize", text), [])

    def test_one_good_example_is_enough(self):
        good, bad = "%s = math.exp %a : f32\n", "%s = math.exp %a : ...\n"
        self.assertEqual(audit("op", "math.exp", bad, good), [])

    def test_failures(self):
        self.assertIn("no example parses", audit("op", "math.exp", "math.exp %a :\n")[0])
        self.assertIn("no example in", audit("op", "math.exp", "%s = math.sin %a : f32\n")[0])
        wrong = "%s = arith.addi %a, %b : f32\n"
        self.assertIn("no example parses", audit("op", "arith.addi", wrong)[0])
        good = "%s = math.exp %a : f32\n"
        self.assertIn("no summary", audit("op", "math.exp", good, summary="")[0])
        self.assertIn("no description", audit("op", "math.exp", good, description="")[0])


if __name__ == "__main__":
    unittest.main()
