"""Commands of trainings, and what their logs and reports say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.training.run_files import RunFiles, write_json_lines
from models.zoo import training_run
from models.zoo.child import Ended
from models.zoo.training_run import TrainingRun, final_metrics, model_file


def test_a_run_comes_back_from_json() -> None:
    run = TrainingRun("taaf", "av-digits", ("T=8", "fusion=sum"), 3, 1, integers=True)
    assert TrainingRun.of(json.loads(json.dumps(run.content()))) == run


def test_a_run_begins_goes_on_or_begins_anew(tmp_path: Path) -> None:
    run, files = TrainingRun("taaf", "av-digits", ("T=8",), 3, 1), RunFiles(tmp_path / "w.pt")
    assert run.command(files)[3:] == [
        *(model_file("taaf"), "--config", "av-digits", "--set", "T=8", "--seed", "1", "--epochs", "3"),
        *("--out", str(files.weights), "--force"),
    ]
    files.state.write_bytes(b"")
    assert run.command(files)[-1] == "--resume"


def test_stages_have_the_dev_metrics_of_their_best_epoch(tmp_path: Path) -> None:
    log = tmp_path / "w.jsonl"
    epochs = [{"stage": "align", "epoch": epoch, "dev": {"cosine": 0.1 * epoch}} for epoch in (1, 2, 3)]
    ends = [{"stage": "align", "best_epoch": 2}, {"stage": "tune", "epoch": 1, "dev": {"mean": 40}}]
    write_json_lines(log, [{"seed": 0}, *epochs, *ends, {"stage": "tune", "best_epoch": 1}, {"test": {"groups": 50}}])
    assert final_metrics(log) == {"align cosine, dev": 0.2, "tune mean, dev": 40, "groups": 50}


@pytest.mark.parametrize("failed", ["", "ended with 3: it does not fit"])
def test_integers_stand_beside_what_training_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failed: str
) -> None:
    asked = list[list[str]]()

    def compiler(command: list[str], limit: float) -> Ended:
        asked.append(command)
        return Ended(json.dumps({"metrics": {"compiled": {"accuracy": 89.5, "loss": 1.0}}}), failed)

    monkeypatch.setattr(training_run, "run_child", compiler)
    run, files = TrainingRun("taaf", "av-digits", (), 36, 2, integers=True), RunFiles(tmp_path / "w.pt")
    assert run.measured(files) is None, "it has not ended"
    files.log.write_text(json.dumps({"test": {"accuracy": 90.0}}))
    wanted = f"its integers: {failed}" if failed else {"accuracy": 90.0, "accuracy, integers": 89.5}
    assert run.measured(files) == wanted
    assert asked[0][asked[0].index("--weights") + 1] == str(files.weights)
    assert replace(run, integers=False).measured(files) == {"accuracy": 90.0}
    assert len(asked) == 1
