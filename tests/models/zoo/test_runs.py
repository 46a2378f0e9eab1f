"""Real processes of `python -m models.train` on a model file that trains in no time: kept, interrupted, resumed, failed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from models.training import stage
from models.training.run_files import RunFiles
from models.zoo import runs as runs_of
from models.zoo import training_run
from models.zoo.cases import ENTRIES
from models.zoo.child import Ended
from models.zoo.runs import Outcome, do_missing, read_results, write_results
from models.zoo.training_run import TrainingRun, final_metrics

MODEL = """
from dataclasses import dataclass
import os
import torch
from torch import nn
from STAGE import Training, TrainingStage

@dataclass(frozen=True)
class Config:
    width: int = 3

CONFIGS = {"a": Config()}

def training(config, seed, epochs=None):
    torch.manual_seed(seed)
    part, x = nn.Linear(config.width, 1), torch.randn(8, config.width)
    stage = TrainingStage("fit", epochs or 4, lambda rng: [x[rng.permutation(8)]], lambda b: {"error": (part(b) ** 2).mean()},
                          lambda: {"fit": -float((part(x) ** 2).mean())}, "fit",
                          torch.optim.SGD(part.parameters(), lr=0.1), lambda done: 1.0, 9)
    return Training({"net": part}, (stage,), lambda: {"width": config.width}, lambda path: torch.save(part.state_dict(), path))
""".replace("STAGE", stage.__name__)


@dataclass(frozen=True)
class Small:
    module: SimpleNamespace
    metrics: tuple[str, ...] = ("width",)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingRun:
    """A run of a small model file, which stands among the others."""
    (tmp_path / "small.py").write_text(MODEL)
    entries = {**ENTRIES, "small": Small(SimpleNamespace(__file__=str(tmp_path / "small.py")))}
    monkeypatch.setattr(training_run, "ENTRIES", entries)
    return TrainingRun("small", "a", ("width=4",), 3, 1)


def ended(results: dict[TrainingRun, Outcome]):
    def keep(run: TrainingRun, outcome: Outcome) -> None:
        results[run] = outcome

    return keep


def test_results_come_back(tmp_path: Path, small: TrainingRun) -> None:
    write_results(tmp_path / "r.jsonl", {small: {"accuracy": 90.5}})
    assert read_results(tmp_path / "r.jsonl", TrainingRun.of) == {small: {"accuracy": 90.5}}
    assert read_results(tmp_path / "none.jsonl", TrainingRun.of) == {}


@pytest.mark.slow
def test_runs_are_trained_once_and_a_failure_costs_its_own_alone(tmp_path: Path, small: TrainingRun) -> None:
    folder, results = tmp_path / "runs", dict[TrainingRun, Outcome]()
    wrong = TrainingRun("small", "a", ("height=4",), 3, 1)
    do_missing([wrong, small], folder, 2, ended(results))
    assert results == {wrong: f"failed, see {folder / wrong.name}.txt", small: {"width": 4.0}}
    assert "FIELD=VALUE" in (folder / f"{wrong.name}.txt").read_text()
    log = folder / f"{small.name}.jsonl"
    assert final_metrics(log) == {"width": 4}
    before, again = (folder / f"{small.name}.pt").stat().st_mtime_ns, dict[TrainingRun, Outcome]()
    do_missing([small], folder, 1, ended(again))
    assert again == {small: {"width": 4.0}}
    assert (folder / f"{small.name}.pt").stat().st_mtime_ns == before, "nothing was trained again"


@pytest.mark.slow
def test_runs_of_the_same_files_are_trained_once(
    tmp_path: Path, small: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = json.dumps({"metrics": {"compiled": {"width": 3.5}}})
    monkeypatch.setattr(training_run, "run_child", lambda command, limit: Ended(compiled, ""))
    results, integers = dict[TrainingRun, Outcome](), replace(small, integers=True)
    do_missing([small, integers], tmp_path, 2, ended(results))
    assert results == {small: {"width": 4.0}, integers: {"width": 4.0, "width, integers": 3.5}}
    assert (tmp_path / f"{small.name}.txt").read_text().count("weights in") == 1
    monkeypatch.setattr(training_run, "run_child", lambda command, limit: Ended("", "took more than 9 s"))
    do_missing([integers], tmp_path, 2, ended(results))
    assert results[integers] == "its integers: took more than 9 s"
    assert (tmp_path / f"{small.name}.txt").read_text().count("weights in") == 1, "nothing was trained again"


@pytest.mark.slow
def test_an_interrupt_reaches_the_trainings_and_the_next_call_goes_on(
    tmp_path: Path, small: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    long, folder = TrainingRun("small", "a", (), 100_000, 0), tmp_path / "runs"

    def sleep(seconds: float) -> None:
        if (folder / f"{long.name}.state").is_file():
            raise KeyboardInterrupt

    monkeypatch.setattr(runs_of.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        do_missing([long], folder, 1, ended({}))
    epochs = len((folder / f"{long.name}.jsonl").read_text().splitlines()) - 1
    assert epochs >= 1
    assert final_metrics(folder / f"{long.name}.jsonl") is None
    assert json.loads((folder / f"{long.name}.jsonl").read_text().splitlines()[-1])["epoch"] == epochs
    assert long.command(RunFiles(folder / f"{long.name}.pt"))[-1] == "--resume"
