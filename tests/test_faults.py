"""The fault suite finds planted faults, and a short run of it finds none: `python -m tests.faults` draws the rest."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.__main__ import try_all
from tests.faults.command import Command, adopting
from tests.faults.files import changed, changed_words
from tests.faults.trial import REFUSED, Trial, clean, judged, outcome_of

pytestmark = pytest.mark.checkout
ROOT = Path(__file__).parents[1]
CHEAP = ("compile.kill", "compile.interrupt", "train.kill", "nir", "net", "checkpoint", "profile", "code.train")


def says(text: str, code: int) -> Command:
    def run() -> int:
        print(text)
        return code

    return run


def sleeps() -> int:
    time.sleep(600)
    return 0


def leaves_a_process() -> int:
    if not os.fork():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sleeps()
    return 0


def leaves_a_file() -> int:
    Path("tmp/left").write_text("")
    return 0


PLANTED: dict[str, tuple[Command, str, str]] = {
    "nothing": (says("", 0), "whole", ""),
    "one error": (says("error[a]: b", 2), "refused", ""),
    "a traceback": (says("Traceback (most recent call last):\nTypeError", 2), "lost", "a traceback"),
    "another exit code": (says("error[internal]", 1), "lost", "exit code 1"),
    "a refusal without a word": (says("", 2), "lost", "without a word"),
    "an endless error": (says("x" * 10_000, 2), "lost", "characters"),
    "a crash": (lambda: os.kill(os.getpid(), signal.SIGKILL) or 0, "lost", "exit code -9"),
    "no end": (sleeps, "hung", "no end in time"),
    "a process": (leaves_a_process, "left behind", "process"),
    "a temporary file": (leaves_a_file, "left behind", "temporary files: left"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command, outcome, why = PLANTED[fault]
    monkeypatch.setattr("tests.faults.command.GRACE_S", 0.2)

    def kind(trial: Trial) -> str:
        ended = judged(trial.run(command), REFUSED)
        clean(trial.folder)
        return ended

    with adopting():
        limit = 0.3 if command is sleeps else 60.0
        found, because = outcome_of(kind, Trial(random.Random(0), tmp_path, limit))
    assert (found, why in because) == (outcome, True), because


def test_what_goes_wrong_is_printed_with_what_does_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = {"good": lambda trial: "whole", "bad": lambda trial: judged(trial.run(says("", 1)), REFUSED)}
    assert try_all(kinds, [(7, "good"), (8, "bad"), (9, "good")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "lost: python -m tests.faults --seed 8 bad"
    assert lines[-3:] == [
        "| good | 2 | 2 | 0 | 0 | 0 | 0 |",
        "| bad | 1 | 0 | 0 | 1 | 0 | 0 |",
        "| all | 3 | 2 | 0 | 1 | 0 | 0 |",
    ]
    assert try_all(kinds, [(7, "good")]) == 0


def test_a_seed_makes_the_same_changes_again() -> None:
    data, text = bytes(range(256)), "a = 1\nb = { value = 2, unit = 'pJ' }\n"
    assert len({changed(random.Random(seed), data) for seed in range(20) for _ in range(2)}) == 20
    assert changed_words(random.Random(3), text) == changed_words(random.Random(3), text) != text


@pytest.mark.slow
def test_a_short_run_finds_nothing() -> None:
    command = [sys.executable, "-m", "tests.faults", "--seed", "1", *CHEAP]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout
    assert f"| all | {len(CHEAP)} |" in done.stdout
