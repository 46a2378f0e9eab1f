"""A process ends well, badly, or too late."""

from __future__ import annotations

import sys

import pytest

from models.zoo.child import PACKAGE, run_child


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_what_a_process_prints_is_its_output() -> None:
    ended = run_child(python("print(3)"), 60)
    assert (ended.output, ended.failed) == ("3\n", "")
    assert f"{PACKAGE}models.zoo.child" == run_child.__module__


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import sys; print('error[a.b] no\\n  hint', file=sys.stderr); sys.exit(2)", "ended with 2: error[a.b] no"),
        ("raise KeyError('lost')", "ended with 1: KeyError: 'lost'"),
        ("import sys; sys.exit(7)", "ended with 7: it said nothing"),
    ],
)
def test_what_fails_says_why_in_a_line(text: str, reason: str) -> None:
    assert run_child(python(text), 60).failed == reason


def test_what_takes_too_long_is_ended() -> None:
    assert run_child(python("import time; time.sleep(60)"), 0.2).failed == "took more than 0 s"
