"""The report on the terminal."""

from __future__ import annotations

import re
from pathlib import Path

from compile.command.screen import Screen
from compile.report.report_text import report_text

ROOT = Path(__file__).parents[3]


def test_golden_text(report, golden):
    golden("tiny_report.txt", re.sub("torch on .*?,", "torch on ...,", report_text(report, Screen())) + "\n")
