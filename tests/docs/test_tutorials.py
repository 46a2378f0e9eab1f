"""The tutorials run from top to bottom, and what a page shows below a block is what the block prints."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compile.cli import main

pytestmark = pytest.mark.checkout

FOLDER = Path(__file__).parents[2] / "docs/tutorials"
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n((?:    [^\n]*\n)+))?", re.DOTALL)
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """The Python blocks of a page, each with what it prints as the page shows it."""
    for code, shown in BLOCK.findall((FOLDER / page).read_text()):
        yield code, re.sub(r"^    ", "", shown, flags=re.MULTILINE)


def follow(page: str, tolerance: float = 0.0) -> dict[str, Any]:
    """Run a page; numbers that depend on training may differ from those shown by a share. What its blocks leave behind."""
    with suppress(ImportError):
        import_module("lava.lib.dl.slayer")  # speaks while it is imported
    scope: dict[str, Any] = {}
    for code, shown in blocks(page):
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(code, scope)
        said = printed.getvalue()
        if tolerance:
            np.testing.assert_allclose(numbers(said), numbers(shown), rtol=tolerance)
            said, shown = NUMBER.sub("#", said), NUMBER.sub("#", shown)
        assert said.split() == shown.split(), code
    return scope


def numbers(text: str) -> list[float]:
    """All numbers of a text."""
    return [float(number) for number in NUMBER.findall(text)]


@pytest.mark.lava
def test_digits_spikingjelly():
    scope = follow("digits_spikingjelly.md", tolerance=0.1)
    assert scope["report"].accuracy["source"] > 0.8
    assert len(scope["decided"]) == 20


@pytest.mark.slow
@pytest.mark.lava
@pytest.mark.filterwarnings("ignore")
def test_speech_snntorch_nir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("snntorch")
    monkeypatch.chdir(tmp_path)
    scope = follow("speech_snntorch_nir.md", tolerance=0.1)
    assert np.array_equal(scope["found"], scope["expected"])
    (line,) = re.findall(r"^    spike-compile (.+)$", (FOLDER / "speech_snntorch_nir.md").read_text(), re.MULTILINE)
    assert main(line.split()) == 0


@pytest.mark.lava
@pytest.mark.filterwarnings("ignore")
def test_lava_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    scope = follow("lava_system.md")
    assert scope["trace"].spikes["lif1"].any()
