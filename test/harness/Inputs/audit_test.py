# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of test/audit: each rule finds what it is for, and only that."""

import os
import sys
import tempfile
import unittest

here = os.path.dirname(__file__)
sys.path.insert(0, os.path.join(here, "..", "..", "audit"))
import coverage
import reference
import sources

HEADER = (
    "// SPDX-FileCopyrightText: The mamba-compiler authors\n"
    "// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n"
)


def audit(path, text):
    return [what for _, what in sources.findings(path, text)]


class Sources(unittest.TestCase):
    def assertFinds(self, path, body, what):
        found = audit(path, HEADER + body)
        self.assertEqual(len(found), 1, found)
        self.assertIn(what, found[0])

    def test_clean(self):
        body = '#include "dialect/IR/SsdOps.h"\n#include "mlir/IR/Builders.h"\n'
        self.assertEqual(audit("passes/Transforms/A.cpp", HEADER + body), [])

    def test_licence_header(self):
        self.assertEqual(len(audit("dialect/A.cpp", "int a;\n")), 2)
        self.assertEqual(len(audit("tools/check", "#!/bin/sh\n")), 2)
        self.assertEqual(audit("README.md", "# Title\n"), [])

    def test_layering(self):
        self.assertFinds("dialect/A.cpp", '#include "passes/Passes.h"\n', "passes/Passes.h")
        self.assertFinds("passes/A.h", '#include "runtime/Plan.h"\n', "layer")
        self.assertFinds("codegen/A.cpp", '#include "runtime/Module.h"\n', "layer")
        self.assertFinds("runtime/abi/A.h", '#include "runtime/Module.h"\n', "layer")
        self.assertFinds("runtime/A.cpp", '#include "llvm/ADT/ArrayRef.h"\n', "without LLVM")
        self.assertFinds("passes/A.cpp", '#include "ScanBuilder.h"\n', "relative")
        allowed = '#include "runtime/abi/LaunchPlan.h"\n#include "passes/Passes.h"\n'
        self.assertEqual(audit("codegen/A.cpp", HEADER + allowed), [])

    def test_budgets(self):
        self.assertFinds("dialect/A.h", "//\n" * 249, "251 lines")
        self.assertFinds("passes/A.cpp", "//\n" * 399, "401 lines")
        body = "  ++a;\n" * 59
        self.assertFinds("passes/A.cpp", "void f(int a) {\n" + body + "}\n", "61 lines")
        self.assertFinds(
            "passes/A.cpp",
            "class A {\n  void f(int a) {\n" + "    ++a;\n" * 59 + "  }\n};\n",
            "61 lines",
        )
        short = "void f(int a) {\n" + "  ++a;\n" * 58 + "}\n"
        self.assertEqual(audit("passes/A.cpp", HEADER + short * 3), [])
        reason = "// Over budget: one table, kept together.\n"
        self.assertEqual(audit("passes/A.cpp", HEADER + reason + "//\n" * 999), [])

    def test_words(self):
        self.assertFinds("passes/A.cpp", "// TO" + "DO: later\n", "unfinished")
        self.assertFinds("README.md", "see /wo" + "rk/main\n", "one machine")
        self.assertFinds("passes/A.cpp", "llvm::errs() << 1;\n", "prints")
        self.assertFinds("runtime/A.cpp", "std::exit(1);\n", "exits")
        self.assertEqual(audit("tools/mamba-run/Main.cpp", HEADER + "std::cout << 1;\n"), [])
        self.assertEqual(audit("passes/A.cpp", HEADER + "snprintf(a, 1, b);\n"), [])
        self.assertEqual(audit("passes/PrintA.cpp", HEADER + "llvm::outs() << 1;\n"), [])
        self.assertFinds("passes/Utils.cpp", "", "name the file")

    def test_unbuilt(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "codegen", "CPU"))
            with open(os.path.join(root, "codegen", "CMakeLists.txt"), "w") as text:
                text.write("mamba_add_library(A B.cpp CPU/C.cpp)\n")
            paths = ["codegen/B.cpp", "codegen/CPU/C.cpp", "codegen/CPU/B.cpp", "examples/D.cpp"]
            self.assertEqual(list(sources.unbuilt(root, paths)), ["codegen/CPU/B.cpp"])


