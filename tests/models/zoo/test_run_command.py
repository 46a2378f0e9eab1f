"""The command does what is missing, keeps every result, and says what is wrong; the ablations and the few bits are such commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from compile.command.exit_code import EXIT_BUG, EXIT_INTERRUPTED, EXIT_USAGE
from models.zoo import run_command
from models.zoo.ablations import __main__ as ablations
from models.zoo.ablations.experiment import all_runs
from models.zoo.ablations.page import page
from models.zoo.few_bits import __main__ as few_bits
from models.zoo.run_command import RunCommand
from models.zoo.runs import read_results
from models.zoo.training_run import TrainingRun
from tests.models.zoo.ablations.test_experiment import TWO

COMMAND = RunCommand(
    "models.zoo.ablations",
    "",
    ["two"],
    lambda names: all_runs([TWO]),
    TrainingRun.of,
    lambda results: page([TWO], results),
)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainingRun]:
    """What was trained; the fourth run fails, and after five the user interrupts."""
    runs: list[TrainingRun] = []

    def train(missing: Sequence[TrainingRun], folder: Path, jobs: int, ended: Callable[..., None]) -> None:
        for run in missing:
            if len(runs) == 5:
                raise KeyboardInterrupt
            runs.append(run)
            ended(run, "failed, see x" if len(runs) == 4 else {"accuracy": 90.0})

    monkeypatch.setattr(run_command, "do_missing", train)
    return runs


def test_results_are_kept_and_runs_that_failed_are_tried_again(trained: list[TrainingRun], tmp_path: Path) -> None:
    out = tmp_path / "docs/ablations.md"
    arguments = ["--out", str(out), "--runs", str(tmp_path / "runs")]
    assert COMMAND.main([*arguments, "--page-only"]) == 0
    assert "| two | 3 | 2 | 6 | 0 |" in out.read_text()
    assert COMMAND.main(arguments) == EXIT_INTERRUPTED
    failed = trained[3]
    assert [*read_results(out.with_suffix(".jsonl"), TrainingRun.of)] == [run for run in trained if run != failed]
    trained.clear()
    assert COMMAND.main(["two", *arguments]) == 0
    assert failed in trained
    assert len(trained) == 2
    assert "| two | 3 | 2 | 6 | 6 |" in out.read_text()


def test_a_failure_is_an_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(missing: Sequence[TrainingRun], folder: Path, jobs: int, ended: Callable[..., None]) -> None:
        for run in missing:
            ended(run, "it does not fit")

    monkeypatch.setattr(run_command, "do_missing", fail)
    assert COMMAND.main(["--out", str(tmp_path / "a.md"), "--runs", str(tmp_path)]) == EXIT_BUG
    assert capsys.readouterr().out.count(": it does not fit") == 6
    assert not (tmp_path / "a.jsonl").exists()


@pytest.mark.parametrize("broken", ["{", '{"run": {"changes": [], "speed": 3}, "test": {}}', '{"run": {}}'])
def test_a_broken_line_of_results_is_one_error(
    broken: str, trained: list[TrainingRun], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(broken)
    assert COMMAND.main(["--out", str(tmp_path / "a.md")]) == EXIT_USAGE
    assert "a.jsonl, line 1 cannot be read" in capsys.readouterr().err
    assert not trained


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x"], "no 'x'; there are two"),
        (["--jobs", "0"], "--jobs from 1"),
        (["--out", "a.jsonl"], "the page is a .md file"),
        (["--out", ""], "a .md file"),
    ],
)
def test_wrong_arguments_exit_2(
    arguments: list[str], message: str, trained: list[TrainingRun], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        COMMAND.main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("made", [ablations.COMMAND, few_bits.COMMAND], ids=lambda made: made.name)
def test_a_name_chooses_its_own_runs_and_all_names_all(made: RunCommand[Any]) -> None:
    every = made.runs(made.names)
    assert {run for name in made.names for run in made.runs([name])} == {*every}
    assert len({*every}) == len(every)
    assert [made.of(json.loads(json.dumps(run.content()))) for run in every] == every
    assert "0 of them done" in made.page({})
