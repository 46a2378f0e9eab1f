"""Training from the command line: a few real steps, and every wrong argument."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from models import cmsf, train
from models.cmsf_network.parts import initial_parts

MODEL = str(Path(cmsf.__file__))


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
