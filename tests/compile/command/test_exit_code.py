"""What a command ends with, and streams that are full, closed or cannot hold every letter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from compile.command.exit_code import exit_code
from compile.command.signals import SignalReceived
from ir.errors import CompileError, DeployError, Violation

GPU = ["--target", "gpu", "--samples", "2"]


def raises(error: BaseException) -> Callable[[], int]:
    """A command that ends with an exception, which no line of this file raises: that would be a user's."""
    future: Future[int] = Future()
    future.set_exception(error)
    return future.result


ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_streams_that_are_full_or_closed():
    def run(arguments: str, code: int) -> bytes:
        shell = ["bash", "-c", f"{sys.executable} -m compile {arguments}"]
        done = subprocess.run(shell, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    first = b": list of profiles\n"
    assert run("--list profiles >/dev/full", 2).endswith(first + b"error[io]: No space left on device\n")
    assert run("--list nothing 2>/dev/full", 2) == b""
    assert run("--list nothing 2>&-", 2) == b""
    assert run("--list profiles >&-", 0).endswith(first)


@pytest.mark.slow
def test_a_terminal_without_the_letters_of_a_name(tiny: Path, tmp_path: Path):
    tiny.write_text(tiny.read_text() + "\nCONFIGS = {'größe': 1}\n", encoding="utf-8")
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    argv = [sys.executable, "-m", "compile", str(tiny), *GPU, "--out", str(tmp_path / "out")]
    run = subprocess.run(argv, cwd=ROOT, env=ascii_only, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    assert b"(gr??e)" in run.stdout


VIOLATION = Violation(rule="some.rule", what="is wrong", where="block.x", hint="mend it")
CASES = {
    "a code": (lambda: 7, 7, ""),
    "the user's mistake": (raises(CompileError("some.rule", "is wrong")), 2, "error[some.rule]: is wrong"),
    "the target's limit": (raises(DeployError([VIOLATION])), 3, "error[some.rule]: is wrong"),
    "Ctrl-C": (raises(KeyboardInterrupt()), 130, "interrupted"),
    "a signal": (raises(SignalReceived(signal.SIGTERM)), 143, "interrupted by SIGTERM"),
    "memory": (raises(MemoryError()), 2, "error[memory]: not enough memory"),
    "memory with a text": (raises(MemoryError("9 GiB")), 2, "not enough memory: 9 GiB"),
    "threads": (raises(RuntimeError("can't start new thread")), 2, "error[machine.threads]: can't start new thread"),
    "a file": (raises(OSError(13, "Permission denied", "/x")), 2, "error[io]: Permission denied"),
    "torch's file": (raises(OSError("no file")), 2, "error[io]: no file"),
}


@pytest.mark.parametrize("case", CASES)
def test_how_a_command_ends(case: str, capsys: pytest.CaptureFixture[str]):
    run, code, text = CASES[case]
    assert exit_code(run) == code
    captured = capsys.readouterr()
    assert captured.err.startswith(text) if not text.startswith("not") else text in captured.err
    assert (captured.out, captured.err.count("Traceback")) == ("", 0)


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(0), OSError(28, "No space left on device")])
def test_what_code_of_users_raises_is_their_mistake(error: BaseException, capsys: pytest.CaptureFixture[str]):
    def run() -> int:
        raise error

    assert exit_code(run) == 2
    assert f"  hint    raised at {__file__}:" in capsys.readouterr().err


TALK = """
import sys
from functools import partial
from compile.command.exit_code import exit_code
sys.exit(exit_code(partial(print, "x" * 10**6, flush=True)))
"""


@pytest.mark.checkout
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path):
    (tmp_path / "talk.py").write_text(TALK)
    reader = f"{sys.executable} {tmp_path / 'talk.py'} | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", reader], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"x", b"")
