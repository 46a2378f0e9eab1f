"""The tiny network's report."""

from __future__ import annotations

from pathlib import Path

import pytest

from compile.driver import compile_network
from compile.report.report import Report
from compile.stages.options import Options


@pytest.fixture
def report(tiny: Path) -> Report:
    """Of eight samples on the torch reference."""
    return compile_network(tiny, Options(target="gpu", samples=8))
