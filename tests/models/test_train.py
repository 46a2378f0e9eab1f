"""Training from the command line: a few real steps, going on, and every wrong argument."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from compile.command.exit_code import EXIT_INTERRUPTED, EXIT_USAGE
from models import cmsf, train
from models.networks.cmsf.parts import initial_parts
from models.training import loop

MODEL = str(Path(cmsf.__file__))


@pytest.mark.slow
@pytest.mark.usefixtures("small_data")
@pytest.mark.parametrize("arguments", [[], ["--set", "fusion=scsa", "--set", "detach_labels=True"]])
def test_two_epochs_write_weights_that_load_and_a_log(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "new" / "w.pt"
    assert train.main([MODEL, "--epochs", "2", "--out", str(out), *arguments]) == 0
    fusion = "scsa" if arguments else "scca"
    parts = initial_parts(replace(cmsf.CONFIGS["digits"], fusion=fusion), seed=9)
    cmsf.load_weights(parts, out)
    lines = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    assert (lines[0]["config"]["fusion"], lines[0]["config"]["detach_labels"]) == (fusion, bool(arguments))
    assert [line["epoch"] for line in lines[1:-2]] == [1, 2]
    assert len(lines[1]["loss"]) == 7
    assert "R@Sum" in lines[-1]["test"]
    assert sorted(path.name for path in out.parent.iterdir()) == ["w.jsonl", "w.pt"]


def test_an_interrupted_run_goes_on_to_the_same_weights(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, pieces = tmp_path / "whole.pt", tmp_path / "pieces.pt"
    assert train.main([small, "--out", str(whole)]) == 0
    real, calls = loop._epoch, list[int]()  # pyright: ignore[reportPrivateUsage]

    def stop(*args: object) -> bool:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(1)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_epoch", stop)
    assert train.main([small, "--out", str(pieces)]) == EXIT_INTERRUPTED
    assert f"{pieces} holds the best epoch; --resume goes on" in capsys.readouterr().err
    monkeypatch.setattr(loop, "_epoch", real)
    assert train.main([small, "--out", str(pieces)]) == EXIT_USAGE
    assert train.main([small, "--out", str(pieces), "--seed", "1", "--resume"]) == EXIT_USAGE
    assert train.main([small, "--out", str(pieces), "--resume"]) == 0
    ours, theirs = (torch.load(path, weights_only=True) for path in (pieces, whole))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert not pieces.with_suffix(".state").exists()


@pytest.mark.parametrize(("epochs", "stage"), [(1, "first"), (2, "first"), (3, "second")])
def test_an_interrupted_run_says_which_stage_its_weights_are_of(
    epochs: int,
    stage: str,
    small: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, out, real, calls = tmp_path / "two.py", tmp_path / "w.pt", loop._epoch, list[int]()  # pyright: ignore[reportPrivateUsage]
    model.write_text(
        Path(small).read_text().replace("(stage,)", "(replace(stage, name='first'), replace(stage, name='second'))")
    )

    def stop(*args: object) -> bool:
        if len(calls) == epochs:
            raise KeyboardInterrupt
        calls.append(1)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_epoch", stop)
    assert train.main([str(model), "--epochs", "2", "--out", str(out)]) == EXIT_INTERRUPTED
    assert f"{out} holds the best epoch of the stage {stage}; --resume" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "CONFIGS = {'a': Config()}\ndef training(config, seed, epochs):\n    "])
def test_an_interruption_before_the_first_epoch_is_one_line(
    text: str, small: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    Path(small).write_text(f"{Path(small).read_text()}\n{text}raise KeyboardInterrupt\n")
    assert train.main([small, "--out", str(tmp_path / "w.pt")]) == EXIT_INTERRUPTED
    assert capsys.readouterr().err == "interrupted\n"


def test_a_better_run_is_not_replaced_unasked(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "w.pt"
    assert train.main([small, "--out", str(out)]) == 0
    before = out.read_bytes()
    assert train.main([small, "--epochs", "1", "--out", str(out)]) == EXIT_USAGE
    assert "an earlier run wrote" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert train.main([small, "--epochs", "1", "--out", str(out), "--force"]) == 0
    assert out.read_bytes() != before


def test_any_name_but_those_of_log_and_state_is_one_of_weights(small: str, tmp_path: Path) -> None:
    assert train.main([small, "--epochs", "1", "--out", str(tmp_path / "y.partial")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.py", "y.jsonl", "y.partial"]
    assert torch.load(tmp_path / "y.partial", weights_only=True).keys() == {"weight", "bias"}


@pytest.mark.parametrize("module", ["torch"])
def test_an_interrupt_while_libraries_load_is_one_line(module: str, small: str) -> None:
    """It comes at the moment in which the library begins to load."""
    interrupt = f"event == 'import' and args[0] == {module!r} and signal.raise_signal(signal.SIGINT)"
    run = f"import runpy, signal, sys; sys.addaudithook(lambda event, args: {interrupt}); sys.argv[0] = 'train'"
    code = f"{run}; runpy.run_module({train.__name__!r}, run_name='__main__')"
    ended = subprocess.run([sys.executable, "-c", code, small], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (EXIT_INTERRUPTED, "", "interrupted by SIGINT\n")


def test_fields_take_values_of_their_type(small: str, tmp_path: Path) -> None:
    out = tmp_path / "w.pt"
    changes = ["--set", "width=4", "--set", "rate=1", "--set", "loss=l1"]
    assert train.main([small, "--config", "b", "--out", str(out), *changes]) == 0
    first = json.loads(out.with_suffix(".jsonl").read_text().splitlines()[0])
    others = {"fast": False, "depths": [1, 1], "inner": {"side": 1}}
    assert first == {"config": {"width": 4, "rate": 1.0, "loss": "l1", **others}, "seed": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "c"], "no configuration 'c': a, b"),
        (["--set", "height=3"], "FIELD=VALUE with a field of 'a': depths, fast, inner, loss, rate, width"),
        (["--set", "width"], "FIELD=VALUE"),
        (["--set", "width=2.5"], "the value is a whole number"),
        (["--set", "rate=fast"], "the value is a number"),
        (["--set", "fast=1"], "the value is True or False"),
        (["--set", "depths=[1, 2]"], r"the value is a tuple such as \(1, 1\)"),
        (["--set", "inner=3"], "inner cannot be set; choose a configuration with --config: a, b"),
        (["--set", "width=-1"], "--set width=-1: no width is below 0$"),
        (
            ["--set", "rate=0.0"],
            r"small.py cannot train this: ZeroDivisionError: float division by zero\n  hint    raised at .*small.py:31\n$",
        ),
        (["--set", "width=9"], "cannot train this: too wide"),
        (["--resume"], "nothing to go on from"),
        (["--out", "/proc/none/w.pt"], "cannot write to /proc/none"),
        (["--out", "/"], "cannot write the file /"),
        (["--out", "/dev/full", "--force"], "cannot write the file /dev/full: a folder or a device is there"),
        (["--out", "x.jsonl"], "call the weights NAME.pt"),
    ],
)
def test_what_cannot_be_is_one_error_and_exit_2(
    arguments: list[str],
    message: str,
    small: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert train.main([small, *arguments]) == EXIT_USAGE
    error = capsys.readouterr().err
    assert error.startswith("error[")
    assert re.search(message, error), error
    assert [path.name for path in tmp_path.iterdir()] in (["small.py"], ["small.py", "out"], ["out", "small.py"])


@pytest.mark.slow
def test_a_machine_that_leaves_too_little_is_told_before_anything_loads(small: str) -> None:
    code = f"import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)); from {train.__name__} import start; start()"
    ended = subprocess.run([sys.executable, "-c", code, small], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (EXIT_USAGE, "")
    assert ended.stderr.startswith("error[machine.memory]: the address space is limited to 2,048 MiB")


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--seed", "-1"], ["--seed", "x"], ["--resume", "--force"]])
def test_wrong_flags_exit_2(arguments: list[str], small: str) -> None:
    with pytest.raises(SystemExit) as stop:
        train.main([small, *arguments])
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise KeyError('lost')", "does not run: KeyError: 'lost'"),
        ("import sys; sys.exit(0)", "does not run: SystemExit: 0"),
        ("CONFIGS = {}", "has no training"),
        ("CONFIGS = {}\ndef training(config, seed, epochs): ...", "has no CONFIGS"),
    ],
)
def test_a_model_file_that_does_not_do_is_named(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text + "\n")
    assert train.main([str(path)]) == EXIT_USAGE
    assert f"broken.py {message}" in capsys.readouterr().err
    assert train.main([str(path.with_suffix(".txt"))]) == EXIT_USAGE


def test_the_paper_size_has_no_data_here(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert train.main([MODEL, "--config", "paper", "--out", str(tmp_path / "w.pt")]) == EXIT_USAGE
    error = capsys.readouterr().err
    assert "does not fit the digit scenes" in error
    assert "as `digits` and `emoji` have" in error
