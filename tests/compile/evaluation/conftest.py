"""The tiny network with a test set of 500 samples, and a score that every output bit changes."""

from __future__ import annotations

from pathlib import Path

import pytest

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
