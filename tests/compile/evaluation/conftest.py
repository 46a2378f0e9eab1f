"""The tiny network with a test set of 500 samples, and a score that every output bit changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compile.evaluation.result_cache import ResultCache

TASK = """

class Task:
    parts = ("network",)

    def inputs(self, part, split="test"):
        return {"x": example("", 500, 5)["x"].numpy()}

    def metrics(self, outputs):
        (spikes,) = outputs["network"].values()
        weights = torch.arange(1, spikes.size + 1).reshape(spikes.shape).numpy()
        return {"spikes": float(spikes.sum()), "sum": float((spikes * weights).sum())}


def task(config):
    return Task()
"""


@pytest.fixture
def measured(tiny: Path) -> Path:
    """The path of the tiny model file with a task."""
    path = tiny.with_name("measured.py")
    path.write_text(tiny.read_text() + TASK)
    return path


Stored = dict[str, tuple[object, dict[str, bytes]]]


@pytest.fixture
def stored() -> Callable[[Path], Stored]:
    """What a cache's folder holds: key -> events and the very bytes of the outputs."""

    def read(folder: Path) -> Stored:
        results = {path.stem: ResultCache(folder).load(path.stem) for path in folder.glob("*.npz")}
        return {
            key: (result.events, {name: str(a.dtype).encode() + a.tobytes() for name, a in result.outputs.items()})
            for key, result in results.items()
            if result is not None
        }

    return read
