"""The ablations' command trains what is missing, keeps every result, and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from compile.command.exit_code import EXIT_BUG, EXIT_INTERRUPTED, EXIT_USAGE
from models.zoo.ablations import __main__ as command
from models.zoo.ablations.experiment import TrainingRun
from models.zoo.ablations.runs import read_results
from tests.models.zoo.ablations.test_experiment import TWO


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainingRun]:
    """What was trained; the fourth run fails, and after five the user interrupts."""
    runs: list[TrainingRun] = []

    def train(missing: Sequence[TrainingRun], folder: Path, jobs: int, ended: Callable[..., None]) -> None:
        for run in missing:
            if len(runs) == 5:
                raise KeyboardInterrupt
            runs.append(run)
            ended(run, None if len(runs) == 4 else {"accuracy": 90.0})

    monkeypatch.setattr(command, "train_missing", train)
    monkeypatch.setattr(command, "EXPERIMENTS", (TWO,))
    return runs


def test_results_are_kept_and_runs_that_failed_are_tried_again(trained: list[TrainingRun], tmp_path: Path) -> None:
    out = tmp_path / "docs/ablations.md"
    arguments = ["--out", str(out), "--runs", str(tmp_path / "runs")]
    assert command.main([*arguments, "--page-only"]) == 0
    assert "| two | 3 | 2 | 6 | 0 |" in out.read_text()
    assert command.main(arguments) == EXIT_INTERRUPTED
    failed = trained[3]
    assert [*read_results(out.with_suffix(".jsonl"))] == [run for run in trained if run != failed]
    trained.clear()
    assert command.main(["two", *arguments]) == 0
    assert failed in trained
    assert len(trained) == 2
    assert "| two | 3 | 2 | 6 | 6 |" in out.read_text()


def test_a_failure_is_an_exit_status(trained: list[TrainingRun], tmp_path: Path) -> None:
    trained += [TrainingRun("x", "y", (), 1, seed) for seed in range(3)]
    arguments = ["--out", str(tmp_path / "a.md"), "--runs", str(tmp_path)]
    assert command.main(arguments) == EXIT_INTERRUPTED
    del trained[2:]
    assert command.main(arguments) in (EXIT_BUG, EXIT_INTERRUPTED)


@pytest.mark.parametrize("broken", ["{", '{"run": {"changes": [], "speed": 3}, "test": {}}', '{"run": {}}'])
def test_a_broken_line_of_results_is_one_error(
    broken: str, trained: list[TrainingRun], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(broken)
    assert command.main(["--out", str(tmp_path / "a.md")]) == EXIT_USAGE
    assert "a.jsonl, line 1 cannot be read" in capsys.readouterr().err
    assert not trained


@pytest.mark.parametrize(
    ("arguments", "message"), [(["x"], "no experiment 'x'; there are two"), (["--jobs", "0"], "--jobs from 1")]
)
def test_wrong_arguments_exit_2(
    arguments: list[str], message: str, trained: list[TrainingRun], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
