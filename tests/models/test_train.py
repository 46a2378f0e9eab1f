"""Training from the command line: a few real steps, and every wrong argument."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models import cmsf, train
from models.cmsf_network.parts import initial_parts
from models.data import digits
from models.data.digits import Split
from models.training import training
from models.training.training import TrainingSchedule, fit

MODEL = str(Path(cmsf.__file__))


@pytest.fixture
def small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 dev scenes for training, 16 of them for everything else."""
    dev = digits.load_split("dev")
    few = Split(dev.regions[:16], dev.captions[:80], dev.word_ids[:80])
    many = Split(dev.regions[:64], dev.captions[:320], dev.word_ids[:320])
    monkeypatch.setattr(digits, "load_split", lambda name: many if name == "train" else few)


@pytest.mark.slow
@pytest.mark.usefixtures("small_data")
@pytest.mark.parametrize("arguments", [[], ["--fusion", "scsa", "--detach"]])
def test_two_epochs_write_weights_that_load_and_a_log(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "new" / "w.pt"
    assert train.main([MODEL, "--epochs", "2", "--out", str(out), *arguments]) == 0
    fusion = "scsa" if arguments else "scca"
    parts = initial_parts(replace(cmsf.CONFIGS["digits"], fusion=fusion), seed=9)
    cmsf.load_weights(parts, out)
    lines = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    assert lines[0]["config"]["fusion"] == fusion
    assert [line["epoch"] for line in lines[1:-1]] == [1, 2]
    assert len(lines[1]["loss"]) == 7
    assert "R@Sum" in lines[-1]["test"]
    assert sorted(path.name for path in out.parent.iterdir()) == ["w.jsonl", "w.pt"]


@pytest.mark.slow
@pytest.mark.usefixtures("small_data")
def test_loss_falls_and_a_seed_gives_the_same_run() -> None:
    config = replace(cmsf.CONFIGS["digits"], fusion="none")
    runs: list[list[dict[str, object]]] = []
    for _ in range(2):
        log: list[dict[str, object]] = []
        fit(config, TrainingSchedule(epochs=3, seed=4, batch=32), log.append, lambda _parts: None)
        runs.append([{**entry, "seconds": 0} for entry in log])
    assert runs[0] == runs[1]
    first, last = runs[0][0]["loss"], runs[0][-1]["loss"]
    assert isinstance(first, dict)
    assert isinstance(last, dict)
    assert last["final"] < first["final"]


@pytest.mark.usefixtures("small_data")
def test_best_dev_epoch_is_kept_and_patience_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = iter([10.0, 30.0, 20.0, 25.0, 5.0])
    seen: list[torch.Tensor] = []

    def retrieval_metrics(parts: training.Parts, _split: str) -> dict[str, float]:
        seen.append(parts["image"].state_dict()["linear.weight"].clone())
        return {"R@Sum": next(sums)}

    monkeypatch.setattr(training, "retrieval_metrics", retrieval_metrics)
    config = replace(cmsf.CONFIGS["digits"], fusion="none")
    kept: list[training.Parts] = []
    trained = fit(config, TrainingSchedule(epochs=9, seed=0, patience=2), lambda _entry: None, kept.append)
    assert (trained.epoch, trained.dev_sum, len(seen)) == (2, 30.0, 4)
    assert len(kept) == 2
    assert torch.equal(trained.parts["image"].state_dict()["linear.weight"], seen[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.py"], "no model file none.py"),
        ([MODEL, "--config", "huge"], "no configuration 'huge': digits, digits-spike, paper"),
        ([MODEL, "--config", "paper"], "'paper' does not fit the digit scenes"),
        ([MODEL, "--epochs", "0"], "'0' is not a whole number from 1 on"),
        ([MODEL, "--seed", "-1"], "expected one argument|is not a whole number from 0 on"),
        ([MODEL, "--seed", "x"], "'x' is not a whole number from 0 on"),
        ([MODEL, "--fusion", "late"], "invalid choice: 'late'"),
        ([MODEL, "--out", "/proc/none/w.pt"], "cannot write to /proc/none"),
        ([MODEL, "--out", "/"], "cannot write the file /"),
        ([str(Path(train.__file__))], "has no CONFIGS"),
        ([__file__.replace(".py", ".txt")], "no model file"),
    ],
)
def test_wrong_arguments_are_one_error_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        train.main(arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("python -m models.train: error: ")
    assert re.search(message, error), error


def test_a_model_file_that_fails_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.py"
    path.write_text("raise KeyError('lost')\n")
    with pytest.raises(SystemExit):
        train.main([str(path)])
    assert "broken.py does not run: KeyError: 'lost'" in capsys.readouterr().err


@pytest.mark.usefixtures("small_data")
def test_interruption_leaves_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "fit", interrupt)
    assert train.main([MODEL, "--out", str(tmp_path / "w.pt")]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
