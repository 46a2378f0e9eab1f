"""
What the compiler makes of some networks today is what it made before: texts after every pass, integers, spikes, events, energy.

A change that is meant shows in the difference of the files below tests/golden/replay (`pytest tests/test_replay.py --update-golden`).
"""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.replay.__main__ import PORTABLE

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "tests" / "golden" / "replay"
TORCH = "2.3.1"
"""The version whose numbers are kept: initial weights are drawn and summed by torch."""

pytestmark = pytest.mark.skipif(
    not version("torch").startswith(TORCH) or find_spec("lava") is None,
    reason=f"the numbers kept are those of torch {TORCH}, Lava's among them",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """What the compiler makes now."""
    folder = tmp_path_factory.mktemp("replay")
    run = subprocess.run(
        [sys.executable, "-m", "tests.replay", str(folder)],
        cwd=ROOT,
        env={**os.environ, **PORTABLE},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    if request.config.getoption("--update-golden"):
        shutil.rmtree(KEPT, ignore_errors=True)
        shutil.copytree(folder, KEPT)
    return folder


def files(folder: Path) -> dict[str, str]:
    """Every file below a folder by its relative name."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def differences(before: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    """What changed, line by line; a line is a node's."""
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, "").splitlines(), now.get(name, "").splitlines()
        yield from difflib.unified_diff(old, new, f"kept/{name}", f"made/{name}", n=0, lineterm="")


def test_what_is_made_is_what_was_kept(made: Path):
    changed = list(differences(files(KEPT), files(made)))
    assert not changed, "\n".join(changed[:200])


def test_both_targets_give_the_same_spikes_events_and_energy(made: Path):
    runs = files(made)
    pairs = [name for name in runs if name.endswith("loihi.json")]
    assert len(pairs) == 6
    for name in pairs:
        assert runs[name] == runs[name.replace("loihi.json", "gpu.json")], name


def test_a_change_is_shown_by_its_node():
    before = {"net/integers.json": '"a": 1\n"b": 2\n', "net/text": "same"}
    now = {"net/integers.json": '"a": 1\n"b": 3\n', "net/text": "same"}
    assert [line for line in differences(before, now) if not line.startswith("@")] == [
        "--- kept/net/integers.json",
        "+++ made/net/integers.json",
        '-"b": 2',
        '+"b": 3',
    ]
