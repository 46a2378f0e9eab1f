"""Every end of a command has its exit code and one line; a request to end is never lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from models.training.exit_code import (
    BAD_INPUT,
    BUG,
    INTERRUPTED,
    Interrupted,
    TrainingError,
    exit_code,
    raise_pending,
    say,
)


def _raise(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (TrainingError("no"), BAD_INPUT, "error: no"),
        (OSError(28, "No space left on device", "w.pt"), BAD_INPUT, "error: No space left on device: w.pt"),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted"),
        (Interrupted("w.pt is whole"), INTERRUPTED, "interrupted; w.pt is whole"),
    ],
)
def test_an_error_is_a_line_and_a_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(lambda: _raise(error)) == code
    assert capsys.readouterr().err == f"{line}\n"


def test_our_own_bug_is_a_line_that_names_the_file_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert exit_code(lambda: _raise(KeyError("lost"))) == BUG
    (file,) = tmp_path.iterdir()
    report = f"please report it with {file}, which holds the traceback"
    assert capsys.readouterr().err == f"error[internal]: a mistake of ours, KeyError: 'lost'; {report}\n"
    assert "in _raise\n    raise error\nKeyError: 'lost'\n" in file.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_error_while_a_request_is_pending_is_the_request(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> int:
        try:
            signal.raise_signal(number)
        except BaseException:
            raise ImportError("half a library") from None
        return 0

    before = signal.getsignal(number)
    assert exit_code(run) == 128 + number
    assert capsys.readouterr().err == "interrupted\n"
    assert signal.getsignal(number) == before
    raise_pending()  # the next command has nothing to do with it


def test_a_line_for_a_reader_that_went_away_is_lost_in_silence() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        for _ in range(2):
            say("epoch", stream)