PAGE = """\
### `ssd.decay` (::mamba::ssd::DecayOp)

_Mask of log decays_

Syntax:

```
operation ::= `ssd.decay`
```

What it means.

```mlir
%L = ssd.decay %a : tensor<4xf32>
```

Traits: `Pure`

### `-ssd-fold-scale`

_Fold scalings_

"""


class Coverage(unittest.TestCase):
    entries = reference.parse(PAGE)

    def test_reference(self):
        decay, fold = self.entries
        self.assertEqual((decay.kind, decay.name), ("op", "ssd.decay"))
        self.assertEqual(decay.summary, "Mask of log decays")
        self.assertTrue(decay.description.startswith("What it means."))
        self.assertEqual(decay.examples, ["%L = ssd.decay %a : tensor<4xf32>\n"])
        self.assertEqual((fold.kind, fold.name, fold.examples), ("pass", "ssd-fold-scale", []))

    def findings(self, tests, **more):
        code = {"passes/Transforms/FoldScale.cpp": "", **more}
        return list(coverage.findings(self.entries, code, tests))

    def test_covered(self):
        tests = {
            "test/ops.mlir": "%0 = ssd.decay %a\n",
            "test/fold-scale.mlir": "// RUN: mamba-opt %s --ssd-fold-scale\n",
        }
        self.assertEqual(self.findings(tests), [])

    def test_uncovered_op_and_pass(self):
        tests = {
            "test/ops-errors.mlir": "%0 = ssd.decay %a\n",
            "test/fold-scale.mlir": "ssd.decay_fast ssd-fold-scale\n",
        }
        found = self.findings(tests)
        self.assertEqual(len(found), 2)
        self.assertIn("op ssd.decay", found[0])
        self.assertIn("pass ssd-fold-scale", found[1])

    def test_programs(self):
        builds = {"tools/a/CMakeLists.txt": "mamba_add_tool(mamba-a a.cpp)"}
        found = list(coverage.findings([], {}, {"test/a.test": "RUN: mamba-ab"}, builds))
        self.assertEqual(len(found), 1)
        tests = {"test/a.test": "RUN: mamba-a %s"}
        self.assertEqual(list(coverage.findings([], {}, tests, builds)), [])

    def test_rules_of_ops(self):
        entries = reference.parse(PAGE.replace("What it means.", "- (C1) a\n- (C2) b"))
        tests = {
            "test/ops.mlir": "ssd.decay",
            "test/fold-scale.mlir": "// RUN: mamba-opt %s --ssd-fold-scale\n",
            "test/ops-errors.mlir": "// decay (C1)\n// -----\n// scale (C2)\n",
        }
        code = {"passes/Transforms/FoldScale.cpp": ""}
        found = list(coverage.findings(entries, code, tests))
        self.assertEqual(found, ["op ssd.decay: no test of rule (C2)"])

    def test_rules_and_rows(self):
        code = {
            "dialect/A.cpp": 'emitOpError("(C1) expected "\n    "one of ") << n;',
            "codegen/B.cpp": '    {.name = "sm_80",\n    {.name = "sm_90a",',
        }
        tests = {"test/a.mlir": "{{(C1) expected one of 4}} sm_80a"}
        found = list(coverage.findings([], code, tests))
        self.assertEqual(len(found), 2)
        self.assertIn("row sm_80:", found[0])
        found = list(coverage.findings([], code, {"test/a.mlir": "sm_80 sm_90a"}))
        self.assertEqual(found, ["dialect/A.cpp: no test expects '(C1) expected one of'"])


if __name__ == "__main__":
    unittest.main()
