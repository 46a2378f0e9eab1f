"""The task's test set through the source and through the compiled network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compile.cli import main

GPU = ["--target", "gpu", "--samples", "2"]

TASK = """


class Task:
    parts = ("network",)

    def inputs(self, part):
        return {"x": example("", 300, 1)["x"].numpy()}

    def metrics(self, outputs):
        METRICS


def task(config):
    return Task()
"""


@pytest.mark.parametrize("metrics", ["raise ValueError('boom')", "return {'m': 'abc'}", "return 3"])
def test_tasks_that_fail(fails, tiny: Path, tmp_path: Path, metrics: str):
    tiny.write_text(tiny.read_text() + TASK.replace("METRICS", metrics))
    """The report and the files stay, and the exit code says that the task failed."""
    out = tmp_path / "out"
    fails([str(tiny), *GPU, "--out", str(out)], 2, "task.metrics", "tiny.py")
    content = json.loads((out / "report.json").read_text())
    assert "task.metrics" in content["metrics_error"]
    assert (content["passed"], content["metrics"]) == (True, {})


def test_a_task_sees_all_samples_of_outputs_that_change_in_time(capsys, tiny: Path):
    tiny.write_text(
        tiny.read_text() + TASK.replace("METRICS", "return {'n': next(iter(outputs['network'].values())).shape[1]}")
    )
    assert main([str(tiny), *GPU]) == 0
    assert "n on the whole test set: source 300, float 300, compiled 300" in capsys.readouterr().out
