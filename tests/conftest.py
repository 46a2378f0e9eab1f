"""Shared fixtures: random graphs, golden files, one torch thread (tests compare spikes, not speed), processes that stay small."""

from __future__ import annotations

import ctypes
import gc
import resource
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# A shell starts what it runs in the background with some signals ignored, and so would be every program that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
torch.set_num_threads(1)
settings.register_profile("default", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files instead of comparing with them"
    )


LONGEST = ("test_replay.py", "test_extending.py", "test_fuzz.py")
"""Files with one test of half a minute: they go first, so that two processes end together."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)
    missing = find_spec("lava") is None
    for item in items:
        if item.get_closest_marker("lava"):
            item.add_marker(pytest.mark.slow)
            if missing:
                item.add_marker(pytest.mark.skip(reason="lava-nc is not installed (it needs Python 3.10)"))


def pytest_collection_finish() -> None:
    """What has been imported and collected stays, so that no later garbage collection looks at it again."""
    gc.freeze()


SPARE_MB = 100


@pytest.fixture(scope="module", autouse=True)
def _small_process() -> Iterator[None]:
    """Gives back what a large network took: malloc keeps it, and each of many forks (Lava's, a killed one) copies its tables."""
    before = _megabytes()
    yield
    if _megabytes() > before + SPARE_MB and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        gc.collect()
        libc.malloc_trim(0)


def _megabytes() -> int:
    """What this process has in memory; 0 where no /proc says it."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() >> 20 if statm.exists() else 0


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """golden(name, text): compare text with tests/golden/<name>, or write it with --update-golden."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"no golden file {path.name}; run pytest --update-golden"
        assert text == path.read_text(), "the text changed; if that is meant, run pytest --update-golden"

    return compare
