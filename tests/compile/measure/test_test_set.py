"""The task's test set through the source and through the compiled network."""

from __future__ import annotations

from pathlib import Path

import pytest

from compile.cli import main

GPU = ["--target", "gpu", "--samples", "2"]

TASK = """


class Task:
    parts = ("network",)

    def inputs(self, part, split="test"):
        return {"x": example("", 300, 1)["x"].numpy()}

    def metrics(self, outputs):
        METRICS


def task(config):
    return Task()
"""


@pytest.mark.parametrize("metrics", ["raise ValueError('boom')", "return {'m': 'abc'}", "return 3"])
def test_tasks_that_fail(fails, tiny: Path, metrics: str):
    tiny.write_text(tiny.read_text() + TASK.replace("METRICS", metrics))
    fails([str(tiny), *GPU], 2, "task.metrics", "tiny.py")


def test_a_task_sees_all_samples_of_outputs_that_change_in_time(capsys, tiny: Path):
    tiny.write_text(
        tiny.read_text() + TASK.replace("METRICS", "return {'n': next(iter(outputs['network'].values())).shape[1]}")
    )
    assert main([str(tiny), *GPU]) == 0
    assert "n 300.0 -> 300.0" in capsys.readouterr().out
