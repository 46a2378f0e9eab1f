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


@pytest.mark.parametrize(
    "metrics", ["raise ValueError('boom')", "return {'m': 'abc'}", "return 3", "return {'m': float('nan')}"]
)
def test_tasks_that_fail(fails, tiny: Path, tmp_path: Path, metrics: str):
    tiny.write_text(tiny.read_text() + TASK.replace("METRICS", metrics))
    """The report and the files stay, and the exit code says that the task failed."""
    out = tmp_path / "out"
    fails([str(tiny), *GPU, "--out", str(out)], 2, "task.metrics", "tiny.py")
    content = json.loads((out / "report.json").read_text())
    assert "task.metrics" in content["metrics_error"]
    assert (content["passed"], content["metrics"]) == (True, {})


EXAMPLES = """
    def examples(self, outputs):
        (y,) = outputs["network"].values()
        return [{"sample": f"of {y.shape[1]}", "answers": ["a", "b"], "expected": EXPECTED}]
"""


def with_examples(tiny: Path, expected: str) -> None:
    task = TASK.replace("METRICS", f"return {{'acc': 1}}\n{EXAMPLES.replace('EXPECTED', expected)}")
    tiny.write_text(tiny.read_text() + task)


def test_examples_are_of_the_compiled_network_and_in_report_json(tiny: Path, tmp_path: Path):
    with_examples(tiny, "['b']")
    assert main([str(tiny), *GPU, "--out", str(tmp_path / "out")]) == 0
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert content["examples"] == [{"sample": "of 300", "answers": ["a", "b"], "expected": ["b"], "right": False}]
    assert content["metrics_error"] is None


def test_examples_that_fail_leave_the_metrics(fails, tiny: Path, tmp_path: Path):
    with_examples(tiny, "'b'")
    fails([str(tiny), *GPU, "--out", str(tmp_path / "out")], 2, "task.examples", "'expected'", "tiny.py")
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert "task.examples" in content["metrics_error"]
    assert content["metrics"]["compiled"] == {"acc": 1.0}
    assert content["examples"] == []
    assert "task.examples" in (tmp_path / "out" / "report.html").read_text()


def test_a_task_sees_all_samples_of_outputs_that_change_in_time(capsys, tiny: Path):
    tiny.write_text(
        tiny.read_text() + TASK.replace("METRICS", "return {'n': next(iter(outputs['network'].values())).shape[1]}")
    )
    assert main([str(tiny), *GPU]) == 0
    assert "n on the whole test set: source 300, float 300, compiled 300" in capsys.readouterr().out


def test_names_of_metrics_that_the_task_does_not_say_are_tried_before_anything_runs(
    fails, tiny: Path, monkeypatch: pytest.MonkeyPatch
):
    """On silent outputs of the shapes of the whole test set's."""
    metrics = "(y,) = outputs['network'].values(); assert y.shape == (2, 300, 3); return {'acc': 0}"
    tiny.write_text(tiny.read_text() + TASK.replace("METRICS", metrics))
    assert main([str(tiny), *GPU, "--fail-if", "acc > 1"]) == 0
    monkeypatch.setattr("compile.driver.part_report", None)
    fails([str(tiny), *GPU, "--fail-if", "ac > 1"], 2, "fail-if.name", "throughput, acc")


def test_a_task_that_fails_on_silence_is_asked_for_its_names_after_the_run(fails, tiny: Path):
    tiny.write_text(
        tiny.read_text()
        + TASK.replace("METRICS", "return {'acc': 1 / max(float(o.sum()) for o in outputs['network'].values())}")
    )
    assert main([str(tiny), *GPU, "--fail-if", "acc > 1"]) == 0
    fails([str(tiny), *GPU, "--fail-if", "ac > 1"], 2, "fail-if.value", "ac was not measured", "acc")


TOKENS = """
import torch
from torch import nn
from spikingjelly.activation_based import neuron

T = 2
STATIC_INPUTS = ("x",)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.lif = nn.Embedding(9, 6), neuron.LIFNode(step_mode="m")
        self.out = nn.Linear(6, 3)

    def forward(self, x):
        return self.out(self.lif(3 * self.words(x).sum(1).unsqueeze(0).repeat(T, 1, 1))).mean(0)


def build(config):
    torch.manual_seed(0)
    return Words()


def example(config, samples, seed):
    return {"x": torch.randint(9, (samples, 4), generator=torch.Generator().manual_seed(seed))}
"""


def test_a_task_of_token_ids(capsys, tmp_path: Path):
    path = tmp_path / "words.py"
    path.write_text(TOKENS + TASK.replace("METRICS", "return {'n': len(next(iter(outputs['network'].values())))}"))
    assert main([str(path), *GPU]) == 0
    assert "n on the whole test set: source 300, float 300, compiled 300" in capsys.readouterr().out
