# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of test/assemble.py on what ptxas 13.0 prints."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", ".."))
import assemble

CLEAN = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'scan' for 'sm_90a'
ptxas info    : Function properties for scan
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 154 registers, used 1 barriers, 33000 bytes smem
"""
ADVICE = (
    "ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async "
    "instructions are serialized due to insufficient register resources\n"
)


class Judge(unittest.TestCase):
    def test_clean_kernel(self):
        report, complaints = assemble.judge(CLEAN)
        self.assertEqual(report, ["scan sm_90a: 154 registers, 33000 B shared"])
        self.assertEqual(complaints, [])

    def test_spill_is_a_complaint(self):
        log = CLEAN.replace("0 bytes spill loads", "8 bytes spill loads")
        self.assertEqual(len(assemble.judge(log)[1]), 1)

    def test_stack_frame_is_a_complaint(self):
        log = CLEAN.replace("0 bytes stack frame", "16 bytes stack frame")
        self.assertEqual(len(assemble.judge(log)[1]), 1)

    def test_serialised_wgmma_is_a_complaint(self):
        self.assertEqual(len(assemble.judge(CLEAN + ADVICE)[1]), 1)
        for number in ("7512", "7519", "7520"):
            log = CLEAN + ADVICE.replace("7510", number)
            self.assertEqual(len(assemble.judge(log)[1]), 1)


if __name__ == "__main__":
    unittest.main()
